package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres/pgtest"
)

// A workspace's rows are invisible from any other scope, and from none.
func TestInWorkspaceScope(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := t.Context()
	mine, other := uuid.New(), uuid.New()
	for _, w := range []uuid.UUID{mine, other} {
		err := db.InWorkspace(ctx, w, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "insert into workspace (workspace_id, name) values ($1, 'w')", w)
			return err
		})
		if err != nil {
			t.Fatalf("insert workspace: %v", err)
		}
	}
	var n int
	err := db.InWorkspace(ctx, mine, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select count(*) from workspace").Scan(&n)
	})
	if err != nil || n != 1 {
		t.Errorf("rows seen from one workspace = %d, %v, want 1", n, err)
	}
	err = db.Across(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select count(*) from workspace").Scan(&n)
	})
	if err != nil || n != 0 {
		t.Errorf("rows seen without a scope = %d, %v, want 0", n, err)
	}
	err = db.InWorkspace(ctx, mine, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into workspace (workspace_id, name) values ($1, 'x')", uuid.New())
		return err
	})
	if err == nil {
		t.Error("a row for another workspace was written")
	}
	boom := errors.New("boom")
	if err := db.InWorkspace(ctx, mine, func(pgx.Tx) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("InWorkspace = %v, want the function's error", err)
	}
}
