package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"postroom/ingest"
)

const (
	jsonBytes   = 1 << 20   // of a JSON body
	bodiesBytes = 256 << 20 // of all raw mails in memory at once
	jsonsBytes  = 64 << 20  // of all JSON bodies in memory at once: mails do not crowd them out
)

// A heldBody is a request's body, read to its end.
type heldBody struct {
	*bytes.Reader
	all []byte
}

func (heldBody) Close() error { return nil }

// bodyOf returns the body that takeBody has read.
func bodyOf(r *http.Request) []byte {
	if b, ok := r.Body.(heldBody); ok {
		return b.all
	}
	return nil
}

// takeBody reads the body of a request that has or may have one, once and within
// the operation's limit, for all who look at it behind here. The time for the
// work itself begins when that is done.
func (s *server) takeBody(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	r, w := humago.Unwrap(ctx)
	if op.Method == http.MethodPost || op.RequestBody != nil {
		body, release, err := s.receive(op, w, r)
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		defer release()
		r.Body = heldBody{bytes.NewReader(body), body}
	}
	work, cancel := context.WithTimeout(r.Context(), workWithin)
	defer cancel()
	next(humago.NewContext(op, r.WithContext(work), w))
}

// receive reads a body while there is room in memory; release gives the room back.
func (s *server) receive(op *huma.Operation, w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	if err := checkContentType(op, r); err != nil {
		return nil, nil, err
	}
	limit := op.MaxBodyBytes
	size := limit
	if r.ContentLength >= 0 {
		size = min(limit, r.ContentLength)
	}
	bodies, within := s.jsons, readWithin
	if limit > jsonBytes {
		bodies, within = s.bodies, mailWithin
	}
	workspace := workspaceOf(r.Context())
	if !bodies.take(workspace, size) {
		return nil, nil, fmt.Errorf("%w: too many bodies at once", ingest.ErrBusy)
	}
	readBefore(w, time.Now().Add(within))
	body, err = readBody(w, r, limit)
	if err != nil {
		bodies.give(workspace, size)
		return nil, nil, err
	}
	// A read deadline that outlives the body would end the request when it passes:
	// the server goes on listening for the client to hang up.
	readBefore(w, time.Time{})
	writeBefore(w, time.Now().Add(workWithin+writeWithin))
	return body, func() { bodies.give(workspace, size) }, nil
}

// readBody reads at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &ingest.TooLargeError{Size: r.ContentLength, Max: limit}
	}
	body := http.MaxBytesReader(w, r.Body, limit)
	var all []byte
	var err error
	if r.ContentLength >= 0 {
		all = make([]byte, r.ContentLength) // no growing: a large mail is held once
		_, err = io.ReadFull(body, all)
	} else {
		all, err = io.ReadAll(body)
	}
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, &ingest.TooLargeError{Size: over.Limit + 1, Max: limit}
	}
	if err != nil {
		return nil, &bodyError{err}
	}
	return all, nil
}

// checkContentType refuses a body in a form that the operation does not take. A
// body without a type is taken for the right one, except where it is raw mail.
func checkContentType(op *huma.Operation, r *http.Request) error {
	if op.RequestBody == nil {
		return nil
	}
	want := ""
	for want = range op.RequestBody.Content {
		break // each operation takes one
	}
	given := r.Header.Get("Content-Type")
	if given == "" && want == "application/json" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(given)
	if err != nil || !strings.EqualFold(kind, want) {
		return &contentTypeError{want}
	}
	return nil
}
