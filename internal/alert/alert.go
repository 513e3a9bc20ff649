// Package alert keeps what a person of a workspace has to mend: a password that is
// refused, a consent that was revoked, a mailbox that nobody can reach. An alert
// stands until the thing works again; it is never only a line in a log.
package alert

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

// Kind is what sort of trouble an alert tells of.
type Kind string

// The kinds.
const (
	Late    Kind = "mailbox_late"    // not polled well for two intervals
	Refused Kind = "mailbox_refused" // the server does not let us in
	Parked  Kind = "mail_parked"     // a mail that cannot be read at the server
	Folder  Kind = "folder_missing"  // a folder that the server does not have
	Differs Kind = "mailbox_differs" // server and ledger do not agree
	Consent Kind = "consent_ended"   // the provider refuses to renew our access
	Deletes Kind = "delete_refused"  // what was to be done at the server after the commit cannot be
)

// An Alert is one trouble with one thing.
type Alert struct {
	ID         uuid.UUID  `db:"id"`
	Kind       Kind       `db:"kind"`
	Target     string     `db:"target"` // "mailbox:<id>"
	What       string     `db:"what"`   // what happened
	Advice     string     `db:"advice"` // what to do next
	RaisedAt   time.Time  `db:"raised_at"`
	SeenAt     time.Time  `db:"seen_at"`
	ResolvedAt *time.Time `db:"resolved_at"`
}

const raiseSQL = `
	insert into alert (workspace_id, id, kind, target, what, advice) values ($1, $2, $3, $4, $5, $6)
	on conflict (target, kind, workspace_id) where resolved_at is null
	do update set what = excluded.what, advice = excluded.advice, seen_at = now()`

// Raise opens an alert, or says of the one that is open that it goes on.
func Raise(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, a Alert) error {
	_, err := tx.Exec(ctx, raiseSQL, workspace, uuid.Must(uuid.NewV7()), a.Kind, a.Target, a.What, a.Advice)
	if err != nil {
		return fmt.Errorf("raise alert %s of %s: %w", a.Kind, a.Target, err)
	}
	return nil
}

const resolveSQL = `
	update alert set resolved_at = now() where workspace_id = $1 and target = $2 and kind = any ($3) and resolved_at is null`

// Resolve closes the open alerts of these kinds for a thing: it works again.
func Resolve(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, target string, kinds ...Kind) error {
	if _, err := tx.Exec(ctx, resolveSQL, workspace, target, kinds); err != nil {
		return fmt.Errorf("resolve alerts of %s: %w", target, err)
	}
	return nil
}

const openSQL = `
	select id, kind, target, what, advice, raised_at, seen_at, resolved_at from alert
	where workspace_id = $1 and resolved_at is null order by id limit $2`

// Open lists the alerts that stand, oldest first, at most limit.
func Open(ctx context.Context, db *postgres.DB, workspace uuid.UUID, limit int) ([]Alert, error) {
	var list []Alert
	err := db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, openSQL, workspace, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Alert])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return list, nil
}
