package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"postroom/api/auth"
)

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
	raw, err := s.pipeline.OpenRaw(ctx, workspace, m.ID)
	if err != nil {
		return nil, err
	}
	out.Body = func(ctx huma.Context) { send(ctx, raw, raw.Size) }
	return out, nil
}

// send writes what may be large to a client that may be slow.
func send(ctx huma.Context, body io.Reader, size int64) {
	_, w := humago.Unwrap(ctx)
	writeBefore(w, time.Now().Add(mailWithin))
	ctx.SetHeader("Content-Length", strconv.FormatInt(size, 10))
	ctx.SetStatus(http.StatusOK)
	if _, err := io.Copy(w, body); err != nil {
		slog.DebugContext(ctx.Context(), "mail not sent to its end", "request_id", requestOf(ctx.Context()).id, "err", err)
	}
}

type partIn struct {
	Matched
	Message string `path:"message" doc:"The message's id."`
	Part    string `path:"part" doc:"The part's number, as in the message's content."`
}

type partOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Policy      string `header:"Content-Security-Policy"`
	ETag        string `header:"ETag"`
	Body        func(huma.Context)
}

func (s *server) addPart() {
	bytesOf := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-part", Method: http.MethodGet, Path: "/messages/{message}/parts/{part}", Tags: []string{"messages"},
		Summary: "Download a part of a message", Description: "Decoded. Pictures come as what they are by their first octets, all else as application/octet-stream.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The part.", Content: map[string]*huma.MediaType{"application/octet-stream": bytesOf, "image/*": bytesOf},
		}},
	}, s.getPart)
}

func (s *server) getPart(ctx context.Context, workspace uuid.UUID, in *partIn) (*partOut, error) {
	id, err := parseID(in.Message)
	if err != nil {
		return nil, err
	}
	a, err := s.pipeline.Attachment(ctx, workspace, id, in.Part)
	if err != nil {
		return nil, err
	}
	out := &partOut{
		ContentType: a.Type, Disposition: a.Disposition(), Policy: "sandbox; default-src 'none'", ETag: etag(a.SHA256[:]),
		Body: func(ctx huma.Context) { send(ctx, a.Body, a.Size) },
	}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Body = func(ctx huma.Context) { ctx.SetStatus(http.StatusNotModified) }
	}
	return out, nil
}
