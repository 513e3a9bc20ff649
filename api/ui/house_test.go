package ui_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/api"
	"postroom/api/auth"
	"postroom/api/ui"
	"postroom/classify"
	"postroom/ingest"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/internal/vault"
	"postroom/tickets"
)

const token = "a-token-for-tests-only"

// A house is a running installation with its pages.
type house struct {
	t        *testing.T
	db       *postgres.DB
	desk     *tickets.Desk
	pipeline *ingest.Pipeline
	url      string
	requests *requests
	client   *http.Client // a browser without a screen: it keeps cookies and follows no redirect
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	master, _, err := vault.LoadMaster(vault.Source{Default: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	desk := tickets.New(db)
	filter := classify.New(db, classify.Config{Secret: []byte("secret of the tests")})
	p := ingest.New(ingest.Config{DB: db, Vault: vault.New(master, postgres.Keysets{DB: db}), Desk: desk, Works: true, Filter: filter})
	run(t, p.Run)
	run(t, filter.Run)
	guard := auth.New(db, auth.Config{AdminToken: token})
	asked := &requests{Handler: api.Handler(api.Config{
		Desk: desk, Pipeline: p, Auth: guard, UI: ui.New(ui.Config{Desk: desk, Pipeline: p, Auth: guard}),
	})}
	srv := httptest.NewServer(asked)
	t.Cleanup(srv.Close)
	h := &house{t: t, db: db, desk: desk, pipeline: p, url: srv.URL, requests: asked}
	h.client = h.newClient()
	return h
}

// requests notes what the house is asked for.
type requests struct {
	http.Handler
	mu   sync.Mutex
	seen []string
}

func (s *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.URL.RequestURI())
	s.mu.Unlock()
	s.Handler.ServeHTTP(w, r)
}

func (s *requests) had(uri string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.seen, uri)
}

// wait waits until something was asked for.
func (s *requests) wait(uri string) bool {
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); {
		if s.had(uri) {
			return true
		}
		<-time.After(20 * time.Millisecond)
	}
	return false
}

// run runs a part until the test ends.
func run(t *testing.T, part func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
}

func (h *house) newClient() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// A reply is what a page came to.
type reply struct {
	status int
	header http.Header
	body   string
}

func (h *house) get(path string) reply {
	h.t.Helper()
	return h.send(http.MethodGet, path, nil, nil)
}

// post sends a form as a browser does from one of our pages.
func (h *house) post(path string, form url.Values) reply {
	h.t.Helper()
	return h.send(http.MethodPost, path, form, map[string]string{"Sec-Fetch-Site": "same-origin"})
}

func (h *house) send(method, path string, form url.Values, header map[string]string) reply {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

func (h *house) signIn() {
	h.t.Helper()
	if r := h.post("/sign-in", url.Values{"token": {token}}); r.status != http.StatusSeeOther {
		h.t.Fatalf("sign in = %d %s, want a redirect", r.status, r.body)
	}
}

// A place is a workspace with one mailbox.
type place struct {
	ws   tickets.Workspace
	box  tickets.Mailbox
	path string
}

func (h *house) newPlace(name, address string) place {
	h.t.Helper()
	ws, err := h.desk.CreateWorkspace(h.t.Context(), "test", name)
	if err != nil {
		h.t.Fatal(err)
	}
	box, err := h.desk.CreateMailbox(h.t.Context(), ws.ID, "test", address, "Support")
	if err != nil {
		h.t.Fatal(err)
	}
	return place{ws, box, "/w/" + ws.ID.String()}
}

// accept hands a mail in and waits until it has ended.
func (h *house) accept(p place, raw []byte) ingest.Message {
	h.t.Helper()
	key := "test:" + uuid.NewString()
	err := h.pipeline.Accept(h.t.Context(), ingest.Offer{
		Raw: raw, Envelope: ingest.Envelope{Door: ingest.DoorSMTP, MailFrom: "bounce@customer.example", Peer: "192.0.2.25", Helo: "mx.customer.example", TLS: "TLS 1.3 TLS_AES_128_GCM_SHA256"},
		To: []ingest.Recipient{{Workspace: p.ws.ID, Mailbox: p.box.ID, Address: p.box.Address, SourceKey: key}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); {
		list, err := h.pipeline.Messages(h.t.Context(), p.ws.ID, ingest.MessageFilter{Limit: 100})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, m := range list {
			if m.SourceKey == key && m.Stage.Final() {
				return m
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	h.t.Fatalf("the mail has not ended")
	return ingest.Message{}
}

func (h *house) judge(p place, id uuid.UUID, v classify.Verdict) {
	h.t.Helper()
	if _, err := h.pipeline.Judge(h.t.Context(), p.ws.ID, "admin", id, v); err != nil {
		h.t.Fatal(err)
	}
}

// fail makes a dead letter of a message, as the pipeline would after its last
// attempt.
func (h *house) fail(p place, id uuid.UUID) {
	h.t.Helper()
	const failSQL = `
		update message set stage = 'failed', cause = 'error', reason = 'read raw mail: chunk 0 is missing', ticket_id = null, attempt = 10,
			trail = trail || '[{"step": "fail", "at": "2026-06-01T10:00:00Z", "micros": 0, "outcome": "failed", "detail": {"attempt": 10, "error": "read raw mail: chunk 0 is missing"}}]'
		where workspace_id = $1 and id = $2`
	err := h.db.InWorkspace(h.t.Context(), p.ws.ID, func(tx pgx.Tx) error {
		_, err := tx.Exec(h.t.Context(), failSQL, p.ws.ID, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func readMail(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "mail", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A stop is a page to be looked at.
type stop struct {
	name, path string
	open       bool // to those who have not signed in
	unfold     bool // what is folded
}

// furnish fills the house with mail in every state and returns all its pages.
func (h *house) furnish() []stop {
	h.t.Helper()
	p := h.newPlace("Lumen Lamps", "support@lumen.example")
	bare := h.newPlace("Bare Walls", "hello@bare.example")
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "mail", "*.eml"))
	if err != nil {
		h.t.Fatal(err)
	}
	byName := map[string]ingest.Message{}
	for _, f := range files {
		name := filepath.Base(f)
		byName[name[:2]] = h.accept(p, readMail(h.t, name))
	}
	for _, spam := range []string{"19", "20", "21"} {
		h.judge(p, byName[spam].ID, classify.Spam)
	}
	for _, ham := range []string{"01", "02", "03", "05", "10", "11"} {
		h.judge(p, byName[ham].ID, classify.Ham)
	}
	byName["formatted"] = h.accept(p, hostile())
	twin := h.accept(p, readMail(h.t, "03-do-you-ship-to-iceland.eml"))
	h.fail(p, byName["17"].ID)
	h.pipeline.Refuse(ingest.DoorSMTP, "unknown_recipient")
	h.pipeline.Refuse(ingest.DoorSMTP, "too_large")
	if err := h.pipeline.Pause(h.t.Context(), ingest.Received, "admin", "the disk is being moved"); err != nil {
		h.t.Fatal(err)
	}
	return h.stops(p, bare, byName, twin)
}

func (h *house) stops(p, bare place, mails map[string]ingest.Message, twin ingest.Message) []stop {
	message := func(id uuid.UUID) string { return p.path + "/messages/" + id.String() }
	ticketOf := func(nr string) string {
		t, err := h.desk.Ticket(h.t.Context(), p.ws.ID, *mails[nr].TicketID)
		if err != nil {
			h.t.Fatal(err)
		}
		return p.path + "/tickets/" + strconv.FormatInt(t.Number, 10)
	}
	return []stop{
		{name: "sign-in", path: "/sign-in", open: true},
		{name: "workspaces", path: "/"},
		{name: "tickets", path: p.path + "/tickets"},
		{name: "tickets-empty", path: bare.path + "/tickets"},
		{name: "tickets-closed", path: p.path + "/tickets?status=closed"},
		{name: "ticket-thread", path: ticketOf("01")},
		{name: "ticket-arabic", path: ticketOf("11")},
		{name: "ticket-bounce", path: ticketOf("15")},
		{name: "ticket-attachment", path: ticketOf("18")},
		{name: "ticket-said", path: ticketOf("02") + "?said=" + mails["02"].ID.String()},
		{name: "search", path: p.path + "/search?q=lamp"},
		{name: "search-none", path: p.path + "/search?q=zeppelin"},
		{name: "held", path: p.path + "/held"},
		{name: "held-said", path: p.path + "/held?said=" + mails["19"].ID.String()},
		{name: "held-empty", path: bare.path + "/held"},
		{name: "failed", path: p.path + "/failed"},
		{name: "duplicates", path: p.path + "/duplicates"},
		{name: "ticket-html", path: ticketOf("formatted"), unfold: true},
		{name: "ticket-forward", path: ticketOf("18"), unfold: true},
		{name: "ticket-reply", path: ticketOf("14")},
		{name: "ticket-newsletter", path: ticketOf("13"), unfold: true},
		{name: "message-html", path: message(mails["formatted"].ID), unfold: true},
		{name: "message-bounce", path: message(mails["15"].ID)},
		{name: "message-filed", path: message(mails["01"].ID)},
		{name: "message-held", path: message(mails["20"].ID)},
		{name: "message-over", path: message(mails["23"].ID)},
		{name: "message-failed", path: message(mails["17"].ID)},
		{name: "message-duplicate", path: message(twin.ID)},
		{name: "ledger", path: p.path + "/ledger"},
		{name: "ledger-empty", path: bare.path + "/ledger"},
		{name: "not-found", path: p.path + "/tickets/99999"},
	}
}
