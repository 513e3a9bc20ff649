package oauthgmail_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/internal/vault"
	"postroom/oauthgmail"
	"postroom/tickets"
)

// An oddProvider answers as a test tells it to.
type oddProvider struct {
	*httptest.Server
	mu     sync.Mutex
	found  map[string]any   // the discovery document
	claims map[string]any   // of the ID token, besides those that must be right
	token  http.HandlerFunc // answers for the token endpoint; nil: a good token
	nonce  string
	asked  int // at the token endpoint
	seen   []string
}

func newOddProvider(t *testing.T) *oddProvider {
	t.Helper()
	p := &oddProvider{found: map[string]any{}, claims: map[string]any{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.found["issuer"] = p.URL
	p.found["authorization_endpoint"] = p.URL + "/auth"
	p.found["token_endpoint"] = p.URL + "/token"
	return p
}

func (p *oddProvider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.Method+" "+r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		_ = json.NewEncoder(w).Encode(p.found)
	case r.URL.Path == "/token" && p.token != nil:
		p.asked++
		p.token(w, r)
	case r.URL.Path == "/token":
		p.asked++
		p.answer(w, nil)
	default:
		http.NotFound(w, r)
	}
}

// answer gives a token, changed by the fields of more.
func (p *oddProvider) answer(w http.ResponseWriter, more map[string]any) {
	claims := map[string]any{"iss": p.URL, "aud": "client", "exp": time.Now().Add(time.Hour).Unix(), "nonce": p.nonce, "email": anna}
	maps.Copy(claims, p.claims)
	body, _ := json.Marshal(claims)
	said := map[string]any{
		"access_token": fmt.Sprintf("access-%d", p.asked), "refresh_token": "refresh", "token_type": "Bearer", "expires_in": 3600,
		"id_token": "x." + base64.RawURLEncoding.EncodeToString(body) + ".x",
	}
	maps.Copy(said, more)
	_ = json.NewEncoder(w).Encode(said)
}

// oddRoom is a room whose provider is odd.
func oddRoom(t *testing.T) (*room, *oddProvider) {
	t.Helper()
	r, p := newRoom(t), newOddProvider(t)
	r.putClient(oauthgmail.Client{Provider: "odd", Kind: oauthgmail.OpenID, Issuer: p.URL, ClientID: "client", Secret: "secret"})
	return r, p
}

// agree consents as a person would.
func (r *room) agree(p *oddProvider) error {
	r.t.Helper()
	at, err := r.Begin(r.t.Context(), oauthgmail.Asking{
		Workspace: r.workspace, Mailbox: r.mailbox, Provider: "odd", Address: anna, Redirect: "http://localhost/back", Actor: "test",
	})
	if err != nil {
		return err
	}
	u, err := url.Parse(at)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.nonce = u.Query().Get("nonce")
	p.mu.Unlock()
	_, _, err = r.Finish(r.t.Context(), u.Query().Get("state"), "code", "")
	return err
}

// Whatever a provider says of how long its tokens live, they are renewed at a sane
// pace.
func TestOddLifetimes(t *testing.T) {
	t.Parallel()
	for _, life := range []any{0, -3600, "3600", 1e15, nil} {
		t.Run(fmt.Sprint(life), func(t *testing.T) {
			t.Parallel()
			r, p := oddRoom(t)
			p.token = func(w http.ResponseWriter, _ *http.Request) { p.answer(w, map[string]any{"expires_in": life}) }
			if err := r.agree(p); err != nil {
				t.Fatalf("consent: %v", err)
			}
			c, err := r.Consent(t.Context(), r.workspace, r.mailbox)
			if err != nil || time.Until(c.RefreshAt) < 20*time.Second {
				t.Errorf("renewed at %v (in %v), %v; want no sooner than in half a minute", c.RefreshAt, time.Until(c.RefreshAt), err)
			}
			if got := r.token(); !strings.HasPrefix(got, "access-") {
				t.Errorf("token %q", got)
			}
			if c, err = r.Consent(t.Context(), r.workspace, r.mailbox); err != nil || time.Until(c.RefreshAt) < 20*time.Second {
				t.Errorf("renewed again in %v, %v; want no sooner than in half a minute", time.Until(c.RefreshAt), err)
			}
		})
	}
}

// What makes no sense at the token endpoint connects no mailbox, and ends none that
// is connected.
func TestOddTokenAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter){
		"an error by 200": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"error":"server_error"}`)) },
		"no token":        func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"token_type":"Bearer"}`)) },
		"nothing":         func(http.ResponseWriter) {},
		"no JSON":         func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
		"a list":          func(w http.ResponseWriter) { _, _ = w.Write([]byte("[]")) },
		"deep":            func(w http.ResponseWriter) { _, _ = w.Write([]byte(strings.Repeat(`{"a":`, 200_000))) },
		"endless": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"access_token":"` + strings.Repeat("x", 8<<20) + `"}`))
		},
		"elsewhere": func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(307) },
		"a token of bytes": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"access_token":"a\u0001auth=Bearer b\u0000","refresh_token":"x","token_type":"Bearer"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := oddRoom(t)
			p.token = func(w http.ResponseWriter, _ *http.Request) { answer(w) }
			if err := r.agree(p); err == nil {
				t.Error("connected")
			}
			p.mu.Lock()
			for _, s := range p.seen {
				if strings.Contains(s, "elsewhere") {
					t.Error("the code was sent elsewhere")
				}
			}
			p.token = nil
			p.mu.Unlock()
			if err := r.agree(p); err != nil {
				t.Fatalf("consent: %v", err)
			}
			p.mu.Lock()
			p.token = func(w http.ResponseWriter, _ *http.Request) { answer(w) }
			p.mu.Unlock()
			before := r.token()
			if err := r.Refused(t.Context(), r.workspace, r.mailbox, before); err != nil {
				t.Fatal(err)
			}
			var ended *oauthgmail.EndedError
			if got, err := r.Token(t.Context(), r.workspace, r.mailbox); err == nil || errors.As(err, &ended) {
				t.Errorf("Token: %q, %v; want an error that passes", got, err)
			}
			p.mu.Lock()
			p.token = nil
			p.mu.Unlock()
			r.token()
		})
	}
}

// A provider on the net may not send us, or our secrets, to this machine's own
// services, nor over a line that anybody reads.
func TestOddDiscovery(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(found map[string]any){
		"userinfo in the clear":   func(f map[string]any) { f["userinfo_endpoint"] = "http://192.0.2.1/me" },
		"revocation in the clear": func(f map[string]any) { f["revocation_endpoint"] = "http://192.0.2.1/revoke" },
		"tokens in the clear":     func(f map[string]any) { f["token_endpoint"] = "http://192.0.2.1/token" },
		"another issuer":          func(f map[string]any) { f["issuer"] = "https://other.test" },
		"no address":              func(f map[string]any) { f["token_endpoint"] = "" },
		"a script":                func(f map[string]any) { f["authorization_endpoint"] = "javascript:alert(1)" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := oddRoom(t)
			change(p.found)
			if err := r.agree(p); err == nil {
				t.Error("connected")
			}
		})
	}
}

// A provider on the net does not send us to what listens on this machine only.
func TestDiscoveryOfThisMachine(t *testing.T) {
	t.Parallel()
	r, p := oddRoom(t)
	web := httptest.NewTLSServer(http.HandlerFunc(p.serve))
	t.Cleanup(web.Close)
	p.found["issuer"], p.found["authorization_endpoint"] = web.URL, web.URL+"/auth" // and the token endpoint is p's
	master, _, err := vault.LoadMaster(vault.Source{Key: r.key})
	if err != nil {
		t.Fatal(err)
	}
	r.Service = oauthgmail.New(oauthgmail.Config{DB: r.db, Vault: vault.New(master, postgres.Keysets{DB: r.db}), Client: web.Client()})
	r.putClient(oauthgmail.Client{Provider: "odd", Kind: oauthgmail.OpenID, Issuer: web.URL, ClientID: "client", Secret: "secret"})
	if err := r.agree(p); err == nil || p.asked > 0 {
		t.Errorf("consent: %v, asked %d times; want none", err, p.asked)
	}
}

// What logs in at Google or Microsoft is shown to no other server, whatever host an
// administrator names.
func TestTokenStaysAtHome(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.mustConsent()
	for _, tt := range []struct {
		kind oauthgmail.Kind
		host string
		ok   bool
	}{
		{oauthgmail.OpenID, "imap.anywhere.test", true},
		{oauthgmail.Google, "imap.gmail.com", true},
		{oauthgmail.Google, "imap.gmail.com.evil.test", false},
		{oauthgmail.Google, "evilgmail.com", false},
		{oauthgmail.Google, "outlook.office365.com", false},
		{oauthgmail.Microsoft, "outlook.office365.com", true},
		{oauthgmail.Microsoft, "192.0.2.1", false},
	} {
		if err := r.db.InWorkspace(t.Context(), r.workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "update oauth_client set kind = $1 where workspace_id = $2", tt.kind, r.workspace)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.TokenFor(t.Context(), r.workspace, r.mailbox, tt.host); (err == nil) != tt.ok {
			t.Errorf("token of %s for %s: %v, want it to be shown: %v", tt.kind, tt.host, err, tt.ok)
		}
	}
}

// Some providers write what is true as a word.
func TestOddClaims(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verified any
		ok       bool
	}{{true, true}, {"true", true}, {nil, true}, {false, false}, {"false", false}, {"perhaps", false}, {0, false}} {
		t.Run(fmt.Sprintf("%#v", tt.verified), func(t *testing.T) {
			t.Parallel()
			r, p := oddRoom(t)
			p.claims["email_verified"] = tt.verified
			if err := r.agree(p); (err == nil) != tt.ok {
				t.Errorf("consent: %v, want it to succeed: %v", err, tt.ok)
			}
		})
	}
}

// A provider that does not answer keeps the mailboxes of others from nothing.
func TestHangingProvider(t *testing.T) {
	t.Parallel()
	r, p := oddRoom(t)
	r.mustConsent()
	good := r.mailbox
	desk := tickets.New(r.db)
	var slow []uuid.UUID
	for i := range 6 { // more than are asked for at once
		m, err := desk.CreateMailbox(t.Context(), r.workspace, "test", fmt.Sprintf("slow%d@provider.test", i), "")
		if err != nil {
			t.Fatal(err)
		}
		if r.mailbox = m.ID; r.agree(p) != nil {
			t.Fatal("no consent")
		}
		slow = append(slow, m.ID)
	}
	err := r.db.InWorkspace(t.Context(), r.workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update oauth_grant set access = null, refresh_at = now()`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	asked, release := make(chan bool), make(chan bool)
	first := sync.OnceFunc(func() { close(asked) })
	p.mu.Lock()
	p.token = func(http.ResponseWriter, *http.Request) { first(); <-release }
	p.mu.Unlock()
	var waiting sync.WaitGroup
	t.Cleanup(waiting.Wait)
	t.Cleanup(func() { close(release) })
	for _, m := range slow {
		waiting.Go(func() { _, _ = r.Token(t.Context(), r.workspace, m) })
	}
	<-asked
	time.Sleep(300 * time.Millisecond) // the others stand in line by now
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if token, err := r.Token(ctx, r.workspace, good); err != nil || token == "" {
		t.Errorf("the other provider's token: %q, %v", token, err)
	}
}
