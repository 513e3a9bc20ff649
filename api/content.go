package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest"
)

// A Content is what a message says, told apart into what its sender wrote for it and
// what came with it.
type Content struct {
	Subject    string     `json:"subject"`
	From       []Address  `json:"from" nullable:"false"`
	ReplyTo    []Address  `json:"reply_to" nullable:"false"`
	To         []Address  `json:"to" nullable:"false"`
	Cc         []Address  `json:"cc" nullable:"false"`
	Date       *time.Time `json:"date" doc:"The Date field: the sender's clock."`
	InReplyTo  []string   `json:"in_reply_to" nullable:"false" doc:"Message-IDs."`
	References []string   `json:"references" nullable:"false" doc:"Message-IDs, oldest first."`

	Text         string `json:"text" doc:"The best readable text, with LF line ends; made from the HTML where there is no other."`
	FreshText    string `json:"fresh_text" doc:"Of the text what the sender wrote for this message, and below it what they passed on."`
	QuotedText   string `json:"quoted_text" doc:"Of the text what a reader of the conversation need not see again: quotes, what introduces them, and signatures."`
	HTML         string `json:"html" doc:"The HTML made fit to be shown: nothing in it is active, cid: addresses stay, and images elsewhere have theirs in data-remote instead of src. Show it in a sandboxed frame all the same. What the sender wrote is in the raw mail."`
	HTMLCut      bool   `json:"html_cut" doc:"The HTML goes on; all of it is in the raw mail."`
	RemoteImages int    `json:"remote_images" doc:"Images elsewhere that the HTML names."`
	Trackers     int    `json:"trackers" doc:"Of these, hidden or as large as a dot: they tell somebody that the mail is read."`

	Forward    *Forward    `json:"forward,omitempty" doc:"The mail that this one passes on."`
	Parts      []Part      `json:"parts" nullable:"false" doc:"Every leaf, bodies and attachments, in order."`
	Automatic  Automatic   `json:"automatic"`
	Defects    []Defect    `json:"defects" nullable:"false" doc:"What was wrong with it and was got past."`
	OverBudget *OverBudget `json:"over_budget,omitempty" doc:"Set when reading it all would cost more than one message may: what is here is a part."`
}

// A Forward is a mail that was passed on, by the word of whoever did.
type Forward struct {
	How       string     `json:"how" enum:"inline,attached,resent" doc:"Copied into the text, as an attached message, or as it was."`
	From      []Address  `json:"from" nullable:"false" doc:"Who wrote it."`
	Date      *time.Time `json:"date" doc:"Null where it cannot be read."`
	Sent      string     `json:"sent" doc:"The date as it stands there."`
	Subject   string     `json:"subject"`
	MessageID string     `json:"message_id" doc:"Only of attached and resent mail."`
	Text      string     `json:"text"`
}

// An Automatic says which kind of machine sent a message.
type Automatic struct {
	Kind       string             `json:"kind" enum:",bounce,feedback,auto-reply,receipt,list" doc:"Empty for mail that a person may have written."`
	Recipients []ReportedDelivery `json:"recipients" nullable:"false" doc:"Whom a bounce or report is about."`
	Original   string             `json:"original" doc:"Message-ID of the mail that it is about, where it says so."`
}

// A ReportedDelivery is what a bounce says of one address.
type ReportedDelivery struct {
	Address    string `json:"address"`
	Status     string `json:"status" doc:"Enhanced status code (RFC 3463), such as 5.1.1; empty when nobody states one."`
	ReplyCode  string `json:"reply_code" doc:"SMTP reply code, such as 550."`
	Reason     string `json:"reason" doc:"In one word, such as mailboxfull; docs/replies.md lists them."`
	Hard       bool   `json:"hard" doc:"The address itself is at fault: no such user or host, or moved away."`
	Diagnostic string `json:"diagnostic" doc:"What the server said."`
}

// A Part is one leaf of a message.
type Part struct {
	Number      int    `json:"number" doc:"Names it in the path to download it by."`
	ContentType string `json:"content_type" doc:"As claimed."`
	Detected    string `json:"detected_type" doc:"What the first octets are; empty when they do not tell."`
	Charset     string `json:"charset" doc:"As claimed."`
	Filename    string `json:"filename" doc:"Made safe to show and to save."`
	Disposition string `json:"disposition"`
	ContentID   string `json:"cid" doc:"The Content-ID without its brackets."`
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
	shown := c.Display(false, nil)
	out := Content{
		Subject: c.Subject, From: addresses(c.From), ReplyTo: addresses(c.ReplyTo), To: addresses(c.To), Cc: addresses(c.Cc),
		Date: dateOf(c.Date), InReplyTo: append([]string{}, c.InReplyTo...), References: append([]string{}, c.References...),
		Text: c.Text, FreshText: c.FreshText(), QuotedText: c.Reply().Quoted(),
		HTML: shown.HTML, HTMLCut: shown.Cut, RemoteImages: shown.Remote, Trackers: shown.Trapped,
		Forward: showForward(c.Forward()), Parts: showParts(c.Parts), Automatic: Automatic{Kind: c.Automatic.Kind, Original: c.Automatic.Original},
		Defects: []Defect{},
	}
	out.Automatic.Recipients = []ReportedDelivery{}
	for _, r := range c.Automatic.Recipients {
		out.Automatic.Recipients = append(out.Automatic.Recipients, ReportedDelivery(r))
	}
	for _, d := range c.Defects {
		out.Defects = append(out.Defects, Defect{d.Kind, d.Detail})
	}
	if c.Over != nil {
		out.OverBudget = &OverBudget{c.Over.Limit, c.Over.Max}
	}
	return out
}

// dateOf is null for a date that cannot be read.
func dateOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return utc(&t)
}

func showForward(f *ingest.Forward) *Forward {
	if f == nil {
		return nil
	}
	return &Forward{
		How: f.How, From: addresses(f.From), Date: dateOf(f.Date), Sent: f.Sent, Subject: f.Subject, MessageID: f.MessageID, Text: f.Text,
	}
}

func showParts(parts []ingest.Part) []Part {
	out := make([]Part, 0, len(parts))
	for i, p := range parts {
		out = append(out, Part{
			Number: i + 1, ContentType: p.ContentType, Detected: p.Detected, Charset: p.Charset, Filename: p.Filename, Disposition: p.Disposition,
			ContentID: p.ContentID, Size: p.Size, SHA256: hex.EncodeToString(p.SHA256[:]), Inline: p.Inline, Body: p.Body,
		})
	}
	return out
}

func (s *server) addContent() {
	tags := []string{"messages"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-content", Method: http.MethodGet, Path: "/messages/{message}/content", Tags: tags,
		Summary: "Read what a message says", Description: "Text, HTML that is fit to be shown, people, parts, and what was wrong with it.",
	}, s.getContent)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-raw", Method: http.MethodGet, Path: "/messages/{message}/raw", Tags: tags,
		Summary: "Download the raw mail", Description: "Octet for octet as it was accepted.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The mail.",
			Content:     map[string]*huma.MediaType{mailType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}},
	}, s.getRaw)
	s.addPart()
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
