package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"postroom/api/auth"
)

// The time that the parts of a request may take. Raw mail is large and roads are
// slow, so those who send or fetch it get longer.
const (
	readWithin  = 30 * time.Second // for the client to send its body
	workWithin  = 30 * time.Second // for us to find the answer
	writeWithin = time.Minute      // for the client to take it
	mailWithin  = 5 * time.Minute  // for a raw mail on its way in or out
)

// requestHeader carries the request's id, in both directions.
const requestHeader = "X-Request-Id"

// A request is what is known of a request from its first moment.
type request struct {
	id  string
	url *url.URL
}

type requestKey struct{}

// requestOf returns the request that ctx belongs to.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{url: &url.URL{}}
}

// outer is around everything: it names the request, bounds its time, sets the
// headers that every answer has, logs, and keeps a panic to the one request.
func (s *server) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		req := &request{id: requestID(r), url: r.URL}
		ctx, who := auth.Track(context.WithValue(r.Context(), requestKey{}, req))
		r = r.WithContext(ctx)
		rec := &recorder{ResponseWriter: w}
		writeBefore(rec, start.Add(workWithin+writeWithin))
		s.setHeaders(rec, r, req.id)
		defer func() {
			if p := recover(); p != nil {
				s.recovered(rec, r, p)
			}
			logRequest(r, rec, who().Actor, time.Since(start))
		}()
		next.ServeHTTP(rec, r)
	})
}

// requestID takes the caller's id when it is sane, so that one id goes through
// all systems; else it makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get(requestHeader)
	if len(id) == 0 || len(id) > 128 {
		return uuid.Must(uuid.NewV7()).String()
	}
	for i := range len(id) {
		c := id[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == ':'
		if !ok {
			return uuid.Must(uuid.NewV7()).String()
		}
	}
	return id
}

// writeBefore bounds how long the client may take over our answer.
func writeBefore(w http.ResponseWriter, t time.Time) {
	logDeadline(http.NewResponseController(w).SetWriteDeadline(t))
}

// readBefore bounds how long the client may take over its body.
func readBefore(w http.ResponseWriter, t time.Time) {
	logDeadline(http.NewResponseController(w).SetReadDeadline(t))
}

// logDeadline notes a deadline that could not be set; what is no real connection
// has none.
func logDeadline(err error) {
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		slog.Debug("deadline not set", "err", err)
	}
}

// setHeaders sets what every answer carries. The pages replace the policy by
// their own, and whoever serves something public the caching.
func (s *server) setHeaders(w http.ResponseWriter, r *http.Request, id string) {
	h := w.Header()
	h.Set(requestHeader, id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // "no-referrer" would make browsers send our own forms with "Origin: null"
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "private, no-cache")
	if s.auth.Secure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// recovered ends a request that panicked.
func (s *server) recovered(w *recorder, r *http.Request, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	if r.Context().Err() != nil && w.status != 0 {
		return // the client went away in the middle of its answer
	}
	slog.ErrorContext(r.Context(), "panic in a request", "request_id", requestOf(r.Context()).id, "panic", p, "stack", string(debug.Stack()))
	if w.status == 0 {
		writeProblem(w, r, fmt.Errorf("panic: %v", p))
	}
}

// logRequest writes the access log. A query is left out: it may hold words that
// somebody searched mail for.
func logRequest(r *http.Request, w *recorder, actor string, took time.Duration) {
	level := slog.LevelInfo
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics" {
		level = slog.LevelDebug
	}
	slog.Log(r.Context(), level, "request", "request_id", requestOf(r.Context()).id, "method", r.Method, "path", r.URL.Path,
		"status", w.status, "bytes", w.bytes, "micros", took.Microseconds(), "actor", actor)
}

// A recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
