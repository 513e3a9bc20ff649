package oauthgmail_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/ingest/imappoll/imaptest"
	"postroom/internal/alert"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/internal/vault"
	"postroom/oauthgmail"
	"postroom/tickets"
	"postroom/tickets/audit"
)

const anna = "anna@provider.test"

// A room is a service with a provider, and a mailbox that is to log in there.
type room struct {
	*oauthgmail.Service
	t                  *testing.T
	provider           *imaptest.Provider
	cfg                postgres.Config
	key                string
	db                 *postgres.DB
	workspace, mailbox uuid.UUID
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t, provider: imaptest.NewProvider(t), cfg: pgtest.Database(t), key: vault.NewKey()}
	r.Service, r.db = newService(t, r.cfg, r.key)
	desk := tickets.New(r.db)
	w, err := desk.CreateWorkspace(t.Context(), "test", "Test")
	if err != nil {
		t.Fatal(err)
	}
	m, err := desk.CreateMailbox(t.Context(), w.ID, "test", anna, "")
	if err != nil {
		t.Fatal(err)
	}
	r.workspace, r.mailbox = w.ID, m.ID
	r.putClient(oauthgmail.Client{Provider: "test", Kind: oauthgmail.OpenID, Issuer: r.provider.Issuer, ClientID: r.provider.ClientID, Secret: r.provider.ClientSecret})
	return r
}

func newService(t testing.TB, cfg postgres.Config, key string) (*oauthgmail.Service, *postgres.DB) {
	t.Helper()
	db, err := postgres.Connect(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	master, _, err := vault.LoadMaster(vault.Source{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return oauthgmail.New(oauthgmail.Config{DB: db, Vault: vault.New(master, postgres.Keysets{DB: db})}), db
}

func (r *room) putClient(c oauthgmail.Client) {
	r.t.Helper()
	if err := r.PutClient(r.t.Context(), "test", r.workspace, c); err != nil {
		r.t.Fatalf("PutClient: %v", err)
	}
}

func (r *room) asking() oauthgmail.Asking {
	return oauthgmail.Asking{Workspace: r.workspace, Mailbox: r.mailbox, Provider: "test", Address: anna, Redirect: r.provider.Redirect, Actor: "test"}
}

// consent goes the whole way as a person does, signed in as user.
func (r *room) consent(a oauthgmail.Asking, user string) (*url.URL, error) {
	r.t.Helper()
	address, err := r.Begin(r.t.Context(), a)
	if err != nil {
		r.t.Fatalf("Begin: %v", err)
	}
	back := r.provider.Consent(address, user)
	q := back.Query()
	_, mailbox, err := r.Finish(r.t.Context(), q.Get("state"), q.Get("code"), q.Get("error"))
	if err == nil && mailbox != r.mailbox {
		r.t.Errorf("Finish: mailbox %v, want %v", mailbox, r.mailbox)
	}
	return back, err
}

func (r *room) mustConsent() {
	r.t.Helper()
	if _, err := r.consent(r.asking(), anna); err != nil {
		r.t.Fatalf("Finish: %v", err)
	}
}

func (r *room) token() string {
	r.t.Helper()
	token, err := r.Token(r.t.Context(), r.workspace, r.mailbox)
	if err != nil || token == "" {
		r.t.Fatalf("Token: %q, %v", token, err)
	}
	return token
}

func (r *room) alerts() []alert.Alert {
	r.t.Helper()
	list, err := alert.Open(r.t.Context(), r.db, r.workspace, 100)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func TestConsent(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if _, err := r.Token(t.Context(), r.workspace, r.mailbox); !errors.Is(err, oauthgmail.ErrNotFound) {
		t.Errorf("Token before consent: %v, want ErrNotFound", err)
	}
	back, err := r.consent(r.asking(), anna)
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	r.token()
	q := back.Query()
	if _, _, err := r.Finish(t.Context(), q.Get("state"), q.Get("code"), ""); !errors.Is(err, oauthgmail.ErrNotFound) {
		t.Errorf("the same state again: %v, want ErrNotFound", err)
	}
	if _, _, err := r.Finish(t.Context(), uuid.NewString()+".x", "code", ""); !errors.Is(err, oauthgmail.ErrNotFound) {
		t.Errorf("a made-up state: %v, want ErrNotFound", err)
	}
	var wrong *oauthgmail.WrongAddressError
	if _, err := r.consent(r.asking(), "mallory@provider.test"); !errors.As(err, &wrong) {
		t.Errorf("somebody else's consent: %v, want *WrongAddressError", err)
	}
	shared := r.asking()
	shared.Shared = true
	if _, err := r.consent(shared, "berta@provider.test"); err != nil {
		t.Errorf("consent for a shared mailbox: %v", err)
	}
	c, err := r.Consent(t.Context(), r.workspace, r.mailbox)
	if err != nil || c.Address != "berta@provider.test" {
		t.Errorf("Consent: %+v, %v", c, err)
	}
}

// A code that somebody caught on its way is worth nothing without the verifier.
func TestPKCE(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	one, err := r.Begin(t.Context(), r.asking())
	if err != nil {
		t.Fatal(err)
	}
	two, err := r.Begin(t.Context(), r.asking())
	if err != nil {
		t.Fatal(err)
	}
	caught := r.provider.Consent(one, anna).Query()
	other := r.provider.Consent(two, anna).Query()
	if _, _, err := r.Finish(t.Context(), other.Get("state"), caught.Get("code"), ""); err == nil {
		t.Error("a code was taken with another consent's verifier")
	}
	if !strings.Contains(one, "code_challenge_method=S256") {
		t.Errorf("no PKCE in %s", one)
	}
}

// However many want a new token at once, in however many processes, the provider
// is asked once.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.provider.Strict(true)
	r.mustConsent()
	first := r.token()
	if err := r.Refused(t.Context(), r.workspace, r.mailbox, first); err != nil {
		t.Fatal(err)
	}
	second, _ := newService(t, r.cfg, r.key)
	var wg sync.WaitGroup
	tokens := make([]string, 12)
	for i := range tokens {
		wg.Go(func() {
			s := r.Service
			if i%2 == 1 {
				s = second
			}
			tokens[i], _ = s.Token(context.Background(), r.workspace, r.mailbox)
		})
	}
	wg.Wait()
	for _, got := range tokens {
		if got == "" || got == first || got != tokens[0] {
			t.Fatalf("tokens differ or are old: %d of them", len(tokens))
		}
	}
	if rotated, refused := r.provider.Rotated(); rotated != 1 || refused != 0 {
		t.Errorf("the provider was asked %d times and refused %d, want once", rotated, refused)
	}
}

// A token is refreshed well before it expires.
func TestRefreshAhead(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.provider.Life(4 * time.Second)
	r.mustConsent()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if rotated, _ := r.provider.Rotated(); rotated > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not refreshed")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// A consent that ended is an alert in words, and consenting again mends it.
func TestEnded(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.mustConsent()
	old := r.token()
	r.provider.Withdraw(anna)
	if err := r.Refused(t.Context(), r.workspace, r.mailbox, old); err != nil {
		t.Fatal(err)
	}
	var ended *oauthgmail.EndedError
	for range 2 {
		if _, err := r.Token(t.Context(), r.workspace, r.mailbox); !errors.As(err, &ended) {
			t.Fatalf("Token after withdrawal: %v, want *EndedError", err)
		}
	}
	list := r.alerts()
	if len(list) != 1 || list[0].Kind != alert.Consent || !strings.Contains(list[0].What, "Likely causes") {
		t.Errorf("alerts: %+v, want one with the likely causes", list)
	}
	r.mustConsent()
	r.token()
	if list := r.alerts(); len(list) != 0 {
		t.Errorf("alerts after consent: %+v", list)
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.mustConsent()
	if err := r.Disconnect(t.Context(), "test", r.workspace, r.mailbox); err != nil {
		t.Fatalf("Disconnect: %v", err)
	}
	if _, err := r.Token(t.Context(), r.workspace, r.mailbox); !errors.Is(err, oauthgmail.ErrNotFound) {
		t.Errorf("Token: %v, want ErrNotFound", err)
	}
}

// Whoever deals with an alert has locked the audit's chain before. What the service
// does with alerts at the same moment waits there, and neither is given up.
func TestAlertsAfterAudit(t *testing.T) {
	t.Parallel()
	ends := func(r *room) error {
		r.provider.Withdraw(anna)
		if err := r.Refused(r.t.Context(), r.workspace, r.mailbox, r.token()); err != nil {
			return err
		}
		var ended *oauthgmail.EndedError
		if _, err := r.Token(r.t.Context(), r.workspace, r.mailbox); !errors.As(err, &ended) {
			return fmt.Errorf("Token: %w, want *EndedError", err)
		}
		return nil
	}
	for name, act := range map[string]func(*room) error{
		"ends": ends,
		"consent": func(r *room) error {
			_, err := r.consent(r.asking(), anna)
			return err
		},
		"disconnect": func(r *room) error { return r.Disconnect(r.t.Context(), "test", r.workspace, r.mailbox) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.mustConsent()
			raise := func(tx pgx.Tx) error {
				return alert.Raise(t.Context(), tx, r.workspace, alert.Alert{Kind: alert.Consent, Target: "mailbox:" + r.mailbox.String(), What: "x", Advice: "y"})
			}
			if err := r.db.InWorkspace(t.Context(), r.workspace, raise); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			err := r.db.InWorkspace(t.Context(), r.workspace, func(tx pgx.Tx) error {
				if _, err := audit.Open(t.Context(), tx, r.workspace); err != nil {
					return err
				}
				go func() { done <- act(r) }()
				pgtest.Blocked(t, r.db)
				return raise(tx)
			})
			if err := errors.Join(err, <-done); err != nil {
				t.Errorf("both at once: %v", err)
			}
		})
	}
}

func TestAppOnly(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.putClient(oauthgmail.Client{Provider: "app", Kind: oauthgmail.OpenID, Issuer: r.provider.Issuer, ClientID: imaptest.AppClientID,
		Secret: imaptest.AppClientSecret, AppOnly: true, Scopes: []string{"openid"}})
	if err := r.GrantApp(t.Context(), "test", r.workspace, r.mailbox, "app", anna); err != nil {
		t.Fatalf("GrantApp: %v", err)
	}
	first := r.token()
	if err := r.Refused(t.Context(), r.workspace, r.mailbox, first); err != nil {
		t.Fatal(err)
	}
	if r.token() == first {
		t.Error("the refused token was handed out again")
	}
}

// Google's terms: what was read is on record, and mail stays inside unless the
// switch says otherwise.
func TestLimitedUse(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.mustConsent()
	if err := r.Used(t.Context(), r.workspace, r.mailbox, 3, 900); err != nil {
		t.Fatal(err)
	}
	if err := r.Used(t.Context(), r.workspace, r.mailbox, 2, 100); err != nil {
		t.Fatal(err)
	}
	uses, err := r.Uses(t.Context(), r.workspace, time.Now().Add(-48*time.Hour), 10)
	if err != nil || len(uses) != 1 || uses[0].Mails != 5 || uses[0].Octets != 1000 || uses[0].Purpose != oauthgmail.ToTickets {
		t.Errorf("Uses: %+v, %v", uses, err)
	}
	may := func() bool {
		t.Helper()
		ok, err := r.MayLeave(t.Context(), r.workspace, r.mailbox)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !may() {
		t.Error("mail of another provider may not leave")
	}
	r.putClient(oauthgmail.Client{Provider: "test", Kind: oauthgmail.Google, ClientID: "x"})
	if may() {
		t.Error("mail of Google may leave without the switch")
	}
	if err := r.SetMayLeave(t.Context(), "test", r.workspace, true); err != nil {
		t.Fatal(err)
	}
	if !may() {
		t.Error("the switch does nothing")
	}
}

type childConfig struct {
	DB                 postgres.Config
	Key                string
	Workspace, Mailbox uuid.UUID
}

// A provider that rotates on every refresh, and kills a token once its successor is
// used, never locks us out, though the process that refreshes is killed again and
// again at any moment.
func TestNeverLockedOut(t *testing.T) {
	t.Parallel()
	want := 400
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		want = 10_000
	}
	r := newRoom(t)
	r.mustConsent()
	c, err := json.Marshal(childConfig{r.cfg, r.key, r.workspace, r.mailbox})
	if err != nil {
		t.Fatal(err)
	}
	kills := 0
	for begun := time.Now(); ; kills++ {
		rotated, _ := r.provider.Rotated()
		if rotated >= want {
			break
		}
		if time.Since(begun) > 10*time.Minute {
			t.Fatalf("%d refreshes in ten minutes", rotated)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestRefreshingChild$", "-test.count=1")
		child.Env = append(os.Environ(), "POSTROOM_OAUTH_CHILD="+string(c))
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
			if now, _ := r.provider.Rotated(); now > rotated {
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(120_000)) * time.Microsecond)
		_ = child.Process.Kill()
		_ = child.Wait()
	}
	if err := r.Refused(t.Context(), r.workspace, r.mailbox, r.token()); err != nil {
		t.Fatal(err)
	}
	r.token()
	if list := r.alerts(); len(list) != 0 {
		t.Errorf("alerts: %+v", list)
	}
	rotated, refused := r.provider.Rotated()
	t.Logf("%d refreshes, %d kills, %d tokens refused on the way", rotated, kills, refused)
}

// TestRefreshingChild is the process that TestNeverLockedOut starts.
func TestRefreshingChild(t *testing.T) {
	env := os.Getenv("POSTROOM_OAUTH_CHILD")
	if env == "" {
		t.Skip("started by TestNeverLockedOut")
	}
	var c childConfig
	if err := json.Unmarshal([]byte(env), &c); err != nil {
		t.Fatal(err)
	}
	s, _ := newService(t, c.DB, c.Key)
	for range 100_000 {
		token, err := s.Token(t.Context(), c.Workspace, c.Mailbox)
		if err == nil {
			err = s.Refused(t.Context(), c.Workspace, c.Mailbox, token)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			t.Fatal(err)
		}
	}
}

// Even a provider that kills a token the moment that it is used does not lock out a
// process that is stopped in an orderly way: the answer is waited for.
func TestStoppedWhileRefreshing(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.provider.Strict(true)
	r.mustConsent()
	for range 100 {
		if err := r.Refused(t.Context(), r.workspace, r.mailbox, r.token()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(4000))*time.Microsecond)
		_, _ = r.Token(ctx, r.workspace, r.mailbox)
		cancel()
	}
	r.token()
	if _, refused := r.provider.Rotated(); refused != 0 {
		t.Errorf("the provider refused %d tokens", refused)
	}
}
