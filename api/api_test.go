package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postroom/api"
	"postroom/api/auth"
	"postroom/classify"
	"postroom/classify/control"
	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/internal/vault"
	"postroom/oauthgmail"
	"postroom/tickets"
)

var update = flag.Bool("update", false, "rewrite openapi.yaml")

const token = "a-token-for-tests-only"

// A house is a running installation with its API.
type house struct {
	t        *testing.T
	db       *postgres.DB
	pipeline *ingest.Pipeline
	filter   *classify.Filter
	url      string
	client   *http.Client
}

// newHouse starts an installation on a database of its own.
func newHouse(t *testing.T, change ...func(*api.Config)) *house {
	t.Helper()
	db := pgtest.New(t)
	master, _, err := vault.LoadMaster(vault.Source{Default: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	filter := classify.New(db, classify.Config{Secret: []byte("secret of the tests")})
	desk, v := tickets.New(db, tickets.SignWith([]byte("the key of the tests"))), vault.New(master, postgres.Keysets{DB: db})
	p := ingest.New(ingest.Config{
		DB: db, Vault: v, Desk: desk, Works: true,
		Filter: filter,
	})
	runPipeline(t, p)
	cfg := api.Config{Desk: desk, Pipeline: p, Filter: control.New(db, filter), Auth: auth.New(db, auth.Config{AdminToken: token})}
	cfg.OAuth = oauthgmail.New(oauthgmail.Config{DB: db, Vault: v})
	cfg.Poller = imappoll.New(imappoll.Config{DB: db, Vault: v, Pipeline: p, Tokens: cfg.OAuth})
	for _, c := range change {
		c(&cfg)
	}
	srv := httptest.NewServer(api.Handler(cfg))
	t.Cleanup(srv.Close)
	return &house{t, db, p, filter, srv.URL, srv.Client()}
}

// runPipeline carries mail on until the test ends.
func runPipeline(t *testing.T, p *ingest.Pipeline) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
}

// A call is a request to the API; zero fields take what most calls have.
type call struct {
	method, path string // GET; below /api/v1
	body         any    // JSON, or []byte or io.Reader as it is
	header       map[string]string
	token        *string // nil: the right one
}

// An answer is what came back, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a call, whatever the answer.
func (h *house) do(c call) answer {
	h.t.Helper()
	var body io.Reader
	kind := ""
	switch b := c.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	case io.Reader:
		body = b
	default:
		j, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		body, kind = bytes.NewReader(j), "application/json"
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if !strings.HasPrefix(c.path, "/api/") && !strings.HasPrefix(c.path, "/healthz") && !strings.HasPrefix(c.path, "/readyz") && !strings.HasPrefix(c.path, "/metrics") {
		c.path = "/api/v1" + c.path
	}
	req, err := http.NewRequestWithContext(h.t.Context(), c.method, h.url+c.path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	secret := token
	if c.token != nil {
		secret = *c.token
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return answer{res.StatusCode, res.Header, b}
}

// want sends a call that must be answered with status, and reads the answer.
func want[T any](h *house, status int, c call) T {
	h.t.Helper()
	a := h.do(c)
	var v T
	if a.status != status {
		h.t.Fatalf("%s %s = %d %s, want %d", c.method, c.path, a.status, a.body, status)
	}
	if len(a.body) > 0 {
		if err := json.Unmarshal(a.body, &v); err != nil {
			h.t.Fatalf("%s %s answers %q: %v", c.method, c.path, a.body, err)
		}
	}
	return v
}

// A place is a workspace with one mailbox.
type place struct {
	workspace api.Workspace
	mailbox   api.Mailbox
	path      string
}

func (h *house) newPlace(name string) place {
	h.t.Helper()
	w := want[api.Workspace](h, 201, call{method: "POST", path: "/workspaces", body: map[string]string{"name": name}})
	path := "/workspaces/" + w.ID
	m := want[api.Mailbox](h, 201, call{method: "POST", path: path + "/mailboxes", body: map[string]string{
		"address": "support@" + strings.ToLower(name) + ".example", "name": "Support",
	}})
	return place{w, m, path}
}

// mailOf writes a small mail.
func mailOf(n int, subject, text string) []byte {
	return fmt.Appendf(nil, "From: Erika Muster <erika@customer.example>\r\nTo: support@a.example\r\nSubject: %s\r\n"+
		"Message-ID: <%d@customer.example>\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\n\r\n%s\r\n", subject, n, text)
}

var rfc822 = map[string]string{"Content-Type": "message/rfc822"}

// submit hands a mail in and waits until it has ended, so that messages come in
// the order in which they are submitted.
func (h *house) submit(p place, raw []byte) api.Message {
	h.t.Helper()
	acc := want[api.Acceptance](h, 202, call{method: "POST", path: p.path + "/mailboxes/" + p.mailbox.ID + "/messages", body: raw, header: rfc822})
	return h.ended(p, acc.SourceKey)
}

// ended waits for the message with that source key to reach its end.
func (h *house) ended(p place, source string) api.Message {
	h.t.Helper()
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); {
		page := want[api.Page[api.Message]](h, 200, call{path: p.path + "/messages?page[size]=100"})
		for _, m := range page.Data {
			if m.SourceKey == source && m.DoneAt != nil {
				return m
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	h.t.Fatalf("message %s has not ended", source)
	return api.Message{}
}

func readMail(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "mail", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestJourney(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	m := h.submit(p, readMail(t, "01-lamp-arrived-broken.eml"))
	if m.Stage != "filed" || m.TicketID == nil {
		t.Fatalf("the message ended as %+v, want it filed", m)
	}
	ticket := want[api.Ticket](h, 200, call{path: p.path + "/tickets/1"})
	if ticket.ID != *m.TicketID || ticket.Messages != 1 || ticket.Status != "open" {
		t.Errorf("ticket 1 = %+v, want the message's, open", ticket)
	}
	posts := want[api.Page[api.Post]](h, 200, call{path: p.path + "/tickets/" + ticket.ID + "/messages"})
	if len(posts.Data) != 1 || posts.Data[0].MessageID != m.ID || posts.Data[0].Evidence != "opened" {
		t.Errorf("messages of ticket 1 = %+v, want the one", posts.Data)
	}
}
