package alert

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const columns = `id, kind, target, what, advice, count, raised_at, seen_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by`

// A Query asks for a page of a workspace's alerts.
type Query struct {
	Resolved bool       // also those that do not stand any more
	After    *uuid.UUID // the last one of the page before; nil for the first page
	Limit    int
}

const listSQL = `
	select ` + columns + ` from alert
	where workspace_id = $1 and ($2 or resolved_at is null) and ($3::uuid is null or id > $3) order by id limit $4`

// List returns a page of alerts, oldest first.
func List(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, q Query) ([]Alert, error) {
	rows, err := tx.Query(ctx, listSQL, workspace, q.Resolved, q.After, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Alert])
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return list, nil
}

// A Mark says which alert a person deals with.
type Mark struct {
	ID    uuid.UUID
	Actor string
}

const acknowledgeSQL = `
	update alert set acknowledged_at = now(), acknowledged_by = $3
	where workspace_id = $1 and id = $2 and acknowledged_at is null returning ` + columns

// Acknowledge notes that somebody has seen an alert, which stands as before. The
// first one counts; changed is false for all others.
func Acknowledge(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, m Mark) (a Alert, changed bool, err error) {
	return mark(ctx, tx, acknowledgeSQL, workspace, m)
}

const closeSQL = `
	update alert set resolved_at = now(), resolved_by = $3
	where workspace_id = $1 and id = $2 and resolved_at is null returning ` + columns

// Close resolves an alert by a person's word; the same trouble again opens a new
// one. changed is false for one that did not stand any more.
func Close(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, m Mark) (a Alert, changed bool, err error) {
	return mark(ctx, tx, closeSQL, workspace, m)
}

const findSQL = `select ` + columns + ` from alert where workspace_id = $1 and id = $2`

// mark runs an update that returns the alert, or nothing when it is as it should be.
func mark(ctx context.Context, tx pgx.Tx, update string, workspace uuid.UUID, m Mark) (a Alert, changed bool, err error) {
	a, err = first(ctx, tx, update, workspace, m.ID, m.Actor)
	changed = err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		a, err = first(ctx, tx, findSQL, workspace, m.ID)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return a, false, fmt.Errorf("alert %s: %w", m.ID, err)
	}
	return a, changed, nil
}

func first(ctx context.Context, tx pgx.Tx, query string, args ...any) (Alert, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Alert{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Alert])
}
