package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A grant is a consent with its tokens.
type grant struct {
	Mailbox  uuid.UUID  `db:"mailbox_id"`
	Provider string     `db:"provider"`
	Address  string     `db:"address"`
	Scopes   string     `db:"scopes"`
	Refresh  []byte     `db:"refresh"`
	Before   []byte     `db:"refresh_before"`
	Access   []byte     `db:"access"`
	Expires  *time.Time `db:"expires_at"`
	At       time.Time  `db:"refresh_at"`
	Failures int        `db:"failures"`
	Ended    *time.Time `db:"ended_at"`
	Reason   string     `db:"reason"`
	Given    time.Time  `db:"consented_at"`
}

const (
	grantColumns = `mailbox_id, provider, address, scopes, refresh, refresh_before, access, expires_at, refresh_at, failures, ended_at, reason, consented_at`
	grantSQL     = `select ` + grantColumns + ` from oauth_grant where workspace_id = $1 and mailbox_id = $2`
)

func readGrant(ctx context.Context, tx pgx.Tx, sql string, workspace, mailbox uuid.UUID) (grant, error) {
	rows, err := tx.Query(ctx, sql, workspace, mailbox)
	if err != nil {
		return grant{}, err
	}
	g, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[grant])
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("nobody has consented yet: %w", ErrNotFound)
	}
	return g, err
}

// good reports whether the access token can be handed out.
func (g *grant) good() bool {
	return g.Ended == nil && len(g.Access) > 0 && g.Expires != nil && time.Until(*g.Expires) > fresh
}

// Token returns an access token of the mailbox, which is good for two minutes at
// least. *EndedError when the consent has ended; ErrNotFound when there is none.
func (s *Service) Token(ctx context.Context, workspace, mailbox uuid.UUID) (string, error) {
	var g grant
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		g, err = readGrant(ctx, tx, grantSQL, workspace, mailbox)
		return err
	})
	if err == nil && !g.good() {
		g, err = s.refresh(ctx, workspace, mailbox, (*grant).good)
	}
	if err != nil {
		return "", fmt.Errorf("token of mailbox %s: %w", mailbox, err)
	}
	return s.open(ctx, workspace, "oauth_grant:access:"+mailbox.String(), g.Access)
}

// homes are the domains whose mail servers may see the tokens of a provider.
var homes = map[Kind][]string{
	Google:    {"gmail.com", "googlemail.com", "google.com"},
	Microsoft: {"office365.com", "outlook.com", "office.com", "office365.us", "outlook.cn"},
}

// mayShow reports whether a token may be shown to a mail server: those of Google and
// Microsoft are good for the whole mailbox there, so they go nowhere else. Of other
// providers it is not known which servers are theirs.
func mayShow(kind Kind, host string) bool {
	domains, known := homes[kind]
	return !known || slices.ContainsFunc(domains, func(d string) bool {
		return host == d || strings.HasSuffix(host, "."+d)
	})
}

const kindSQL = `
	select c.kind from oauth_grant g join oauth_client c on c.workspace_id = $1 and c.provider = g.provider
	where g.workspace_id = $1 and g.mailbox_id = $2`

// TokenFor returns an access token of the mailbox to be shown to a mail server, as
// Token does; an error when the server is not the provider's.
func (s *Service) TokenFor(ctx context.Context, workspace, mailbox uuid.UUID, host string) (string, error) {
	var kind Kind
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, kindSQL, workspace, mailbox).Scan(&kind)
	})
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return "", fmt.Errorf("token of mailbox %s: %w", mailbox, err)
	case err == nil && !mayShow(kind, host):
		return "", fmt.Errorf("%s is no mail server of %s, where the consent was given: what logs in there is not shown to others", host, kind)
	}
	return s.Token(ctx, workspace, mailbox)
}

const spoilSQL = `update oauth_grant set access = null, refresh_at = now() where workspace_id = $1 and mailbox_id = $2 and access = $3`

// Refused says that the mail server does not take a token, so that the next one is
// another. A token that was replaced meanwhile is left alone.
func (s *Service) Refused(ctx context.Context, workspace, mailbox uuid.UUID, token string) error {
	return s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		g, err := readGrant(ctx, tx, grantSQL, workspace, mailbox)
		if err != nil {
			return err
		}
		if now, err := s.open(ctx, workspace, "oauth_grant:access:"+mailbox.String(), g.Access); err != nil || now != token {
			return err
		}
		_, err = tx.Exec(ctx, spoilSQL, workspace, mailbox, g.Access)
		return err
	})
}
