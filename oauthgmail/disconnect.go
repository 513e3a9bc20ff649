package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
	"postroom/tickets/audit"
)

const dropGrantSQL = `delete from oauth_grant where workspace_id = $1 and mailbox_id = $2`

// Disconnect takes a mailbox's consent back at the provider and erases its tokens.
// They are erased even when the provider does not answer; the error then says so.
func (s *Service) Disconnect(ctx context.Context, actor string, workspace, mailbox uuid.UUID) error {
	var revoked error
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		g, err := readGrant(ctx, tx, grantSQL+" for update", workspace, mailbox)
		if err != nil {
			return err
		}
		c, err := s.readClient(ctx, tx, workspace, g.Provider)
		if err != nil {
			return err
		}
		revoked = s.revoke(ctx, workspace, c, g)
		if _, err := tx.Exec(ctx, dropGrantSQL, workspace, mailbox); err != nil {
			return err
		}
		if err := audit.Write(ctx, tx, workspace, audit.Entry{Actor: actor, Action: "mailbox.disconnect", Target: target(mailbox),
			Detail: map[string]any{"provider": g.Provider, "revoked": revoked == nil}}); err != nil {
			return err
		}
		return alert.Resolve(ctx, tx, workspace, target(mailbox), alert.Consent)
	})
	if err != nil {
		return fmt.Errorf("disconnect mailbox %s: %w", mailbox, err)
	}
	return revoked
}

// A NotRevokedError means that tokens were erased here, but that the provider was
// not told.
type NotRevokedError struct{ Cause error }

func (e *NotRevokedError) Error() string {
	return "the tokens are erased here, but the provider could not be told: remove Postroom in the account's settings there: " + e.Cause.Error()
}
func (e *NotRevokedError) Unwrap() error { return e.Cause }

// revoke tells the provider (RFC 7009).
func (s *Service) revoke(ctx context.Context, workspace uuid.UUID, c *Client, g grant) error {
	p, err := s.resolve(ctx, c)
	if err != nil {
		return &NotRevokedError{err}
	}
	if p.AppOnly {
		return nil // it was never a person's
	}
	if p.Revoke == "" {
		return &NotRevokedError{errors.New("it offers no way to")}
	}
	token, err := s.open(ctx, workspace, "oauth_grant:refresh:"+g.Mailbox.String(), g.Refresh)
	if err != nil || token == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	body := url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Revoke, strings.NewReader(body.Encode()))
	if err != nil {
		return &NotRevokedError{err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.Secret))
	resp, err := s.client.Do(req)
	if err != nil {
		return &NotRevokedError{plainly(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusBadRequest { // 400: it was dead already
		return &NotRevokedError{fmt.Errorf("it answers %s", resp.Status)}
	}
	return nil
}
