package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest"
)

// A Content is what a message says. The HTML that a sender wrote is not in it: it
// is in the raw mail, and whoever shows it must sanitise it.
type Content struct {
	Subject    string      `json:"subject"`
	From       []Address   `json:"from" nullable:"false"`
	ReplyTo    []Address   `json:"reply_to" nullable:"false"`
	To         []Address   `json:"to" nullable:"false"`
	Cc         []Address   `json:"cc" nullable:"false"`
	Date       *time.Time  `json:"date" doc:"The Date field: the sender's clock."`
	InReplyTo  []string    `json:"in_reply_to" nullable:"false" doc:"Message-IDs."`
	References []string    `json:"references" nullable:"false" doc:"Message-IDs, oldest first."`
	Text       string      `json:"text" doc:"The best readable text, with LF line ends; made from the HTML where there is no other."`
	Parts      []Part      `json:"parts" nullable:"false" doc:"Every leaf, bodies and attachments, in order."`
	Automatic  string      `json:"automatic" enum:",bounce,feedback,auto-reply,receipt,list" doc:"Which kind of machine sent it; empty for mail that a person may have written."`
	Defects    []Defect    `json:"defects" nullable:"false" doc:"What was wrong with it and was got past."`
	OverBudget *OverBudget `json:"over_budget,omitempty" doc:"Set when reading it all would cost more than one message may: what is here is a part."`
}

// A Part is one leaf of a message.
type Part struct {
	ContentType string `json:"content_type" doc:"As claimed."`
	Charset     string `json:"charset" doc:"As claimed."`
	Filename    string `json:"filename" doc:"Made safe to show and to save."`
	Disposition string `json:"disposition"`
	ContentID   string `json:"content_id"`
	Size        int64  `json:"size" doc:"Decoded, in octets."`
	SHA256      string `json:"sha256" doc:"Of the decoded octets, in hex."`
	Inline      bool   `json:"inline" doc:"Shown inside the HTML."`
	Body        bool   `json:"body" doc:"The message's text, or a piece of it."`
}

// A Defect is something that was wrong with a message.
type Defect struct {
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// An OverBudget says which limit of reading one message was passed.
type OverBudget struct {
	Limit string `json:"limit" enum:"bytes,header_bytes,parts,depth,work"`
	Max   int64  `json:"max"`
}

// named is an address as whoever parsed it has it.
type named interface {
	~struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
}

func addresses[A named](list []A) []Address {
	out := make([]Address, 0, len(list))
	for _, a := range list {
		out = append(out, Address(a))
	}
	return out
}

func showContent(c ingest.Content) Content {
	out := Content{
		Subject: c.Subject, From: addresses(c.From), ReplyTo: addresses(c.ReplyTo), To: addresses(c.To), Cc: addresses(c.Cc),
		InReplyTo: append([]string{}, c.InReplyTo...), References: append([]string{}, c.References...),
		Text: c.Text, Parts: []Part{}, Automatic: c.Automatic.Kind, Defects: []Defect{},
	}
	if !c.Date.IsZero() {
		out.Date = utc(&c.Date)
	}
	for _, p := range c.Parts {
		out.Parts = append(out.Parts, Part{
			ContentType: p.ContentType, Charset: p.Charset, Filename: p.Filename, Disposition: p.Disposition, ContentID: p.ContentID,
			Size: p.Size, SHA256: hex.EncodeToString(p.SHA256[:]), Inline: p.Inline, Body: p.Body,
		})
	}
	for _, d := range c.Defects {
		out.Defects = append(out.Defects, Defect{d.Kind, d.Detail})
	}
	if c.Over != nil {
		out.OverBudget = &OverBudget{c.Over.Limit, c.Over.Max}
	}
	return out
}

func (s *server) addContent() {
	tags := []string{"messages"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-content", Method: http.MethodGet, Path: "/messages/{message}/content", Tags: tags,
		Summary: "Read what a message says", Description: "Text, people, parts, and what was wrong with it.",
	}, s.getContent)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-raw", Method: http.MethodGet, Path: "/messages/{message}/raw", Tags: tags,
		Summary: "Download the raw mail", Description: "Octet for octet as it was accepted.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The mail.",
			Content:     map[string]*huma.MediaType{mailType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}},
	}, s.getRaw)
}

func (s *server) getContent(ctx context.Context, workspace uuid.UUID, in *messageIn) (*single[Content], error) {
	id, err := parseID(in.Message)
	if err != nil {
		return nil, err
	}
	c, err := s.pipeline.Content(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	return one(in.Matched, showContent(c))
}

type rawOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	ETag        string `header:"ETag"`
	Body        func(huma.Context)
}

func (s *server) getRaw(ctx context.Context, workspace uuid.UUID, in *messageIn) (*rawOut, error) {
	m, err := s.message(ctx, workspace, in.Message)
	if err != nil {
		return nil, err
	}
	out := &rawOut{
		ContentType: mailType, Disposition: fmt.Sprintf(`attachment; filename="%s.eml"`, m.ID), ETag: etag(m.RawHash),
	}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Body = func(ctx huma.Context) { ctx.SetStatus(http.StatusNotModified) }
		return out, nil
	}
	raw, err := s.pipeline.Raw(ctx, workspace, m.ID)
	if err != nil {
		return nil, err
	}
	out.Body = func(ctx huma.Context) { sendRaw(ctx, raw) }
	return out, nil
}

// sendRaw writes a mail, which may be large, to a client, which may be slow.
func sendRaw(ctx huma.Context, raw []byte) {
	_, w := humago.Unwrap(ctx)
	writeBefore(w, time.Now().Add(mailWithin))
	ctx.SetHeader("Content-Length", strconv.Itoa(len(raw)))
	ctx.SetStatus(http.StatusOK)
	if _, err := w.Write(raw); err != nil {
		slog.DebugContext(ctx.Context(), "raw mail not sent to its end", "request_id", requestOf(ctx.Context()).id, "err", err)
	}
}
