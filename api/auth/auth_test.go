package auth_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

const token = "a-token-for-tests-only"

func request(header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestBearer(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, tt := range []struct {
		name, admin, header string
		err                 error
	}{
		{"right", token, "Bearer " + token, nil},
		{"scheme in lower case", token, "bearer " + token, nil},
		{"none", token, "", auth.ErrNotSignedIn},
		{"another scheme", token, "Basic " + token, auth.ErrNotSignedIn},
		{"empty", token, "Bearer ", auth.ErrNotSignedIn},
		{"wrong", token, "Bearer " + token + "x", auth.ErrWrongToken},
		{"nobody is admin", "", "Bearer ", auth.ErrNotSignedIn},
		{"nobody is admin, whatever is said", "", "Bearer x", auth.ErrWrongToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			who, err := auth.New(db, auth.Config{AdminToken: tt.admin}).Bearer(request("Authorization", tt.header))
			if !errors.Is(err, tt.err) || (err == nil) != (who.Actor == auth.Admin) {
				t.Errorf("Bearer(%q) = %v, %v, want %v", tt.header, who, err, tt.err)
			}
		})
	}
}

// signIn returns the cookie of a new session.
func signIn(t *testing.T, a *auth.Auth, r *http.Request) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := a.SignIn(w, r, token); err != nil {
		t.Fatalf("SignIn() = %v", err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies = %v, want one", cookies)
	}
	return cookies[0]
}

func TestSession(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := auth.New(db, auth.Config{AdminToken: token})
	c := signIn(t, a, request())
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || len(c.Value) < 43 {
		t.Errorf("cookie = %+v, want it for this site only, of 256 bits", c)
	}
	with := request("Cookie", c.Name+"="+c.Value)
	if who, err := a.Session(with); err != nil || who.Actor != auth.Admin {
		t.Errorf("Session() = %v, %v, want the admin", who, err)
	}
	for name, cookie := range map[string]string{"none": "", "empty": c.Name + "=", "guessed": c.Name + "=" + strings.Repeat("A", 43), "its hash": c.Name + "=x"} {
		if _, err := a.Session(request("Cookie", cookie)); !errors.Is(err, auth.ErrNotSignedIn) {
			t.Errorf("Session() with %s cookie = %v, want ErrNotSignedIn", name, err)
		}
	}
	// Whoever has a new token has ended the sessions of the old one.
	if _, err := auth.New(db, auth.Config{AdminToken: "another"}).Session(with); !errors.Is(err, auth.ErrNotSignedIn) {
		t.Errorf("Session() under another token = %v, want ErrNotSignedIn", err)
	}
	if _, err := auth.New(db, auth.Config{}).Session(with); !errors.Is(err, auth.ErrNotSignedIn) {
		t.Errorf("Session() without an admin = %v, want ErrNotSignedIn", err)
	}
	w := httptest.NewRecorder()
	if err := a.SignOut(w, with); err != nil || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("SignOut() = %v with %v, want the cookie gone", err, w.Result().Cookies())
	}
	if _, err := a.Session(with); !errors.Is(err, auth.ErrNotSignedIn) {
		t.Errorf("Session() after signing out = %v, want ErrNotSignedIn", err)
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sql string
		ended     bool
	}{
		{"used lately", `update session set seen_at = now() - interval '11 hours', created_at = now() - interval '6 days'`, false},
		{"idle", `update session set seen_at = now() - interval '13 hours'`, true},
		{"old", `update session set created_at = now() - interval '8 days'`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			a := auth.New(db, auth.Config{AdminToken: token})
			c := signIn(t, a, request())
			if _, err := db.Exec(t.Context(), tt.sql); err != nil {
				t.Fatal(err)
			}
			_, err := a.Session(request("Cookie", c.Name+"="+c.Value))
			if ended := errors.Is(err, auth.ErrNotSignedIn); ended != tt.ended {
				t.Errorf("Session() = %v, want ended %v", err, tt.ended)
			}
			signIn(t, a, request())
			if n := sessions(t, db); (n == 1) != tt.ended {
				t.Errorf("after another sign-in there are %d sessions", n)
			}
		})
	}
}

func sessions(t *testing.T, db *postgres.DB) (n int) {
	t.Helper()
	rows, err := db.Query(t.Context(), "select hash from session")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSecureCookie(t *testing.T) {
	t.Parallel()
	a := auth.New(pgtest.New(t), auth.Config{AdminToken: token, Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	tls := request("X-Forwarded-Proto", "https") // httptest's peer is 192.0.2.1
	c := signIn(t, a, tls)
	if !c.Secure || !strings.HasPrefix(c.Name, "__Host-") {
		t.Errorf("cookie over TLS = %+v, want __Host- and Secure", c)
	}
	tls.Header.Set("Cookie", strings.TrimPrefix(c.Name, "__Host-")+"="+c.Value)
	if _, err := a.Session(tls); !errors.Is(err, auth.ErrNotSignedIn) {
		t.Errorf("over TLS the plain cookie gives %v, want ErrNotSignedIn: a sister site can plant it", err)
	}
}

// TestAttempts tries too often, and watches the log for the secret.
func TestAttempts(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	a := auth.New(pgtest.New(t), auth.Config{AdminToken: token, Attempts: 3, AttemptEvery: time.Hour})
	for range 3 {
		if err := a.SignIn(httptest.NewRecorder(), request(), "my-guess"); !errors.Is(err, auth.ErrWrongToken) {
			t.Fatalf("SignIn() = %v, want ErrWrongToken", err)
		}
	}
	var many *auth.TooManyError
	if err := a.SignIn(httptest.NewRecorder(), request(), token); !errors.As(err, &many) || many.RetryAfter <= 0 {
		t.Errorf("a fourth SignIn() = %v, want *TooManyError, though the token is right", err)
	}
	if _, err := a.Bearer(request("Authorization", "Bearer my-guess")); !errors.As(err, &many) {
		t.Errorf("Bearer() with another guess = %v, want *TooManyError", err)
	}
	if _, err := a.Bearer(request("Authorization", "Bearer "+token)); err != nil {
		t.Errorf("Bearer() with the token = %v: guesses must not lock out who knows it", err)
	}
	elsewhere := request()
	elsewhere.RemoteAddr = "198.51.100.7:1"
	if err := a.SignIn(httptest.NewRecorder(), elsewhere, token); err != nil {
		t.Errorf("SignIn() from elsewhere = %v", err)
	}
	if out := logged.String(); strings.Count(out, "sign-in failed") != 4 || strings.Contains(out, "my-guess") || strings.Contains(out, token) {
		t.Errorf("the log has %s, want each failure and no secret", out)
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	a := auth.New(nil, auth.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, tt := range []struct{ name, peer, forwarded, want string }{
		{"IPv4", "198.51.100.7:1234", "", "198.51.100.7"},
		{"IPv6 is a network", "[2001:db8:1:2:3:4:5:6]:1234", "", "2001:db8:1:2::/64"},
		{"IPv4 in IPv6", "[::ffff:198.51.100.7]:1", "", "198.51.100.7"},
		{"claimed by the client", "198.51.100.7:1", "203.0.113.9", "198.51.100.7"},
		{"told by our proxy", "10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"claimed, then told", "10.0.0.1:1", "192.0.2.66, 203.0.113.9", "203.0.113.9"},
		{"two proxies", "10.0.0.1:1", "203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"nonsense", "10.0.0.1:1", "me", "10.0.0.1"},
		{"no address", "@", "", "unknown"},
	} {
		r := request()
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := a.Client(r); got != tt.want {
			t.Errorf("%s: Client() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := auth.NewLimiter(2, time.Second)
		first, second, third := l.Take("a"), l.Take("a"), l.Take("a")
		if !first.OK || first.Remaining != 1 || !second.OK || second.Remaining != 0 || third.OK || third.RetryAfter != time.Second {
			t.Errorf("Take() thrice = %+v %+v %+v", first, second, third)
		}
		if !l.Take("b").OK {
			t.Error("another key has no bucket of its own")
		}
		time.Sleep(time.Second)
		if b := l.Take("a"); !b.OK || b.Reset != 2*time.Second {
			t.Errorf("Take() a second later = %+v, want the token that was gained", b)
		}
	})
}

func TestMay(t *testing.T) {
	t.Parallel()
	if err := (auth.Who{}).May(auth.Read, uuid.New()); !errors.Is(err, auth.ErrForbidden) {
		t.Errorf("nobody may read: %v", err)
	}
	if err := (auth.Who{Actor: auth.Admin}).May(auth.Operate, uuid.Nil); err != nil {
		t.Errorf("the admin may not operate: %v", err)
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := auth.New(db, auth.Config{})
	q := auth.Question{Workspace: uuid.New(), Actor: "admin", Key: "k", Request: [32]byte{1}}
	ask := func(q auth.Question) (*auth.Turn, *auth.Answer, error) { return a.Ask(t.Context(), q) }
	turn, _, err := ask(q)
	if err != nil || turn == nil {
		t.Fatalf("Ask() = %v, %v, want our turn", turn, err)
	}
	if _, _, err := ask(q); !errors.Is(err, auth.ErrKeyInUse) {
		t.Errorf("Ask() meanwhile = %v, want ErrKeyInUse", err)
	}
	if err := turn.LetGo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if turn, _, err = ask(q); err != nil || turn == nil {
		t.Fatalf("Ask() after letting go = %v, %v, want our turn", turn, err)
	}
	if err := turn.Keep(t.Context(), auth.Answer{Status: 201, Header: http.Header{"Location": {"/x"}}, Body: []byte("made")}); err != nil {
		t.Fatal(err)
	}
	if _, an, err := ask(q); err != nil || an == nil || an.Status != 201 || string(an.Body) != "made" || an.Header.Get("Location") != "/x" {
		t.Errorf("Ask() again = %+v, %v, want the answer", an, err)
	}
	other := q
	other.Request[0] = 2
	if _, _, err := ask(other); !errors.Is(err, auth.ErrKeyReused) {
		t.Errorf("Ask() of another request = %v, want ErrKeyReused", err)
	}
	for name, change := range map[string]func(*auth.Question){
		"another workspace": func(q *auth.Question) { q.Workspace = uuid.New() },
		"another actor":     func(q *auth.Question) { q.Actor = "agent:1" },
		"another key":       func(q *auth.Question) { q.Key = "l" },
	} {
		q := q
		change(&q)
		if turn, _, err := ask(q); err != nil || turn == nil {
			t.Errorf("Ask() by %s = %v, %v, want a turn of its own", name, turn, err)
		}
	}
}

// TestAskTogether lets many ask at once: one has the turn.
func TestAskTogether(t *testing.T) {
	t.Parallel()
	a := auth.New(pgtest.New(t), auth.Config{})
	q := auth.Question{Workspace: uuid.Nil, Actor: "admin", Key: "k"}
	var wg sync.WaitGroup
	turns := make(chan *auth.Turn, 16)
	for range cap(turns) {
		wg.Go(func() {
			turn, _, err := a.Ask(t.Context(), q)
			if err != nil && !errors.Is(err, auth.ErrKeyInUse) {
				t.Errorf("Ask() = %v", err)
			}
			if turn != nil {
				turns <- turn
			}
		})
	}
	wg.Wait()
	if len(turns) != 1 {
		t.Errorf("%d have the turn, want one", len(turns))
	}
}
