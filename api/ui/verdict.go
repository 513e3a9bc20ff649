package ui

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify"
	"postroom/ingest"
	"postroom/tickets"
)

// said is what was just said of a message. The message itself tells what it came
// to; the URL only names it, so a forged one can claim nothing.
type said struct {
	Message ingest.Message
	Was     classify.Verdict // to go back to
}

// Words tells what the message is now.
func (s said) Words() string {
	switch {
	case deref(s.Message.Judged) == string(classify.Ham):
		return "Released: not spam"
	case deref(s.Message.Judged) == string(classify.Spam):
		return "Marked as spam"
	}
	return "Your verdict was taken back"
}

// said reads from the URL what was just said, if anything was.
func (p *pages) said(r *http.Request, ws tickets.Workspace) (*said, error) {
	id, err := uuid.Parse(r.URL.Query().Get("said"))
	if err != nil {
		return nil, nil
	}
	m, err := p.pipeline.Message(r.Context(), ws.ID, id)
	if errors.Is(err, tickets.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &said{Message: m}
	if was := classify.Verdict(r.URL.Query().Get("was")); was == classify.Ham || was == classify.Spam {
		s.Was = was
	}
	return s, nil
}

// withoutSaid is a page's own path, as it was before anything was said.
func withoutSaid(u *url.URL) string {
	q := u.Query()
	q.Del("said")
	q.Del("was")
	if len(q) == 0 {
		return u.Path
	}
	return u.Path + "?" + q.Encode()
}

// judge takes a person's verdict from a form, and goes back to where it was sent
// from, with a way to undo it.
func (p *pages) judge(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	if !r.PostForm.Has("verdict") { // the empty verdict takes back what was said: it has to be sent
		return errForm
	}
	id, err := parseID(r.PathValue("message"))
	if err != nil {
		return err
	}
	before, err := p.pipeline.Message(r.Context(), ws.ID, id)
	if err != nil {
		return err
	}
	actor, verdict := auth.From(r.Context()).Actor, classify.Verdict(r.PostForm.Get("verdict"))
	if _, err := p.pipeline.Judge(r.Context(), ws.ID, actor, id, verdict); err != nil {
		return err
	}
	to, err := url.Parse(localPath(r.PostForm.Get("back"), messagePath(ws.ID, id)))
	if err != nil {
		return err
	}
	q := to.Query()
	q.Set("said", id.String())
	q.Set("was", deref(before.Judged))
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return nil
}

// retry sends a failed message through the pipeline again and shows how it goes.
func (p *pages) retry(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	id, err := parseID(r.PathValue("message"))
	if err != nil {
		return err
	}
	if _, err := p.pipeline.Retry(r.Context(), ws.ID, auth.From(r.Context()).Actor, id); err != nil {
		return err
	}
	http.Redirect(w, r, messagePath(ws.ID, id), http.StatusSeeOther)
	return nil
}
