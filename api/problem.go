package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postroom/api/auth"
	"postroom/ingest"
	"postroom/tickets"
)

// A Problem is what is answered instead of what was asked for (RFC 9457). Code is
// stable: programs decide by it, and people read the rest.
type Problem struct {
	Title     string  `json:"title" doc:"What the status means." example:"Unprocessable Entity"`
	Status    int     `json:"status" doc:"The HTTP status." example:"422"`
	Code      string  `json:"code" doc:"The kind of problem, stable, for programs." example:"invalid"`
	Detail    string  `json:"detail" doc:"What happened and what to do, for people." example:"The request has fields that cannot be taken."`
	RequestID string  `json:"request_id" doc:"Names this request in the server's log." example:"0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908"`
	Errors    []Field `json:"errors,omitempty" doc:"The fields that are wrong."`

	header http.Header
}

// A Field is one field of a request that cannot be taken.
type Field struct {
	Field   string `json:"field" doc:"Where it is: body., query., path. or header., and its path there." example:"body.address"`
	Message string `json:"message" doc:"What is wrong with it." example:"it is empty"`
}

const (
	problemType   = "application/problem+json"
	busyFor       = 5 * time.Second // what a caller is told to wait when we are busy
	invalidDetail = "The request has fields that cannot be taken; errors names them."
)

// errChanged is returned when the caller's If-Match does not fit what stands.
var errChanged = errors.New("it is not as the caller has seen it")

// The errors that only this package knows.
type (
	methodError      struct{ method, allow string }
	contentTypeError struct{ want string }
	bodyError        struct{ err error } // the body could not be read to its end
)

func (e *methodError) Error() string {
	return fmt.Sprintf("%s is not possible here, but %s is", e.method, e.allow)
}
func (e *contentTypeError) Error() string { return "the body must be " + e.want }
func (e *bodyError) Error() string        { return "the body ended before its end: " + e.err.Error() }
func (e *bodyError) Unwrap() error        { return e.err }

// problemOf is the one table from an error to its answer. An error that is not in
// it is ours to mend: its text goes to the log and not to the caller.
func problemOf(err error) *Problem {
	var invalid *tickets.InvalidError
	var conflict *tickets.ConflictError
	var large *ingest.TooLargeError
	var many *auth.TooManyError
	var method *methodError
	var kind *contentTypeError
	var body *bodyError
	switch {
	case errors.Is(err, auth.ErrNotSignedIn):
		return problem(401, "unauthenticated", "Send the admin token as Authorization: Bearer <token>.").with("WWW-Authenticate", `Bearer realm="postroom"`)
	case errors.Is(err, auth.ErrWrongToken):
		return problem(401, "invalid_token", "The token is not one of this installation.").with("WWW-Authenticate", `Bearer realm="postroom", error="invalid_token"`)
	case errors.As(err, &many):
		return problem(429, "rate_limited", "Too many requests; try again after the time in Retry-After.").retry(many.RetryAfter)
	case errors.Is(err, auth.ErrForbidden), errors.Is(err, tickets.ErrForbidden):
		return problem(403, "forbidden", "You may not do this.")
	case errors.Is(err, tickets.ErrNotFound):
		return problem(404, "not_found", "There is nothing here, or nothing that you may see.")
	case errors.As(err, &method):
		return problem(405, "method_not_allowed", "The path is right and the method is not; Allow names those that are.")
	case errors.Is(err, auth.ErrKeyReused):
		return problem(422, "idempotency_key_reused", "This Idempotency-Key belongs to another request; use a fresh one for a new request.")
	case errors.Is(err, auth.ErrKeyInUse):
		return problem(409, "idempotency_key_in_use", "The same request is being worked on; ask again in a moment for its answer.").retry(time.Second)
	case errors.Is(err, errChanged):
		return problem(412, "precondition_failed", "It was changed since you have read it, and nothing was done; read it again.")
	case errors.As(err, &conflict):
		return problem(409, "conflict", conflict.Reason)
	case errors.Is(err, tickets.ErrConflict):
		return problem(409, "conflict", "This cannot be done as things stand: it is taken, or in another state.")
	case errors.As(err, &invalid):
		return problem(422, "invalid", invalidDetail).field(invalid.Field, invalid.Reason)
	case tickets.TextRefused(err):
		return problem(422, "invalid", "The request has a text with a NUL character, or that is not UTF-8.")
	case errors.As(err, &kind):
		return problem(415, "unsupported_media_type", "The body must be "+kind.want+"; say so in Content-Type.")
	case errors.As(err, &large):
		return problem(413, "too_large", fmt.Sprintf("The body is too large; at most %d bytes are taken.", large.Max))
	case errors.As(err, &body):
		return problem(400, "bad_request", "The body could not be read to its end.")
	case errors.Is(err, ingest.ErrBusy):
		return problem(503, "busy", "Nothing was taken. Try again after the time in Retry-After.").retry(busyFor)
	case errors.Is(err, context.DeadlineExceeded):
		return problem(503, "timeout", "This took too long. Try again after the time in Retry-After.").retry(busyFor)
	}
	return problem(500, "internal", "Something went wrong on our side; the log has the details under the request id.")
}

func problem(status int, code, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail, header: http.Header{}}
}

func (p *Problem) with(header, value string) *Problem {
	p.header.Set(header, value)
	return p
}

func (p *Problem) retry(after time.Duration) *Problem {
	return p.with("Retry-After", strconv.Itoa(auth.Seconds(after)))
}

// field names a field; without a place of its own it is one of the body.
func (p *Problem) field(name, message string) *Problem {
	if !strings.Contains(name, ".") && name != "body" && name != "query" {
		name = "body." + name
	}
	p.Errors = append(p.Errors, Field{name, message})
	return p
}

// The methods by which huma writes a Problem that an operation returns.

// Error returns the problem's detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that belong to the problem.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType returns the content type of RFC 9457.
func (p *Problem) ContentType(string) string { return problemType }

// failed turns an operation's error into the problem to be answered, and logs
// what the caller is not told.
func failed(ctx context.Context, err error) *Problem {
	var p *Problem
	if !errors.As(err, &p) {
		p = problemOf(err)
	}
	p.RequestID = requestOf(ctx).id
	switch {
	case p.Status == http.StatusInternalServerError && errors.Is(ctx.Err(), context.Canceled):
		slog.InfoContext(ctx, "the client went away", "request_id", p.RequestID, "err", err)
	case p.Status >= http.StatusInternalServerError:
		slog.ErrorContext(ctx, "request failed", "request_id", p.RequestID, "code", p.Code, "err", err)
	}
	return p
}

// writeProblem answers err where no operation is there to do it.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := failed(r.Context(), err)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.DebugContext(r.Context(), "problem not sent", "request_id", p.RequestID, "err", err)
	}
}

// fromHuma turns the library's own errors, those of reading a request, into
// problems. The values that it quotes are left out.
func fromHuma(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := problem(e.Status, "bad_request", "The request cannot be understood.")
	switch e.Status {
	case http.StatusUnprocessableEntity:
		p = problem(e.Status, "invalid", invalidDetail)
	case http.StatusInternalServerError:
		p = problemOf(errors.New(e.Detail))
	}
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, Field{d.Location, d.Message})
	}
	return failed(ctx.Context(), p), nil
}
