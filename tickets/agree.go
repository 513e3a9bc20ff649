package tickets

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A precondition is what has to be agreed to before a change.
type precondition struct {
	ticket uuid.UUID
	agreed func(Ticket) error
}

// If returns a desk whose merges, splits and undoings are done only when agreed
// says so of that ticket. It is asked of the ticket as it stands while nothing can
// change beside it, before anything is done; its error is the change's.
func (d *Desk) If(ticket uuid.UUID, agreed func(Ticket) error) *Desk {
	with := *d
	with.only = &precondition{ticket, agreed}
	return &with
}

// hold asks the precondition, if there is one.
func (p *precondition) hold(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) error {
	if p == nil {
		return nil
	}
	rows, err := tx.Query(ctx, ticketSQL, workspace, p.ticket)
	if err != nil {
		return err
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Ticket])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return err
	}
	return p.agreed(t)
}
