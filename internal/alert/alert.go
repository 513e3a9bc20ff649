// Package alert keeps what a person of a workspace has to mend or look at: a
// password that is refused, a mailbox that nobody can reach, trainers of the filter
// who contradict each other. An alert stands until the thing works again or a person
// resolves it; it is never only a line in a log.
package alert

import (
	"context"
	"errors"
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

	Disagreement Kind = "filter_disagreement" // two trainers say the opposite of one message
	Drift        Kind = "filter_drift"        // the filter errs far more than it used to
	Flood        Kind = "filter_flood"        // many messages that look alike within a short time
	OneSided     Kind = "filter_one_sided"    // learning from replies is held back: too little spam is judged
)

// ErrNotFound is returned for an alert that the workspace does not have.
var ErrNotFound = errors.New("no such alert")

// An Alert is one trouble with one thing.
type Alert struct {
	ID             uuid.UUID  `db:"id"`
	Kind           Kind       `db:"kind"`
	Target         string     `db:"target"` // "mailbox:<id>", "message:<id>", "filter", …
	What           string     `db:"what"`   // what happened
	Advice         string     `db:"advice"` // what to do next
	Count          int        `db:"count"`  // how often it was raised while it stood
	RaisedAt       time.Time  `db:"raised_at"`
	SeenAt         time.Time  `db:"seen_at"` // when it was last found to be so
	AcknowledgedAt *time.Time `db:"acknowledged_at"`
	AcknowledgedBy *string    `db:"acknowledged_by"`
	ResolvedAt     *time.Time `db:"resolved_at"`
	ResolvedBy     *string    `db:"resolved_by"` // nil when it went by itself
}

const raiseSQL = `
	insert into alert (workspace_id, id, kind, target, what, advice) values ($1, $2, $3, $4, $5, $6)
	on conflict (target, kind, workspace_id) where resolved_at is null
	do update set what = excluded.what, advice = excluded.advice, count = alert.count + 1, seen_at = now()`

// Raise opens an alert, or says of the one that is open that it goes on.
func Raise(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, a Alert) error {
	_, err := tx.Exec(ctx, raiseSQL, workspace, uuid.Must(uuid.NewV7()), a.Kind, a.Target, a.What, a.Advice)
	if err != nil {
		return fmt.Errorf("raise alert %s of %s: %w", a.Kind, a.Target, err)
	}
	return nil
}

const resolveSQL = `
	update alert set resolved_at = now() where workspace_id = $1 and id in (
		select id from alert where workspace_id = $1 and target = $2 and kind = any ($3) and resolved_at is null order by id for no key update)`

// Resolve closes the open alerts of these kinds for a thing: it works again. Like
// every change of alerts in a transaction that is recorded, it comes after the
// audit's chain was locked.
func Resolve(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, target string, kinds ...Kind) error {
	if _, err := tx.Exec(ctx, resolveSQL, workspace, target, kinds); err != nil {
		return fmt.Errorf("resolve alerts of %s: %w", target, err)
	}
	return nil
}

// Open lists the alerts that stand, oldest first, at most limit.
func Open(ctx context.Context, db *postgres.DB, workspace uuid.UUID, limit int) (list []Alert, err error) {
	err = db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		list, err = List(ctx, tx, workspace, Query{Limit: limit})
		return err
	})
	return list, err
}
