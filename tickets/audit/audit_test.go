package audit_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/tickets/audit"
)

// A book is the chain of a workspace that a test may write in and tamper with.
type book struct {
	t         *testing.T
	db        *postgres.DB
	owner     string
	workspace uuid.UUID
}

func newBook(t *testing.T) *book {
	t.Helper()
	cfg := pgtest.Database(t)
	db, err := postgres.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	b := &book{t, db, cfg.OwnerURL, uuid.Must(uuid.NewV7())}
	b.do(func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "insert into workspace (workspace_id, name) values ($1, 'Test')", b.workspace); err != nil {
			return err
		}
		return audit.Found(t.Context(), tx, b.workspace)
	})
	return b
}

func (b *book) do(fn func(pgx.Tx) error) {
	b.t.Helper()
	if err := b.db.InWorkspace(b.t.Context(), b.workspace, fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) write(entries ...audit.Entry) {
	b.t.Helper()
	b.do(func(tx pgx.Tx) error { return audit.Write(b.t.Context(), tx, b.workspace, entries...) })
}

func entry(action string) audit.Entry {
	return audit.Entry{Actor: "test", Action: action, Target: "ticket:1", Detail: map[string]any{"n": 1, "word": "ä"}}
}

func TestChain(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	if n, err := audit.Verify(t.Context(), b.db, b.workspace); n != 0 || err != nil {
		t.Errorf("Verify() of an empty chain = %d, %v", n, err)
	}
	b.write(entry("a.b"), entry("c.d"))
	b.write(audit.Entry{Actor: "test", Action: "e.f", Target: "x"})
	if n, err := audit.Verify(t.Context(), b.db, b.workspace); n != 3 || err != nil {
		t.Errorf("Verify() = %d, %v, want 3 that hold", n, err)
	}
	list, err := audit.Records(t.Context(), b.db, b.workspace, 1, 10)
	if err != nil || len(list) != 2 || list[0].Action != "c.d" || string(list[1].Detail) != "{}" {
		t.Errorf("Records() = %+v, %v, want the two behind the first", list, err)
	}
	b.do(func(tx pgx.Tx) error {
		chain, err := audit.Open(t.Context(), tx, b.workspace)
		if err != nil {
			return err
		}
		if err := chain.Add(audit.Entry{Action: "x", Detail: make(chan int)}); err == nil {
			t.Error("Add() takes a detail that is no JSON")
		}
		return nil
	})
}

// Whoever writes at the same time writes one after the other.
func TestChainAtOnce(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				err := b.db.InWorkspace(t.Context(), b.workspace, func(tx pgx.Tx) error {
					return audit.Write(t.Context(), tx, b.workspace, entry("a.b"), entry("c.d"))
				})
				if err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n, err := audit.Verify(t.Context(), b.db, b.workspace); n != 80 || err != nil {
		t.Errorf("Verify() = %d, %v, want 80 that hold", n, err)
	}
}

// What is altered, dropped, slipped in or cut off is found, and the place named.
func TestTampering(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sql string
		seq       int64
	}{
		{"actor", "update audit set actor = 'nobody' where seq = 2", 2},
		{"action", "update audit set action = 'a.c' where seq = 2", 2},
		{"target", "update audit set target = 'ticket:2' where seq = 2", 2},
		{"time", "update audit set at = at + interval '1 microsecond' where seq = 2", 2},
		{"detail", `update audit set detail = '{"n":1, "word":"ä"}' where seq = 2`, 2},
		{"moved between fields", "update audit set action = 'a.', target = 'b' || target where seq = 1", 1},
		{"dropped", "delete from audit where seq = 2", 2},
		{"dropped and renumbered", "with gone as (delete from audit where seq = 2) update audit set seq = seq + 10 where seq > 2", 2},
		{"slipped in", "insert into audit select workspace_id, 4, at, actor, action, target, detail, hash from audit where seq = 3", 4},
		{"swapped", "update audit set hash = (select hash from audit where seq = 1) where seq = 2", 2},
		{"cut off", "delete from audit where seq = 3", 2},
		{"all cut off", "delete from audit", 0},
		{"cut off with its head", "with gone as (delete from audit where seq = 3) update audit_head set seq = 2", 2},
		{"head lost", "delete from audit_head", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			b.write(entry("a.b"), entry("c.d"), entry("e.f"))
			conn, err := pgx.Connect(t.Context(), b.owner)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			tag, err := conn.Exec(t.Context(), c.sql)
			if err != nil || tag.RowsAffected() == 0 {
				t.Fatalf("%s: %v, %v", c.sql, tag, err)
			}
			var broken *audit.BrokenError
			if _, err := audit.Verify(t.Context(), b.db, b.workspace); !errors.As(err, &broken) || broken.Seq != c.seq {
				t.Errorf("Verify() = %v, want *BrokenError at %d", err, c.seq)
			}
		})
	}
}

// The application can neither change nor delete what is written.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.write(entry("a.b"))
	for _, sql := range []string{"update audit set actor = 'x'", "delete from audit"} {
		err := b.db.InWorkspace(t.Context(), b.workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		})
		if err == nil {
			t.Errorf("%q is allowed", sql)
		}
	}
}
