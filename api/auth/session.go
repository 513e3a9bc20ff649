package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	secretSize = 32 // bytes, 256 bits

	// A browser takes a __Host- cookie only over TLS, for this host and path "/", so
	// nobody on a sister domain or on the plain-text road can plant one.
	secureCookie = "__Host-postroom"
	plainCookie  = "postroom"

	// touchEvery bounds how exactly a session's last use is known, and so how often it
	// is written.
	touchEvery = time.Minute
)

const addSessionSQL = `insert into session (hash, actor, credential) values ($1, $2, $3)`

// The sessions that have ended go whenever one begins, so they need no sweeper.
const endSessionsSQL = `
	delete from session where seen_at < now() - $1::interval or created_at < now() - $2::interval`

// SignIn begins a session for whoever shows the admin token, and sets its cookie.
// The error is ErrWrongToken, or *TooManyError after too many attempts, right or
// wrong, from the same client.
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request, token string) error {
	client := a.Client(r)
	if b := a.attempts.Take(client); !b.OK {
		slog.WarnContext(r.Context(), "sign-in refused: too many attempts", "by", "page", "client", client)
		return &TooManyError{RetryAfter: b.RetryAfter}
	}
	if !a.isAdmin(token) {
		slog.WarnContext(r.Context(), "sign-in failed", "by", "page", "client", client)
		return ErrWrongToken
	}
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails: crypto/rand ends the process instead
	value := base64.RawURLEncoding.EncodeToString(secret)
	hash, credential := sha256.Sum256([]byte(value)), a.credential()
	err := a.db.Across(r.Context(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(r.Context(), endSessionsSQL, a.idle, a.absolute); err != nil {
			return err
		}
		_, err := tx.Exec(r.Context(), addSessionSQL, hash[:], Admin, credential)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	slog.InfoContext(r.Context(), "signed in", "actor", Admin, "client", client)
	http.SetCookie(w, a.cookie(r, value, int(a.absolute.Seconds())))
	return nil
}

// credential names the token without telling it: not even the hash that a token
// is compared with is stored.
func (a *Auth) credential() []byte {
	sum := sha256.Sum256(a.token[:])
	return sum[:]
}

func (a *Auth) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	c := &http.Cookie{
		Name: plainCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if a.Secure(r) {
		c.Name, c.Secure = secureCookie, true
	}
	return c
}

// sessionHash is the key of the session that a request's cookie names. Over TLS
// only the protected cookie counts.
func (a *Auth) sessionHash(r *http.Request) ([]byte, bool) {
	name := plainCookie
	if a.Secure(r) {
		name = secureCookie
	}
	c, err := r.Cookie(name)
	if err != nil || c.Value == "" {
		return nil, false
	}
	sum := sha256.Sum256([]byte(c.Value))
	return sum[:], true
}

const sessionSQL = `
	select actor, now() - seen_at > $5::interval from session
	where hash = $1 and credential = $2 and seen_at > now() - $3::interval and created_at > now() - $4::interval`

const touchSQL = `update session set seen_at = now() where hash = $1`

// Session returns who the request's session belongs to, or ErrNotSignedIn.
func (a *Auth) Session(r *http.Request) (Who, error) {
	hash, ok := a.sessionHash(r)
	if !ok || !a.known {
		return Who{}, ErrNotSignedIn
	}
	var who Who
	err := a.db.Across(r.Context(), func(tx pgx.Tx) error {
		return a.session(r.Context(), tx, hash, &who)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Who{}, ErrNotSignedIn
	}
	if err != nil {
		return Who{}, fmt.Errorf("session: %w", err)
	}
	return who, nil
}

func (a *Auth) session(ctx context.Context, tx pgx.Tx, hash []byte, who *Who) error {
	var stale bool
	row := tx.QueryRow(ctx, sessionSQL, hash, a.credential(), a.idle, a.absolute, touchEvery)
	if err := row.Scan(&who.Actor, &stale); err != nil || !stale {
		return err
	}
	_, err := tx.Exec(ctx, touchSQL, hash)
	return err
}

const revokeSQL = `delete from session where hash = $1`

// SignOut ends the request's session, on the server and in the browser.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, a.cookie(r, "", -1))
	hash, ok := a.sessionHash(r)
	if !ok {
		return nil
	}
	if _, err := a.db.Exec(r.Context(), revokeSQL, hash); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}
