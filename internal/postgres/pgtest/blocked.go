package pgtest

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

const blockedSQL = `
	select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`

// Blocked waits until some transaction of the database waits for another one.
func Blocked(t testing.TB, db *postgres.DB) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		rows, err := db.Query(t.Context(), blockedSQL)
		if err != nil {
			t.Fatalf("look for waiting transactions: %v", err)
		}
		n, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
		if err != nil {
			t.Fatalf("look for waiting transactions: %v", err)
		}
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no transaction waits for another one")
		}
	}
}
