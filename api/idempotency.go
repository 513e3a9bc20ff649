package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"postroom/api/auth"
	"postroom/tickets"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255
)

// once does a request that carries an Idempotency-Key a single time: whoever
// sends it again within a day is given the first answer. What failed on our side
// or was refused as it was written is not kept: nothing was done, and it can be
// tried again under its key.
func (s *server) once(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	key := r.Header.Get(keyHeader)
	if r.Method != http.MethodPost || key == "" {
		next(ctx)
		return
	}
	if err := checkKey(key); err != nil {
		writeProblem(w, r, err)
		return
	}
	turn, known, err := s.auth.Ask(r.Context(), auth.Question{
		Workspace: workspaceOf(r.Context()), Actor: auth.From(r.Context()).Actor, Key: key, Request: fingerprint(r),
	})
	if err != nil {
		writeProblem(w, r, err)
		return
	}
	if known != nil {
		c := &capture{status: known.Status, header: known.Header}
		c.body.Write(known.Body)
		w.Header().Set("Idempotency-Replayed", "true")
		c.sendTo(w)
		return
	}
	s.first(ctx, turn, next)
}

// first lets the operation answer, keeps the answer, and only then sends it.
func (s *server) first(ctx huma.Context, turn *auth.Turn, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	c := newCapture()
	done := context.WithoutCancel(r.Context()) // a client that hangs up has its answer kept
	kept := false
	defer func() {
		if !kept { // a failure of ours, or a panic
			if err := turn.LetGo(done); err != nil {
				slog.WarnContext(done, "an idempotency key stays taken", "request_id", requestOf(done).id, "err", err)
			}
		}
	}()
	next(humago.NewContext(ctx.Operation(), r, c))
	if settled(c.status) {
		if err := turn.Keep(done, auth.Answer{Status: c.status, Header: c.header, Body: c.body.Bytes()}); err != nil {
			slog.ErrorContext(done, "an answer could not be kept", "request_id", requestOf(done).id, "err", err)
		} else {
			kept = true
		}
	}
	c.sendTo(w)
}

// settled reports whether an answer with this status is the request's last.
func settled(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusTooManyRequests:
		return false
	}
	return status < http.StatusInternalServerError
}

func checkKey(key string) error {
	if len(key) > maxKey {
		return &tickets.InvalidError{Field: "header." + keyHeader, Reason: fmt.Sprintf("it has more than %d characters", maxKey)}
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return &tickets.InvalidError{Field: "header." + keyHeader, Reason: "it holds a character that is not printable ASCII"}
		}
	}
	return nil
}

// fingerprint is what makes a request the same request.
func fingerprint(r *http.Request) [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q\n", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"))
	h.Write(bodyOf(r))
	return [32]byte(h.Sum(nil))
}

// A capture holds an answer back.
type capture struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newCapture() *capture { return &capture{header: http.Header{}} }

func (c *capture) Header() http.Header { return c.header }

func (c *capture) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *capture) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.body.Write(b)
}

// sendTo gives the answer. A client that is gone by now asks again.
func (c *capture) sendTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), c.header)
	w.WriteHeader(max(c.status, http.StatusOK))
	_, _ = w.Write(c.body.Bytes())
}
