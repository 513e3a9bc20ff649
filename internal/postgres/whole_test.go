package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

// spoil runs statements on a database as its owner.
func spoil(t *testing.T, cfg postgres.Config, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), cfg.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// A restore onto a server where the owner has another name loses the policies
// that name it. Then no workspace and no mailbox is found, which must not be taken
// for an empty installation: it would refuse everybody's mail for good.
func TestRestoredWithoutPolicies(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Database(t)
	spoil(t, cfg, `do $$ declare t name; begin
		for t in select tablename from pg_policies where policyname = 'owner_all' loop execute format('drop policy owner_all on %I', t); end loop; end $$`)
	spoil(t, cfg, "create table message_as_it_was as select * from message") // no table of ours
	db, err := postgres.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	id := uuid.New()
	err = db.InWorkspace(t.Context(), id, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "insert into workspace (workspace_id, name) values ($1, 'w')", id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = db.Across(t.Context(), func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), "select count(*) from workspaces()").Scan(&n)
	})
	if err != nil || n != 1 {
		t.Errorf("workspaces() returns %d, %v, want the one there is", n, err)
	}
}

func TestUnfitDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, want string }{
		{"restored without grants", "revoke all on all tables in schema public from postroom_app", "make the role first"},
		{"restored without the scope", "drop policy workspace_scope on message", "not been granted what it needs on: message"},
		{"row-level security off", "alter table message no force row level security", "row-level security is off, so workspaces are not apart, on: message"},
		{"of a newer Postroom", "insert into goose_db_version (version_id, is_applied) values (9999, true)", "brought to schema 9999 by a newer Postroom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := pgtest.Database(t)
			spoil(t, cfg, c.sql)
			db, err := postgres.Open(t.Context(), cfg)
			if err == nil {
				db.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, want it to say %q", err, c.want)
			}
		})
	}
}
