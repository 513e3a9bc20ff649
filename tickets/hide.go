package tickets

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

const (
	hideSQL = `
		update post set hidden = $4
		where workspace_id = $1 and ticket_id = $2 and message_id = $3 and hidden <> $4`
	countSQL = `
		update ticket set messages = messages + $3 where workspace_id = $1 and id = $2`
)

// Hide takes a message off its ticket because it turned out to be spam, or puts
// it back. Nothing is deleted: hiding and showing again leaves the ticket as it
// was. The caller has opened the chain in tx and writes it.
func Hide(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, chain *audit.Chain, actor string, ticket, message uuid.UUID, hidden bool) error {
	tag, err := tx.Exec(ctx, hideSQL, workspace, ticket, message, hidden)
	if err != nil {
		return fmt.Errorf("message %s on ticket %s: %w", message, ticket, err)
	}
	if tag.RowsAffected() == 0 {
		return nil // as it should be already
	}
	by, action := 1, "ticket.show_message"
	if hidden {
		by, action = -1, "ticket.hide_message"
	}
	if _, err := tx.Exec(ctx, countSQL, workspace, ticket, by); err != nil {
		return fmt.Errorf("ticket %s: %w", ticket, err)
	}
	return chain.Add(audit.Entry{
		Actor: actor, Action: action, Target: "ticket:" + ticket.String(), Detail: map[string]any{"message": message},
	})
}
