// Package postgres is the one road to the database: the pool, the workspace
// scope that row-level security enforces, the migrations, and the private
// cluster that Postroom starts when it is given no database of its own.
//
// Two roles share the work. The owner makes the tables, by migration, and owns
// the few functions that reach across workspaces. The application role,
// postroom_app, may touch a row only inside the scope of its workspace: a
// query that forgets the scope finds nothing, not everything.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// appRole is the role under which every query of the application runs.
const appRole = "postroom_app"

// MinVersion is the oldest PostgreSQL that Postroom runs on, as server_version_num.
const MinVersion = 150000

// connectWithin bounds one attempt to reach the server.
const connectWithin = 10 * time.Second

// A DB is a pool of connections that carry the application role. It is safe for
// concurrent use.
type DB struct {
	pool *pgxpool.Pool
}

// Config says where the database is.
type Config struct {
	URL      string // for the application, a postgres:// URL or a key=value string
	OwnerURL string // for migrations; empty means URL
	MaxConns int32  // pool size; 0 means 24
}

// Open brings the schema up to date under an advisory lock and returns a pool on
// it. Any number of processes may call it at once on one database.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.OwnerURL == "" {
		cfg.OwnerURL = cfg.URL
	}
	if err := migrate(ctx, cfg.OwnerURL); err != nil {
		return nil, err
	}
	return Connect(ctx, cfg)
}

// Connect returns a pool on a database whose schema is known to be current.
func Connect(ctx context.Context, cfg Config) (*DB, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	pc.MaxConns = cfg.MaxConns
	if pc.MaxConns == 0 {
		pc.MaxConns = 24
	}
	pc.ConnConfig.ConnectTimeout = connectWithin
	pc.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		registerUUID(c.TypeMap())
		_, err := c.Exec(ctx, "set role "+appRole)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", err)
	}
	return &DB{pool: pool}, nil
}

// Close waits for connections in use to come back and closes them all.
func (db *DB) Close() { db.pool.Close() }

// Ping answers whether the database can be reached now.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, "select 1")
	return err
}

// InWorkspace runs fn in a transaction that sees the rows of one workspace and of
// no other. It commits when fn returns nil.
func (db *DB) InWorkspace(ctx context.Context, workspace uuid.UUID, fn func(pgx.Tx) error) error {
	return db.begin(ctx, scope(workspace), fn)
}

// byKey tells the planner that every row is reached by its key. Left to itself it
// reads all of a table that has grown since its statistics were last taken, which
// a queue's table has done always. And it plans each batch anew, because the plan
// for a batch of unknown size looks dearer than the one for a single row: at a few
// mails a second that cost ten times what carrying them did.
const byKey = "; set local plan_cache_mode = force_generic_plan" +
	"; set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off"

// InWorkspaceByKey is InWorkspace for statements that reach a batch of rows by
// their keys.
func (db *DB) InWorkspaceByKey(ctx context.Context, workspace uuid.UUID, fn func(pgx.Tx) error) error {
	return db.begin(ctx, scope(workspace)+byKey, fn)
}

// scope begins a transaction and sets its role and workspace, in one round trip.
// The connection has the role already; behind a pooler that hands connections out
// by transaction it might not. A UUID's text holds only hex digits and dashes.
func scope(workspace uuid.UUID) string {
	return "begin; set local role " + appRole + "; set local postroom.workspace = '" + workspace.String() + "'"
}

func (db *DB) begin(ctx context.Context, query string, fn func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{BeginQuery: query}, fn)
}

// Across runs fn in a transaction without a workspace. It sees the tables that
// belong to the installation, and of the workspaces only what the owner's
// functions return.
func (db *DB) Across(ctx context.Context, fn func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db.pool, fn)
}

// Query runs one statement outside any workspace, in a transaction of its own.
func (db *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return db.pool.Query(ctx, sql, args...)
}

// Exec runs one statement outside any workspace, in a transaction of its own.
func (db *DB) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return db.pool.Exec(ctx, sql, args...)
}

// Listen calls fn with the payload of each notification on channel until ctx
// ends. After every connect, the first included, it calls fn with "": what was
// notified in between is lost, so a follower must look for itself. fn runs on
// the listening connection and must not block.
func (db *DB) Listen(ctx context.Context, channel string, fn func(payload string)) error {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := db.listenOnce(ctx, channel, func(payload string) {
			wait = 100 * time.Millisecond
			fn(payload)
		})
		if ctx.Err() != nil {
			break
		}
		slog.WarnContext(ctx, "listening connection lost", "channel", channel, "err", err, "retry_in", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
	return nil
}

func (db *DB) listenOnce(ctx context.Context, channel string, fn func(string)) error {
	c, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	// The connection listens, so it must not go back to the pool as it is.
	conn := c.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	fn("")
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		fn(n.Payload)
	}
}

// Violates reports whether err is the violation of the constraint with that name.
func Violates(err error, constraint string) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.ConstraintName == constraint
}

// Collided reports whether a transaction was given up because it and another one
// stood in each other's way: doing it again at once is the remedy.
func Collided(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && strings.HasPrefix(pe.Code, "40")
}

// Locked reports whether a statement waited too long for what another transaction
// holds.
func Locked(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "55P03" // lock_not_available
}

// Refused reports whether the database itself turned the statement down: asking
// again in the same words would fail again. A lost connection, a shutdown, a
// full disk, a deadlock or a lock time-out is not a refusal.
func Refused(err error) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || len(pe.Code) != 5 {
		return false
	}
	switch pe.Code[:2] {
	case "08", "40", "53", "55", "57", "58", "XX": // connection, rollback, resources, state, operator, system, internal
		return false
	}
	return true
}
