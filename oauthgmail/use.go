package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// ToTickets is why mail is read: to show it to the workspace's agents.
const ToTickets = "mail read into tickets"

// A Use is what a provider's tokens were used for on one day.
type Use struct {
	Mailbox  uuid.UUID `db:"mailbox_id"`
	Day      time.Time `db:"day"`
	Provider string    `db:"provider"`
	Purpose  string    `db:"purpose"`
	Mails    int64     `db:"mails"`
	Octets   int64     `db:"octets"`
}

const usedSQL = `
	insert into oauth_use as u (workspace_id, mailbox_id, day, provider, purpose, mails, octets)
	select $1, $2, (now() at time zone 'utc')::date, g.provider, $3, $4, $5
	from oauth_grant g where g.workspace_id = $1 and g.mailbox_id = $2
	on conflict (workspace_id, mailbox_id, day, purpose) do update
		set mails = u.mails + excluded.mails, octets = u.octets + excluded.octets, provider = excluded.provider`

// Used notes that a mailbox's token read so many mails into tickets.
func (s *Service) Used(ctx context.Context, workspace, mailbox uuid.UUID, mails, octets int64) error {
	return s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, usedSQL, workspace, mailbox, ToTickets, mails, octets)
		return err
	})
}

const usesSQL = `
	select mailbox_id, day, provider, purpose, mails, octets from oauth_use
	where workspace_id = $1 and day >= $2 order by day desc, mailbox_id, purpose limit $3`

// Uses lists what tokens were used for since a day, the latest first.
func (s *Service) Uses(ctx context.Context, workspace uuid.UUID, since time.Time, limit int) ([]Use, error) {
	var list []Use
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, usesSQL, workspace, since, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Use])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the use of tokens: %w", err)
	}
	return list, nil
}

const (
	policySQL    = `select may_leave from oauth_policy where workspace_id = $1`
	setPolicySQL = `
		insert into oauth_policy (workspace_id, may_leave, actor) values ($1, $2, $3)
		on conflict (workspace_id) do update set may_leave = excluded.may_leave, actor = excluded.actor, at = now()`
	limitedSQL = `
		select exists (select from oauth_use u join oauth_client c on c.workspace_id = $1 and c.provider = u.provider
			where u.workspace_id = $1 and u.mailbox_id = $2 and c.kind = 'google')
		or exists (select from oauth_grant g join oauth_client c on c.workspace_id = $1 and c.provider = g.provider
			where g.workspace_id = $1 and g.mailbox_id = $2 and c.kind = 'google')`
)

// MayLeave reports whether mail of a mailbox may be sent out of the instance: to
// webhooks, exports, services that summarise. Mail that came from Google may not
// (Limited Use) unless the workspace's switch is set. Answering a mail is no such
// case.
func (s *Service) MayLeave(ctx context.Context, workspace, mailbox uuid.UUID) (bool, error) {
	var may, limited bool
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, policySQL, workspace).Scan(&may); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return tx.QueryRow(ctx, limitedSQL, workspace, mailbox).Scan(&limited)
	})
	if err != nil {
		return false, fmt.Errorf("may mail of mailbox %s leave: %w", mailbox, err)
	}
	return may || !limited, nil
}

// SetMayLeave sets the switch.
func (s *Service) SetMayLeave(ctx context.Context, actor string, workspace uuid.UUID, may bool) error {
	return s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, setPolicySQL, workspace, may, actor); err != nil {
			return err
		}
		return audit.Write(ctx, tx, workspace, audit.Entry{Actor: actor, Action: "oauth_policy.set", Target: "workspace:" + workspace.String(), Detail: map[string]any{"may_leave": may}})
	})
}

// A Consent is how a mailbox's access stands.
type Consent struct {
	Mailbox    uuid.UUID  `db:"mailbox_id"`
	Provider   string     `db:"provider"`
	Address    string     `db:"address"`
	Scopes     string     `db:"scopes"`
	ExpiresAt  *time.Time `db:"expires_at"` // of the access token; it is renewed before
	RefreshAt  time.Time  `db:"refresh_at"`
	Refreshes  int64      `db:"refreshes"`
	Failures   int        `db:"failures"`
	EndedAt    *time.Time `db:"ended_at"`
	Reason     string     `db:"reason"`
	GivenAt    time.Time  `db:"consented_at"`
	MaySend    bool       `db:"-"` // it includes sending by SMTP
	MayEndSoon bool       `db:"-"` // given to a Google registration less than eight days ago: in testing it lasts seven
}

const consentSQL = `
	select mailbox_id, provider, address, scopes, expires_at, refresh_at, refreshes, failures, ended_at, reason, consented_at
	from oauth_grant where workspace_id = $1 and mailbox_id = $2`

// Consent returns how a mailbox's access stands, ErrNotFound when there is none.
func (s *Service) Consent(ctx context.Context, workspace, mailbox uuid.UUID) (Consent, error) {
	var c Consent
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, consentSQL, workspace, mailbox)
		if err != nil {
			return err
		}
		if c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Consent]); err != nil {
			return err
		}
		client, err := s.readClient(ctx, tx, workspace, c.Provider)
		if err == nil {
			c.MaySend = client.maySend(c.Scopes)
			c.MayEndSoon = client.Kind == Google && time.Since(c.GivenAt) < testingFor+24*time.Hour
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("consent for mailbox %s: %w", mailbox, err)
	}
	return c, nil
}
