package tickets

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// MaxSkip bounds how many ticket numbers are left out at once.
const MaxSkip = 1_000_000

const skipSQL = `update ticket_counter set last = last + $2 where workspace_id = $1 returning last`

// SkipNumbers leaves out the next n ticket numbers of a workspace and returns the
// last one left out. It is for a database restored from an older backup: numbers,
// and the signed addresses made from them, that people were told since must not come
// to mean other people's tickets.
func (d *Desk) SkipNumbers(ctx context.Context, workspace uuid.UUID, actor string, n int64) (int64, error) {
	if n < 1 || n > MaxSkip {
		return 0, &InvalidError{"skip", fmt.Sprintf("leave out 1 to %d numbers", MaxSkip)}
	}
	var last int64
	err := d.change(ctx, workspace, func(tx pgx.Tx, chain *audit.Chain, _ *pgx.Batch) error {
		if err := tx.QueryRow(ctx, skipSQL, workspace, n).Scan(&last); err != nil {
			return err
		}
		return chain.Add(audit.Entry{
			Actor: actor, Action: "workspace.restored", Target: "workspace:" + workspace.String(),
			Detail: map[string]any{"numbers_from": last - n + 1, "numbers_to": last},
		})
	})
	if err != nil {
		return 0, fmt.Errorf("workspace %s: leave out ticket numbers: %w", workspace, err)
	}
	return last, nil
}
