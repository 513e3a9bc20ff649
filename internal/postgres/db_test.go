package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
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

func TestInConvoy(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := t.Context()
	a, b := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	put := func(ws uuid.UUID, c *postgres.Convoy) {
		c.Batch.Queue("insert into workspace (workspace_id, name) values ($1, 'convoy')", ws)
	}
	count := func(ws uuid.UUID) (n int) {
		t.Helper()
		err := db.InConvoy(ctx, ws, func(c *postgres.Convoy) error {
			c.Batch.Queue("select count(*) from workspace").QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := db.InConvoy(ctx, a, func(c *postgres.Convoy) error { put(a, c); return c.Send(ctx) }); err != nil {
		t.Fatal(err)
	}
	if n := count(a); n != 1 {
		t.Errorf("a committed convoy left %d rows, want 1", n)
	}
	if n := count(b); n != 0 {
		t.Errorf("a convoy of another workspace sees %d rows, want 0", n)
	}
	sent := errors.New("after the first send")
	if err := db.InConvoy(ctx, b, func(c *postgres.Convoy) error {
		put(b, c)
		return errors.Join(c.Send(ctx), sent)
	}); !errors.Is(err, sent) {
		t.Errorf("InConvoy = %v, want the error of its function", err)
	}
	if err := db.InConvoy(ctx, b, func(c *postgres.Convoy) error { put(b, c); put(a, c); return nil }); !postgres.Refused(err) {
		t.Errorf("InConvoy = %v, want the violated scope", err)
	}
	if n := count(b); n != 0 {
		t.Errorf("convoys that failed left %d rows, want 0", n)
	}
}
