package tickets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// A Filter narrows a list of tickets; its zero value asks for all.
type Filter struct {
	Status  *Status
	Mailbox *uuid.UUID
	After   *Place // only what comes behind this place
	Limit   int    // at most this many
}

// A Place is where a list of tickets was left: the last ticket seen.
type Place struct {
	UpdatedAt time.Time
	ID        uuid.UUID
}

// ticketColumns are a Ticket's. One that was merged names the ticket that has its
// messages now, however many times that one was merged since.
const ticketColumns = `
	id, number, mailbox_id, subject, status, requester_name, requester_email, messages, created_at, updated_at,
	case when merged_into is not null then ticket_root(workspace_id, id) end as merged_into`

const listSQL = `
	select ` + ticketColumns + `
	from ticket
	where workspace_id = $1 and messages > 0
		and ($2::text is null or status = $2)
		and ($3::uuid is null or mailbox_id = $3)
		and ($4::timestamptz is null or (updated_at, id) < ($4, $5))
	order by updated_at desc, id desc limit $6`

// Tickets lists tickets, the latest touched first. Tickets all of whose messages
// turned out to be spam are left out.
func (d *Desk) Tickets(ctx context.Context, workspace uuid.UUID, f Filter) ([]Ticket, error) {
	var at *time.Time
	var id *uuid.UUID
	if f.After != nil {
		at, id = &f.After.UpdatedAt, &f.After.ID
	}
	var list []Ticket
	err := d.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, listSQL, workspace, f.Status, f.Mailbox, at, id, f.Limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Ticket])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tickets: %w", err)
	}
	return list, nil
}

const ticketSQL = `
	select ` + ticketColumns + `
	from ticket where workspace_id = $1 and id = $2`

// Ticket returns one ticket, or ErrNotFound.
func (d *Desk) Ticket(ctx context.Context, workspace, id uuid.UUID) (Ticket, error) {
	t, err := one[Ticket](ctx, d, workspace, ticketSQL, workspace, id)
	if err != nil {
		return Ticket{}, fmt.Errorf("ticket %s: %w", id, err)
	}
	return t, nil
}

const byNumberSQL = `
	select ` + ticketColumns + `
	from ticket where workspace_id = $1 and number = $2`

// TicketByNumber returns the ticket with the number that people use, or
// ErrNotFound.
func (d *Desk) TicketByNumber(ctx context.Context, workspace uuid.UUID, number int64) (Ticket, error) {
	t, err := one[Ticket](ctx, d, workspace, byNumberSQL, workspace, number)
	if err != nil {
		return Ticket{}, fmt.Errorf("ticket %d: %w", number, err)
	}
	return t, nil
}

const postsSQL = `
	select message_id, at, author_name, author_email, evidence, weight, automatic, hidden, ours from post
	where workspace_id = $1 and ticket_id = $2 and message_id > $3
	order by message_id limit $4`

// Posts lists the messages of a ticket in order of arrival, those behind after
// (the zero UUID asks from the start), hidden ones included.
func (d *Desk) Posts(ctx context.Context, workspace, ticket, after uuid.UUID, limit int) ([]Post, error) {
	var list []Post
	err := d.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, postsSQL, workspace, ticket, after, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Post])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("posts of ticket %s: %w", ticket, err)
	}
	return list, nil
}

// Audit returns up to limit records of the workspace's audit chain, those behind
// the number after (0 asks from the start), oldest first.
func (d *Desk) Audit(ctx context.Context, workspace uuid.UUID, after int64, limit int) ([]audit.Record, error) {
	return audit.Records(ctx, d.db, workspace, after, limit)
}

// one reads exactly one row of a workspace; none is ErrNotFound.
func one[T any](ctx context.Context, d *Desk, workspace uuid.UUID, sql string, args ...any) (T, error) {
	var v T
	err := d.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		v, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return v, err
}

// many reads rows of a workspace.
func many[T any](ctx context.Context, d *Desk, workspace uuid.UUID, sql string, args ...any) ([]T, error) {
	var list []T
	err := d.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	})
	return list, err
}
