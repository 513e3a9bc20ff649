// Package auth answers three questions about a request: who is asking, may they,
// and have they asked before.
//
// Today there is one kind of principal, the installation's admin, who shows the
// admin token: as a bearer token with each request to the API, or once on the
// sign-in page, for a session. What a principal may do is asked in one place,
// Who.May, so that agents, roles and scopes can come without a caller changing.
//
//	token ──SignIn──> session ──cookie──> Session ──┐
//	token ──Authorization: Bearer───────> Bearer  ──┴──> Who ──May(action, workspace)?
//
// The package must never log or store a token or a session's secret: both are
// compared, and kept, as SHA-256 only.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"postroom/internal/postgres"
)

// The kinds of refusal that a caller can tell apart.
var (
	ErrNotSignedIn = errors.New("not signed in")          // no credential, or one that has ended
	ErrWrongToken  = errors.New("wrong token")            // a credential that is not one
	ErrForbidden   = errors.New("not allowed to do this") // known, but may not
)

// Config says how strict an Auth is. Zero values take the defaults.
type Config struct {
	// AdminToken is the secret that makes somebody the admin. Nobody is while it is empty.
	AdminToken string
	// Proxies are the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
	Proxies []netip.Prefix
	// Idle ends a session that nobody used for so long; 0 means 12 hours.
	Idle time.Duration
	// Absolute ends every session after so long; 0 means 7 days.
	Absolute time.Duration
	// Attempts is how many sign-ins one client may try in a row; 0 means 10.
	Attempts int
	// AttemptEvery is how long a client waits for one attempt more; 0 means 10 seconds.
	AttemptEvery time.Duration
}

// An Auth knows the installation's principals and their sessions. It is safe for
// concurrent use; any number of them, in any number of processes, may share a
// database.
type Auth struct {
	db       *postgres.DB
	token    [sha256.Size]byte // of the admin token
	known    bool              // there is an admin token
	proxies  []netip.Prefix
	idle     time.Duration
	absolute time.Duration
	attempts *Limiter
}

// New returns the guard of the installation in db.
func New(db *postgres.DB, c Config) *Auth {
	if c.Idle == 0 {
		c.Idle = 12 * time.Hour
	}
	if c.Absolute == 0 {
		c.Absolute = 7 * 24 * time.Hour
	}
	if c.Attempts == 0 {
		c.Attempts = 10
	}
	if c.AttemptEvery == 0 {
		c.AttemptEvery = 10 * time.Second
	}
	return &Auth{
		db: db, token: sha256.Sum256([]byte(c.AdminToken)), known: c.AdminToken != "",
		proxies: c.Proxies, idle: c.Idle, absolute: c.Absolute,
		attempts: NewLimiter(c.Attempts, c.AttemptEvery),
	}
}

// isAdmin compares in constant time, and by hash, so that neither the time taken
// nor the length tells anything about the token.
func (a *Auth) isAdmin(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], a.token[:]) == 1 && a.known
}

// Bearer returns who shows a bearer token (RFC 6750 §2.1). The error is
// ErrNotSignedIn without a token, ErrWrongToken with a wrong one, and a
// *TooManyError after too many wrong ones from the same client.
func (a *Auth) Bearer(r *http.Request) (Who, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Who{}, ErrNotSignedIn
	}
	if a.isAdmin(token) {
		return Who{Actor: Admin}, nil
	}
	// Only wrong tokens count: a client that guesses must not lock out the one beside
	// it, behind the same address, that knows.
	return Who{}, a.wrong(r, "bearer")
}

// wrong counts and logs a failed attempt and returns its error.
func (a *Auth) wrong(r *http.Request, by string) error {
	client := a.Client(r)
	slog.WarnContext(r.Context(), "sign-in failed", "by", by, "client", client)
	if b := a.attempts.Take(client); !b.OK {
		return &TooManyError{RetryAfter: b.RetryAfter}
	}
	return ErrWrongToken
}
