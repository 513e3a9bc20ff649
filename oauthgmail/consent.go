package oauthgmail

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"postroom/internal/alert"
	"postroom/internal/postgres"
	"postroom/tickets/audit"
)

// An Asking is what Begin needs to know.
type Asking struct {
	Workspace uuid.UUID
	Mailbox   uuid.UUID
	Provider  string // a registration of the workspace
	Address   string // of the account that is expected to consent
	Shared    bool   // the mailbox is a shared one: anybody with access may consent
	Send      bool   // the consent is to include sending by SMTP; once it does, asking again keeps it
	Redirect  string // where the provider sends the person back to; registered there
	Actor     string
}

const beginSQL = `
	insert into oauth_flow (workspace_id, state, mailbox_id, provider, verifier, nonce, redirect, address, shared, actor, send, expires_at)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + $12::interval)`

const tidyFlowsSQL = `delete from oauth_flow where workspace_id = $1 and expires_at < now()`

// Begin returns the address at the provider to which the person is sent to consent.
// The state in it is good once, for a quarter of an hour. A mailbox whose consent
// was given before keeps everything else when it is given again.
func (s *Service) Begin(ctx context.Context, a Asking) (string, error) {
	state := a.Workspace.String() + "." + rand.Text()
	verifier, nonce := oauth2.GenerateVerifier(), rand.Text()
	sealed, err := s.seal(ctx, a.Workspace, "oauth_flow:"+state, verifier)
	if err != nil {
		return "", err
	}
	var client *Client
	hash := sha256.Sum256([]byte(state))
	err = s.db.InWorkspace(ctx, a.Workspace, func(tx pgx.Tx) error {
		var err error
		if client, err = s.readClient(ctx, tx, a.Workspace, a.Provider); err != nil {
			return err
		}
		if client.AppOnly {
			return &InvalidError{"provider", "this registration needs no person's consent: grant it to the mailbox instead"}
		}
		if _, err := tx.Exec(ctx, tidyFlowsSQL, a.Workspace); err != nil {
			return err
		}
		g, err := readGrant(ctx, tx, grantSQL, a.Workspace, a.Mailbox)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		a.Send = a.Send || err == nil && g.Provider == a.Provider && client.maySend(g.Scopes)
		_, err = tx.Exec(ctx, beginSQL, a.Workspace, hash[:], a.Mailbox, a.Provider, sealed, nonce, a.Redirect, strings.ToLower(a.Address), a.Shared, a.Actor, a.Send, flowFor)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask for consent: %w", err)
	}
	p, err := s.resolve(ctx, client)
	if err != nil {
		return "", err
	}
	p.redirect, p.send = a.Redirect, a.Send
	params := append(p.consentParams(a.Address, nonce), oauth2.S256ChallengeOption(verifier))
	return p.config().AuthCodeURL(state, params...), nil
}

// A flow is a consent that was asked for.
type flow struct {
	Mailbox  uuid.UUID `db:"mailbox_id"`
	Provider string    `db:"provider"`
	Verifier []byte    `db:"verifier"`
	Nonce    string    `db:"nonce"`
	Redirect string    `db:"redirect"`
	Address  string    `db:"address"`
	Shared   bool      `db:"shared"`
	Actor    string    `db:"actor"`
	Send     bool      `db:"send"`
}

const takeFlowSQL = `
	delete from oauth_flow where workspace_id = $1 and state = $2 and expires_at > now()
	returning mailbox_id, provider, verifier, nonce, redirect, address, shared, actor, send`

// A WrongAddressError means that another account consented than the one that was
// meant.
type WrongAddressError struct{ Got, Want string }

func (e *WrongAddressError) Error() string {
	return fmt.Sprintf("%s gave its consent, but %s was asked: sign in at the provider as that account, or say that the mailbox is shared", e.Got, e.Want)
}

// Finish takes what the provider sent the person back with, and returns the mailbox
// that can log in now. A state is good once: whoever replays it finds nothing.
func (s *Service) Finish(ctx context.Context, state, code, refusal string) (workspace, mailbox uuid.UUID, err error) {
	name, _, _ := strings.Cut(state, ".")
	if workspace, err = uuid.Parse(name); err != nil {
		return workspace, mailbox, fmt.Errorf("this consent was not asked for: %w", ErrNotFound)
	}
	var f flow
	var client *Client
	hash := sha256.Sum256([]byte(state))
	err = s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, takeFlowSQL, workspace, hash[:])
		if err != nil {
			return err
		}
		if f, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[flow]); err != nil {
			return err
		}
		client, err = s.readClient(ctx, tx, workspace, f.Provider)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("this consent was not asked for, or longer ago than %s, or is used up: begin again: %w", flowFor, ErrNotFound)
	}
	if err == nil && refusal != "" {
		err = &InvalidError{"consent", "the provider says: " + plain(refusal)}
	}
	if err == nil {
		err = s.exchange(ctx, workspace, state, code, f, client)
	}
	return workspace, f.Mailbox, err
}

// exchange changes the code for tokens, checks whose they are, and stores them.
func (s *Service) exchange(ctx context.Context, workspace uuid.UUID, state, code string, f flow, client *Client) error {
	verifier, err := s.open(ctx, workspace, "oauth_flow:"+state, f.Verifier)
	if err != nil {
		return err
	}
	p, err := s.resolve(ctx, client)
	if err != nil {
		return err
	}
	p.redirect, p.send = f.Redirect, f.Send
	cctx, cancel := context.WithTimeout(s.withClient(ctx), callWithin)
	defer cancel()
	token, err := sound(p.config().Exchange(cctx, code, oauth2.VerifierOption(verifier)))
	if err != nil {
		return fmt.Errorf("the provider does not take the code: %w", plainly(err))
	}
	if token.RefreshToken == "" {
		return &InvalidError{"consent", "the provider gave access for an hour only, and no refresh token; for Google remove Postroom from the account's connected apps and consent again"}
	}
	address, err := s.whose(ctx, p, token, f.Nonce)
	if err != nil {
		return err
	}
	if !f.Shared && !strings.EqualFold(address, f.Address) {
		return &WrongAddressError{address, f.Address}
	}
	return s.keep(ctx, workspace, f, p, token, address)
}

// claims are what an ID token says that we ask about.
type claims struct {
	Issuer    string          `json:"iss"`
	Audience  json.RawMessage `json:"aud"`
	Expires   float64         `json:"exp"`
	Nonce     string          `json:"nonce"`
	Email     string          `json:"email"`
	Preferred string          `json:"preferred_username"`
	Verified  *truth          `json:"email_verified"`
}

// truth is a boolean, which some providers write as a word.
type truth bool

// UnmarshalJSON takes true and "true" for true, and nothing else.
func (t *truth) UnmarshalJSON(b []byte) error {
	*t = truth(strings.Trim(string(b), `"`) == "true")
	return nil
}

// whose returns the address of the account that consented. The ID token came from
// the token endpoint itself, over TLS, so its signature need not be checked
// (OpenID Connect Core 1.0 §3.1.3.7).
func (s *Service) whose(ctx context.Context, p *provider, token *oauth2.Token, nonce string) (string, error) {
	raw, _ := token.Extra("id_token").(string)
	parts := strings.Split(raw, ".")
	var c claims
	if len(parts) == 3 {
		body, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil {
			err = json.Unmarshal(body, &c)
		}
		if err != nil {
			return "", fmt.Errorf("the provider's ID token cannot be read: %w", err)
		}
		switch {
		case c.Nonce != nonce:
			return "", errors.New("the provider's ID token is not of this consent")
		case p.Issuer() != "" && strings.TrimPrefix(c.Issuer, "https://") != strings.TrimPrefix(p.Issuer(), "https://"):
			return "", fmt.Errorf("the ID token is of %q, not of %q", c.Issuer, p.Issuer())
		case !audience(c.Audience, p.ClientID):
			return "", errors.New("the provider's ID token is not for us")
		case time.Now().After(time.Unix(int64(c.Expires), 0).Add(5 * time.Minute)):
			return "", errors.New("the provider's ID token has expired: are the clocks right?")
		}
	}
	if c.Email == "" && p.Userinfo != "" && p.Kind == OpenID {
		if err := s.getJSON(ctx, p.Userinfo, token.AccessToken, &c); err != nil {
			return "", fmt.Errorf("ask the provider who consented: %w", err)
		}
	}
	switch {
	case c.Verified != nil && !bool(*c.Verified) && c.Email != "":
		return "", fmt.Errorf("the provider has not verified that %s belongs to the account", plain(c.Email))
	case c.Email != "":
		return plain(strings.ToLower(c.Email)), nil
	case strings.Contains(c.Preferred, "@"):
		return plain(strings.ToLower(c.Preferred)), nil
	}
	return "", errors.New("the provider does not say which address has consented")
}

func audience(raw json.RawMessage, want string) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == want
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return false
	}
	for _, a := range list {
		if a == want {
			return true
		}
	}
	return false
}

const keepSQL = `
	insert into oauth_grant as g (workspace_id, mailbox_id, provider, address, scopes, refresh, access, expires_at, refresh_at)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	on conflict (workspace_id, mailbox_id) do update set provider = excluded.provider, address = excluded.address, scopes = excluded.scopes,
		refresh = excluded.refresh, refresh_before = null, access = excluded.access, expires_at = excluded.expires_at, refresh_at = excluded.refresh_at,
		failures = 0, ended_at = null, reason = '', consented_at = now()`

// keep stores a new consent. What was there before is replaced; the poller's cursor
// is elsewhere and stays.
func (s *Service) keep(ctx context.Context, workspace uuid.UUID, f flow, p *provider, token *oauth2.Token, address string) error {
	refresh, access, err := s.sealTokens(ctx, workspace, f.Mailbox, token)
	if err != nil {
		return err
	}
	token.Expiry = expiry(token)
	scopes := strings.Join(p.scopes(), " ")
	if given, _ := token.Extra("scope").(string); given != "" {
		scopes = plain(given) // RFC 6749 §5.1: said where it is not what was asked for
	}
	err = s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, keepSQL, workspace, f.Mailbox, p.Provider, address, scopes, refresh, access,
			token.Expiry, refreshAt(token.Expiry)); err != nil {
			return err
		}
		// The audit's chain is locked before alerts are, as everywhere.
		if err := audit.Write(ctx, tx, workspace, audit.Entry{Actor: f.Actor, Action: "mailbox.consent", Target: target(f.Mailbox),
			Detail: map[string]any{"provider": p.Provider, "address": address, "scopes": scopes}}); err != nil {
			return err
		}
		return alert.Resolve(ctx, tx, workspace, target(f.Mailbox), alert.Consent, alert.Refused)
	})
	if postgres.Violates(err, "oauth_grant_workspace_id_mailbox_id_fkey") {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("keep the consent for mailbox %s: %w", f.Mailbox, err)
	}
	return nil
}

func target(mailbox uuid.UUID) string { return "mailbox:" + mailbox.String() }

func (s *Service) sealTokens(ctx context.Context, workspace, mailbox uuid.UUID, token *oauth2.Token) (refresh, access []byte, err error) {
	if refresh, err = s.seal(ctx, workspace, "oauth_grant:refresh:"+mailbox.String(), token.RefreshToken); err != nil {
		return nil, nil, err
	}
	access, err = s.seal(ctx, workspace, "oauth_grant:access:"+mailbox.String(), token.AccessToken)
	return refresh, access, err
}

// GrantApp lets a mailbox use a registration that needs no person's consent.
func (s *Service) GrantApp(ctx context.Context, actor string, workspace, mailbox uuid.UUID, providerName, address string) error {
	var client *Client
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		client, err = s.readClient(ctx, tx, workspace, providerName)
		return err
	})
	if err != nil {
		return err
	}
	if !client.AppOnly {
		return &InvalidError{"provider", "this registration needs a person's consent"}
	}
	p, err := s.resolve(ctx, client)
	if err != nil {
		return err
	}
	token, err := s.appToken(ctx, p)
	if err != nil {
		return fmt.Errorf("ask %s for a token: %w", providerName, plainly(err))
	}
	return s.keep(ctx, workspace, flow{Mailbox: mailbox, Provider: providerName, Actor: actor}, p, token, strings.ToLower(address))
}
