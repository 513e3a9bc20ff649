package audit

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

const recordsSQL = `
	select seq, at, actor, action, target, detail, hash from audit
	where workspace_id = $1 and seq > $2 order by seq limit $3`

// Records returns up to limit records behind the one with the number after, in
// order; 0 asks from the start.
func Records(ctx context.Context, db *postgres.DB, workspace uuid.UUID, after int64, limit int) ([]Record, error) {
	var list []Record
	err := db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, recordsSQL, workspace, after, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Record])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	return list, nil
}
