package ingest

import (
	"context"
	"fmt"
	"io"
	"mime"
	"strconv"

	"github.com/google/uuid"

	"postroom/ingest/mail"
	"postroom/tickets"
)

// An Attachment is a part as it is handed out. A browser is told no other types
// than those of pictures: what claims to be anything else is bytes to be saved, so
// that nothing a sender wrote runs under our name.
type Attachment struct {
	Name    string // safe to save under; never empty
	Type    string // of its content, to be believed: a picture's, or application/octet-stream
	Picture bool   // a browser may draw it
	Size    int64
	SHA256  [32]byte
	Body    io.Reader // never fails
}

// Attachment opens a part of a message by its number: 1 is the first in Parts. One
// that is not there is tickets.ErrNotFound.
func (p *Pipeline) Attachment(ctx context.Context, workspace, message uuid.UUID, number string) (Attachment, error) {
	n, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(n) != number {
		return Attachment{}, tickets.ErrNotFound
	}
	c, err := p.Content(ctx, workspace, message)
	if err != nil {
		return Attachment{}, err
	}
	if n < 1 || n > len(c.Parts) {
		return Attachment{}, fmt.Errorf("part %d of message %s: %w", n, message, tickets.ErrNotFound)
	}
	return c.Attachment(n - 1), nil
}

// Attachment opens the part with this index in Parts.
func (c Content) Attachment(i int) Attachment {
	part := &c.Parts[i]
	a := Attachment{Name: part.Filename, Type: imageType(part), Size: part.Size, SHA256: part.SHA256, Body: part.Open()}
	if a.Name == "" {
		a.Name = fmt.Sprintf("part-%d%s", i+1, extension(part))
	}
	a.Picture = a.Type != ""
	if !a.Picture {
		a.Type = "application/octet-stream"
	}
	return a
}

// Disposition is what the Content-Disposition field says of it (RFC 6266).
func (a Attachment) Disposition() string {
	kind := "attachment"
	if a.Picture {
		kind = "inline"
	}
	return mime.FormatMediaType(kind, map[string]string{"filename": a.Name})
}

// extension is for a part that was sent without a name.
func extension(p *mail.Part) string {
	kind := p.ContentType
	if p.Detected != "" && p.Detected != "text/plain" {
		kind = p.Detected
	}
	switch kind {
	case "message/rfc822", "message/global":
		return ".eml"
	case "text/html":
		return ".html"
	case "text/calendar":
		return ".ics"
	case "text/vcard", "text/x-vcard":
		return ".vcf"
	case "application/pdf":
		return ".pdf"
	case "image/jpeg":
		return ".jpg"
	case "image/png", "image/gif", "image/webp", "image/avif", "image/bmp":
		return "." + kind[len("image/"):]
	case "text/plain", "message/delivery-status":
		return ".txt"
	}
	return ""
}
