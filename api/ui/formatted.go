package ui

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postroom/ingest"
	"postroom/tickets"
)

// drawnBytes bounds the images that come within one formatted mail; those beyond
// are among its files.
const drawnBytes = 16 << 20

// framePolicy rules a mail that is shown as its sender laid it out: a document of
// no origin, without scripts, forms or files. Its own images come within it, since
// requests from such a document carry no session; links open outside of it.
const framePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox; img-src data:"

// remotePolicy lets images be loaded as well, but not in the clear.
const remotePolicy = framePolicy + " https:; upgrade-insecure-requests"

type formattedPage struct {
	Title string
	HTML  template.HTML // sanitised
	Cut   bool
}

// showFormatted sends a mail's HTML, made fit to be shown, for a frame.
func (p *pages) showFormatted(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	id, err := parseID(r.PathValue("message"))
	if err != nil {
		return err
	}
	c, err := p.pipeline.Content(r.Context(), ws.ID, id)
	if err != nil {
		return err
	}
	if strings.TrimSpace(c.HTML) == "" {
		return tickets.ErrNotFound
	}
	remote := r.URL.Query().Get("images") == "1"
	d := c.Display(remote, dataURLs(c))
	var b bytes.Buffer
	if err := p.views.formatted.execute(&b, formattedPage{subject(c.Subject), template.HTML(d.HTML), d.Cut}); err != nil {
		return err
	}
	allowSlow(w, r)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", framePolicy)
	if remote {
		h.Set("Content-Security-Policy", remotePolicy)
	}
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer") // where a link in a mail leads is not told where it was
	logUnsent(w, r, copyTo(w, &b))
	return nil
}

// dataURLs writes the images of a mail into their addresses, each once and as many
// as there is room for.
func dataURLs(c ingest.Content) func(part int) string {
	room, done := int64(drawnBytes), map[int]string{}
	return func(part int) string {
		if url, ok := done[part]; ok {
			room -= int64(len(url))
			if room < 0 {
				return ""
			}
			return url
		}
		a := c.Attachment(part)
		if room -= a.Size * 4 / 3; !a.Picture || room < 0 {
			done[part] = ""
			return ""
		}
		var b strings.Builder
		b.WriteString("data:" + a.Type + ";base64,")
		e := base64.NewEncoder(base64.StdEncoding, &b)
		_, _ = io.Copy(e, a.Body) // neither fails
		_ = e.Close()
		done[part] = b.String()
		return done[part]
	}
}

// sendPart sends a part of a mail: a picture to be seen, all else to be saved.
func (p *pages) sendPart(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	id, err := parseID(r.PathValue("message"))
	if err != nil {
		return err
	}
	a, err := p.pipeline.Attachment(r.Context(), ws.ID, id, r.PathValue("part"))
	if err != nil {
		return err
	}
	allowSlow(w, r)
	h := w.Header()
	h.Set("Content-Type", a.Type)
	h.Set("Content-Disposition", a.Disposition())
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Length", strconv.FormatInt(a.Size, 10))
	logUnsent(w, r, copyTo(w, a.Body))
	return nil
}

func copyTo(w io.Writer, from io.Reader) error {
	_, err := io.Copy(w, from)
	return err
}

// allowSlow gives a client time for what may be large.
func allowSlow(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(rawWithin)); err != nil {
		slog.DebugContext(r.Context(), "deadline not set", "err", err)
	}
}

func logUnsent(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		slog.DebugContext(r.Context(), "mail not sent to its end", "request_id", requestID(w), "err", err)
	}
}
