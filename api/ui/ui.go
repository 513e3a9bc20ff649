package ui

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest"
	"postroom/tickets"
)

const (
	workWithin = 30 * time.Second // to find out what a page shows
	formBytes  = 64 << 10         // of a form that is sent to us
	pageSize   = 50               // rows of a list
)

// policy lets a page load our stylesheet and pictures, show a mail in a frame, send
// forms to us, and nothing else; a style attribute or a script in it does nothing.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Config is what the pages are made from. Every field is needed.
type Config struct {
	Desk     *tickets.Desk
	Pipeline *ingest.Pipeline
	Auth     *auth.Auth
}

// pages is the state that all pages share.
type pages struct {
	desk     *tickets.Desk
	pipeline *ingest.Pipeline
	auth     *auth.Auth
	origin   *http.CrossOriginProtection
	static   static
	views
}

// New returns the pages. They must stand at the root of a host, behind something
// that sets X-Request-Id on the answer (package api does).
func New(c Config) http.Handler {
	p := &pages{
		desk: c.Desk, pipeline: c.Pipeline, auth: c.Auth,
		// Browsers say with each form where it came from. Together with SameSite on the
		// cookie that leaves a forged form nothing to work with, so there is no token.
		origin: http.NewCrossOriginProtection(),
		static: loadStatic(), views: parseViews(),
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", p.static)
	mux.Handle("GET /sign-in", p.open(p.showSignIn))
	mux.Handle("POST /sign-in", p.open(p.signIn))
	mux.Handle("POST /sign-out", p.open(p.signOut))
	mux.Handle("GET /{$}", p.signedIn(p.chooseWorkspace))
	mux.Handle("GET /w/{workspace}", p.in(auth.Read, p.enterWorkspace))
	mux.Handle("GET /w/{workspace}/tickets", p.in(auth.Read, p.listTickets))
	mux.Handle("GET /w/{workspace}/tickets/{number}", p.in(auth.Read, p.showTicket))
	mux.Handle("GET /w/{workspace}/tickets/by-id/{ticket}", p.in(auth.Read, p.findTicket))
	mux.Handle("GET /w/{workspace}/search", p.in(auth.Read, p.search))
	mux.Handle("GET /w/{workspace}/held", p.in(auth.Read, p.listStopped(heldList)))
	mux.Handle("GET /w/{workspace}/failed", p.in(auth.Read, p.listStopped(failedList)))
	mux.Handle("GET /w/{workspace}/duplicates", p.in(auth.Read, p.listStopped(duplicateList)))
	mux.Handle("GET /w/{workspace}/messages/{message}", p.in(auth.Read, p.showMessage))
	mux.Handle("GET /w/{workspace}/messages/{message}/raw", p.in(auth.Read, p.sendRaw))
	mux.Handle("GET /w/{workspace}/messages/{message}/formatted", p.in(auth.Read, p.showFormatted))
	mux.Handle("GET /w/{workspace}/messages/{message}/parts/{part}", p.in(auth.Read, p.sendPart))
	mux.Handle("POST /w/{workspace}/messages/{message}/verdict", p.in(auth.Judge, p.judge))
	mux.Handle("POST /w/{workspace}/messages/{message}/retry", p.in(auth.Manage, p.retry))
	mux.Handle("GET /w/{workspace}/ledger", p.in(auth.Read, p.showLedger))
	return p.routed(mux)
}

// methodError is a request by a method that its path does not take.
type methodError struct{ method, allow string }

func (e *methodError) Error() string {
	return e.method + " is not possible here, but " + e.allow + " is"
}

// routed serves the pages of mux, and answers what is none of them with a page: the
// multiplexer knows whether another method would have been right, and which.
func (p *pages) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		a := &aside{header: http.Header{}}
		h.ServeHTTP(a, r)
		switch {
		case a.status == http.StatusMethodNotAllowed:
			allow := a.header.Get("Allow")
			w.Header().Set("Allow", allow)
			p.open(func(http.ResponseWriter, *http.Request) error { return &methodError{r.Method, allow} }).ServeHTTP(w, r)
		case a.status/100 == 3:
			mux.ServeHTTP(w, r)
		default:
			p.open(func(http.ResponseWriter, *http.Request) error { return tickets.ErrNotFound }).ServeHTTP(w, r)
		}
	})
}

// aside takes an answer that nobody is given.
type aside struct {
	status int
	header http.Header
}

func (a *aside) Header() http.Header         { return a.header }
func (a *aside) WriteHeader(status int)      { a.status = status }
func (a *aside) Write(b []byte) (int, error) { return len(b), nil }

// open serves a page to anybody: it sets the policy, refuses forms from
// elsewhere, bounds the time, and turns an error into its page.
func (p *pages) open(do func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store") // mail must not stay behind in a browser that was signed out
		ctx, cancel := context.WithTimeout(r.Context(), workWithin)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, formBytes)
		err := p.origin.Check(r)
		if err != nil {
			err = errOrigin
		} else if err = checkText(r); err == nil {
			err = do(w, r)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	})
}

// checkText reads the form and refuses an address or a form that cannot be read,
// or has text that the database cannot keep or compare with.
func checkText(r *http.Request) error {
	if !tickets.Storable(r.URL.Path) {
		return tickets.ErrNotFound
	}
	var over *http.MaxBytesError
	if err := r.ParseForm(); errors.As(err, &over) {
		return err
	} else if err != nil {
		return errForm
	}
	for _, name := range slices.Sorted(maps.Keys(r.Form)) {
		for _, v := range r.Form[name] {
			if err := tickets.CheckText(strings.ToValidUTF8(name, "\uFFFD"), v); err != nil {
				return err
			}
		}
	}
	return nil
}

// signedIn serves a page to those who have signed in, and sends others to where
// they can.
func (p *pages) signedIn(do func(http.ResponseWriter, *http.Request) error) http.Handler {
	return p.open(func(w http.ResponseWriter, r *http.Request) error {
		who, err := p.auth.Session(r)
		if errors.Is(err, auth.ErrNotSignedIn) {
			to := "/sign-in"
			if r.Method == http.MethodGet && r.URL.Path != "/" {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return nil
		}
		if err != nil {
			return err
		}
		return do(w, r.WithContext(auth.With(r.Context(), who)))
	})
}

// in serves a page of the workspace that the path names, to those who may see it;
// to others it does not exist.
func (p *pages) in(action auth.Action, do func(http.ResponseWriter, *http.Request, tickets.Workspace) error) http.Handler {
	return p.signedIn(func(w http.ResponseWriter, r *http.Request) error {
		id, err := parseID(r.PathValue("workspace"))
		if err != nil {
			return err
		}
		ws, err := p.desk.Workspace(r.Context(), id)
		if err != nil {
			return err
		}
		if auth.From(r.Context()).May(action, id) != nil {
			return tickets.ErrNotFound
		}
		return do(w, r, ws)
	})
}

// parseID reads an id from a path; what is none of ours is not found.
func parseID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		return uuid.Nil, tickets.ErrNotFound
	}
	return id, nil
}

// localPath returns a path of ours to go to, or fallback for anything that leads
// elsewhere: browsers read "//host" and "/\host" as another host.
func localPath(path, fallback string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return fallback
	}
	return path
}

// requestID names the request as the log does.
func requestID(w http.ResponseWriter) string { return w.Header().Get("X-Request-Id") }

// logFailure notes what the person is not told.
func logFailure(w http.ResponseWriter, r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "page failed", "request_id", requestID(w), "path", r.URL.Path, "err", err)
}
