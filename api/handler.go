package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postroom/api/auth"
	"postroom/classify/control"
	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/oauthgmail"
	"postroom/tickets"
)

// prefix is where the operations are.
const prefix = "/api/v1"

// Config is what the interface is made of. Desk, Pipeline, Filter and Auth are needed.
type Config struct {
	Desk     *tickets.Desk
	Pipeline *ingest.Pipeline
	Filter   *control.Panel
	Auth     *auth.Auth
	Poller   *imappoll.Poller                            // nil: no mailbox is polled
	OAuth    *oauthgmail.Service                         // nil: no provider is known
	UI       http.Handler                                // at /; nil for none
	Metrics  http.Handler                                // at /metrics; nil for none
	Ready    func(ctx context.Context) map[string]string // what is not ready, by part; nil: Pipeline.Ready

	MailBytes int64         // the largest mail that the pipeline accepts; 0: its default
	Burst     int           // requests that a principal may send at once; 0: 200
	Every     time.Duration // time for one request more; 0: 10 ms
}

// server is the state that operations share.
type server struct {
	desk      *tickets.Desk
	pipeline  *ingest.Pipeline
	filter    *control.Panel
	auth      *auth.Auth
	poller    *imappoll.Poller
	oauth     *oauthgmail.Service
	ready     func(context.Context) map[string]string
	mailBytes int64
	requests  *auth.Limiter
	bodies    *room // raw mails in memory
	jsons     *room // other request bodies in memory
	api       huma.API
	mux       *http.ServeMux // of the operations
}

// Handler returns all that the process serves by HTTP: the API, its description,
// the pages, and what operations staff ask for.
func Handler(c Config) http.Handler {
	s := newServer(c)
	top := http.NewServeMux()
	top.Handle("/api/", s.gate(s.operations()))
	top.HandleFunc("GET /healthz", s.healthz)
	top.HandleFunc("GET /readyz", s.readyz)
	top.HandleFunc("GET /oauth/consented", s.consented)
	if c.Metrics != nil {
		top.Handle("GET /metrics", c.Metrics)
	}
	if c.UI != nil {
		top.Handle("/", c.UI)
	}
	return s.outer(top)
}

func newServer(c Config) *server {
	if c.Ready == nil {
		c.Ready = c.Pipeline.Ready
	}
	if c.MailBytes == 0 {
		c.MailBytes = ingest.DefaultLimits.MessageBytes
	}
	if c.Burst == 0 {
		c.Burst = 200
	}
	if c.Every == 0 {
		c.Every = 10 * time.Millisecond
	}
	s := &server{
		desk: c.Desk, pipeline: c.Pipeline, filter: c.Filter, auth: c.Auth, poller: c.Poller, oauth: c.OAuth, ready: c.Ready, mailBytes: c.MailBytes,
		requests: auth.NewLimiter(c.Burst, c.Every),
		bodies:   newRoom(max(bodiesBytes, c.MailBytes)),
		jsons:    newRoom(jsonsBytes),
		mux:      http.NewServeMux(),
	}
	s.describe()
	return s
}

// operations serves the operations and their description, and answers what is
// neither with a problem.
func (s *server) operations() http.Handler {
	serve := func(path, contentType string, body []byte) {
		s.mux.HandleFunc("GET "+prefix+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			writeMatched(w, r, body)
		})
	}
	asYAML, asJSON := s.document()
	serve("/openapi.yaml", "application/openapi+yaml", asYAML)
	serve("/openapi.json", "application/openapi+json", asJSON)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, pattern := s.mux.Handler(r); pattern == "" {
			s.unrouted(w, r, h)
			return
		}
		s.mux.ServeHTTP(w, r)
	})
}

// unrouted answers a request that no operation takes: the multiplexer knows
// whether another method would have been right, and which.
func (s *server) unrouted(w http.ResponseWriter, r *http.Request, h http.Handler) {
	c := newCapture()
	h.ServeHTTP(c, r)
	switch {
	case c.status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", c.header.Get("Allow"))
		writeProblem(w, r, &methodError{r.Method, c.header.Get("Allow")})
	case c.status/100 == 3 && strings.HasPrefix(c.header.Get("Location"), prefix):
		c.sendTo(w)
	default:
		writeProblem(w, r, tickets.ErrNotFound)
	}
}
