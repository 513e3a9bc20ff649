package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that the database lacks. It holds a session
// advisory lock, so that processes starting together take turns.
func migrate(ctx context.Context, url string) error {
	pc, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	pc.ConnectTimeout = connectWithin
	db := stdlib.OpenDB(*pc)
	db.SetMaxOpenConns(2) // the lock's session and the one that migrates
	defer func() { _ = db.Close() }()
	if err := checkServer(ctx, db); err != nil {
		return err
	}
	if err := ensureAppRole(ctx, db); err != nil {
		return err
	}
	if err := ensureOwner(ctx, db); err != nil {
		return err
	}
	// One try a second for five minutes.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if err := refuseNewer(ctx, db, p.ListSources()); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return ensureWhole(ctx, db)
}

// refuseNewer keeps an older Postroom from starting on the database of a newer one.
// It would start, say that it is ready, and turn every mail away for as long as
// nobody looks. One that runs already goes on as far as the new schema lets it.
func refuseNewer(ctx context.Context, db *sql.DB, known []*goose.Source) error {
	var made bool
	if err := db.QueryRowContext(ctx, "select to_regclass('goose_db_version') is not null").Scan(&made); err != nil || !made {
		return err
	}
	var level int64
	if err := db.QueryRowContext(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&level); err != nil {
		return fmt.Errorf("read the level of the schema: %w", err)
	}
	if newest := known[len(known)-1].Version; level > newest {
		return fmt.Errorf("the database was brought to schema %d by a newer Postroom, and this one knows %d at most: start the newer one; "+
			"to go back for good, restore the backup that was made before the upgrade", level, newest)
	}
	return nil
}

func checkServer(ctx context.Context, db *sql.DB) error {
	var version int
	err := db.QueryRowContext(ctx, "select current_setting('server_version_num')::int").Scan(&version)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if version < MinVersion {
		return fmt.Errorf("the database is PostgreSQL %d; Postroom needs %d or newer", version/10000, MinVersion/10000)
	}
	return nil
}

const ensureAppRoleSQL = `
do $$ begin
	if not exists (select from pg_roles where rolname = 'postroom_app') then
		create role postroom_app nologin nosuperuser nocreatedb nocreaterole nobypassrls;
	end if;
exception when duplicate_object or unique_violation then null; -- another process was first
end $$`

// ensureAppRole makes the application role where it is missing and checks that
// the login role may take it on.
func ensureAppRole(ctx context.Context, db *sql.DB) error {
	const advice = "let the database's administrator run: create role postroom_app nologin; grant postroom_app to %s"
	var login string
	if err := db.QueryRowContext(ctx, "select current_user").Scan(&login); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if _, err := db.ExecContext(ctx, ensureAppRoleSQL); err != nil {
		return fmt.Errorf("make the role postroom_app: %w; "+advice, err, login)
	}
	var exempt bool
	err := db.QueryRowContext(ctx, `
		select r.rolsuper or r.rolbypassrls from pg_roles r where r.rolname = 'postroom_app'`).Scan(&exempt)
	if err != nil {
		return fmt.Errorf("read the role postroom_app: %w", err)
	}
	if exempt {
		return fmt.Errorf("the role postroom_app is exempt from row-level security, so workspaces would not be apart: alter role postroom_app nosuperuser nobypassrls")
	}
	// From PostgreSQL 16 on, who made a role is its member without being able to
	// take it on: only trying tells.
	if _, err := db.ExecContext(ctx, "set role postroom_app"); err == nil {
		_, err = db.ExecContext(ctx, "reset role")
		return err
	}
	if _, err := db.ExecContext(ctx, "grant postroom_app to current_user"); err != nil {
		return fmt.Errorf("take on the role postroom_app: %w; "+advice, err, login)
	}
	return nil
}
