package tickets

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

const latestMergeSQL = `
	select ` + moveColumns + ` from ticket_move v
	where v.workspace_id = $1 and v.source_id = $2 and v.kind = 'merge' and v.undone_at is null order by v.id desc limit 1`

func mergeEntry(actor string, move, source, target uuid.UUID) audit.Entry {
	return audit.Entry{
		Actor: actor, Action: "ticket.merge", Target: "ticket:" + source.String(),
		Detail: map[string]any{"into": target, "move": move},
	}
}

// Merge puts all messages of source on target. Its number leads to target from
// then on, and so does mail that answers its messages. Merging what is merged
// there already changes nothing; into another ticket it is ErrConflict.
func (d *Desk) Merge(ctx context.Context, workspace uuid.UUID, actor string, source, target uuid.UUID) (Move, error) {
	var id uuid.UUID
	err := d.change(ctx, workspace, func(tx pgx.Tx, chain *audit.Chain, b *pgx.Batch) error {
		s, err := readStanding(ctx, tx, workspace, source)
		if err != nil {
			return err
		}
		t, err := readStanding(ctx, tx, workspace, target)
		if err != nil {
			return err
		}
		switch {
		case s.ID == t.ID, s.Into == nil && t.Root == s.ID:
			return &InvalidError{"into", "a ticket cannot be merged into itself"}
		case s.Into != nil && s.Root != t.Root:
			return ErrConflict
		case s.Into != nil:
			m, err := readMove(ctx, tx, latestMergeSQL, workspace, source)
			id = m.ID
			return err
		}
		id = uuid.Must(uuid.NewV7())
		queueMove(b, workspace, move{id: id, kind: Merge, source: s.ID, target: t.Root, actor: actor})
		return chain.Add(mergeEntry(actor, id, s.ID, t.Root))
	})
	if err != nil {
		return Move{}, fmt.Errorf("merge ticket %s into %s: %w", source, target, err)
	}
	return d.Move(ctx, workspace, id)
}
