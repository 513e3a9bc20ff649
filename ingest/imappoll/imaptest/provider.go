package imaptest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A Provider is a real OpenID provider on this machine. Every address is a user of
// it, with Password. Each refresh rotates the refresh token.
type Provider struct {
	Issuer                 string
	ClientID, ClientSecret string // of the registration
	Redirect               string // that it allows

	t     testing.TB
	store *store
}

// The provider's own service client, for client credentials.
const (
	AppClientID     = "sid1"
	AppClientSecret = "verysecret"
)

// store is the library's storage, with times and rotation under the test's hand.
type store struct {
	*storage.Storage

	mu      sync.Mutex
	life    time.Duration
	expires map[string]time.Time // by access token
	strict  bool
	follows map[string]string // lenient: a used refresh token → the one that replaced it, as long as that is unused
	rotated int
	refused int
}

type users struct{}

func (users) GetUserByID(id string) *storage.User {
	return &storage.User{ID: id, Username: id, Password: Password, Email: id, EmailVerified: true}
}
func (u users) GetUserByUsername(name string) *storage.User { return u.GetUserByID(name) }
func (users) ExampleClientID() string                       { return "service" }

// NewProvider starts a provider.
func NewProvider(t testing.TB) *Provider {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{
		t: t, Issuer: "http://" + l.Addr().String(), ClientID: "postroom", ClientSecret: "a-secret", Redirect: "http://localhost:9999/consented",
		store: &store{life: 5 * time.Minute, expires: map[string]time.Time{}, follows: map[string]string{}},
	}
	p.store.Storage = storage.NewStorageWithClients(users{}, map[string]*storage.Client{
		p.ClientID: storage.WebClient(p.ClientID, p.ClientSecret, p.Redirect),
	})
	config := &op.Config{
		CryptoKey: sha256.Sum256([]byte("test")), CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true,
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	provider, err := op.NewProvider(config, p.store, op.StaticIssuer(p.Issuer), op.WithAllowInsecure(), op.WithLogger(quiet))
	if err != nil {
		t.Fatalf("provider: %v", err)
	}
	mux := http.NewServeMux()
	back := op.AuthCallbackURL(provider)
	mux.Handle("POST /login/username", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if err := p.store.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, back(r.Context(), id), http.StatusFound)
	}))
	mux.Handle("/", provider)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return p
}

// Introspection is where tokens are looked up, with our client's credentials in it.
func (p *Provider) Introspection() string {
	u, _ := url.Parse(p.Issuer + "/oauth/introspect")
	u.User = url.UserPassword(p.ClientID, p.ClientSecret)
	return u.String()
}

// Life sets how long access tokens live from now on.
func (p *Provider) Life(d time.Duration) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.store.life = d
}

// Strict has a refresh token die the moment that it is used. Otherwise it dies when
// the one that replaced it is used first.
func (p *Provider) Strict(yes bool) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.store.strict = yes
}

// Expire ends all access tokens at once; refresh tokens live on.
func (p *Provider) Expire() {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	for id := range p.store.expires {
		p.store.expires[id] = time.Time{}
	}
}

// Withdraw takes a user's consent back: all its tokens are dead.
func (p *Provider) Withdraw(user string) {
	p.t.Helper()
	p.Expire()
	if err := p.store.TerminateSession(context.Background(), user, p.ClientID); err != nil {
		p.t.Fatalf("withdraw: %v", err)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	clear(p.store.follows)
}

// Rotated is how often a refresh token was replaced, Refused how often one was not
// taken.
func (p *Provider) Rotated() (rotated, refused int) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.store.rotated, p.store.refused
}

// Consent does what a person does in a browser: it follows the address, signs in,
// and returns where the provider sends them back to.
func (p *Provider) Consent(address, user string) *url.URL {
	p.t.Helper()
	jar, _ := cookiejar.New(nil)
	redirect, _ := url.Parse(p.Redirect)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == redirect.Host || strings.HasPrefix(r.URL.Path, "/login/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	get := func(resp *http.Response, err error) *url.URL {
		p.t.Helper()
		if err != nil {
			p.t.Fatalf("consent: %v", err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		at, err := resp.Location()
		if err != nil {
			p.t.Fatalf("consent: %s %s", resp.Status, body)
		}
		return at
	}
	login := get(browser.Get(address))
	form := url.Values{"id": {login.Query().Get("authRequestID")}, "username": {user}, "password": {Password}}
	at := get(browser.PostForm(p.Issuer+"/login/username", form))
	if at.Host != redirect.Host {
		at = get(browser.Get(at.String()))
	}
	return at
}

func (s *store) lived(id string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expires[id] = time.Now().Add(s.life)
	return s.expires[id]
}

func (s *store) CreateAccessToken(ctx context.Context, r op.TokenRequest) (string, time.Time, error) {
	id, _, err := s.Storage.CreateAccessToken(ctx, r)
	return id, s.lived(id), err
}

// present is the refresh token that counts for the one that was sent.
func (s *store) present(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next, ok := s.follows[token]; ok && !s.strict {
		return next
	}
	return token
}

func (s *store) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	r, err := s.Storage.TokenRequestByRefreshToken(ctx, s.present(token))
	if err != nil {
		s.mu.Lock()
		s.refused++
		s.mu.Unlock()
	}
	return r, err
}

func (s *store) CreateAccessAndRefreshTokens(ctx context.Context, r op.TokenRequest, sent string) (string, string, time.Time, error) {
	counts := sent
	if sent != "" {
		counts = s.present(sent)
	}
	id, next, _, err := s.Storage.CreateAccessAndRefreshTokens(ctx, r, counts)
	if err != nil {
		return id, next, time.Time{}, err
	}
	if sent != "" {
		s.mu.Lock()
		s.rotated++
		for old, new := range s.follows {
			if new == counts && counts == sent {
				delete(s.follows, old) // its successor is in use: it is dead
			} else if new == counts {
				s.follows[old] = next
			}
		}
		s.follows[sent] = next
		s.mu.Unlock()
	}
	return id, next, s.lived(id), nil
}

func (s *store) SetIntrospectionFromToken(ctx context.Context, in *oidc.IntrospectionResponse, tokenID, subject, clientID string) error {
	s.mu.Lock()
	expires := s.expires[tokenID]
	s.mu.Unlock()
	if time.Now().After(expires) {
		return errors.New("the token has expired")
	}
	if err := s.Storage.SetIntrospectionFromToken(ctx, in, tokenID, subject, clientID); err != nil {
		return fmt.Errorf("introspect: %w", err)
	}
	in.Username = subject
	return nil
}
