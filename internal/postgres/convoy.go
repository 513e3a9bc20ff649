package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rollbackWithin bounds the cleaning up after a transaction that failed; a
// connection that takes longer is closed.
const rollbackWithin = 2 * time.Second

// A Convoy is a transaction in one workspace whose statements travel together:
// what was queued goes to the database at Send and is answered there, in order,
// in one round trip. A round trip costs more than most statements do.
type Convoy struct {
	// Batch holds what the next Send takes along. Callbacks of queued statements
	// run within Send.
	Batch *pgx.Batch
	conn  *pgxpool.Conn
}

// lockWithin bounds how long a statement of a convoy waits for a lock. A convoy
// does its work in milliseconds; whoever holds what it needs for longer does
// something large, and others need not stand still for that (Locked).
const lockWithin = 5 * time.Second

var lockTimeout = strconv.FormatInt(lockWithin.Milliseconds(), 10) // as the database's setting, in ms

// convoyScope does what scope and byKey do, as one statement that can travel with
// others.
const convoyScope = `
	select set_config('role', '` + appRole + `', true), set_config('postroom.workspace', $1, true), set_config('lock_timeout', $2, true),
		set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
		set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`

// InConvoy runs fn in a transaction that sees the rows of one workspace, for
// statements that reach them by their keys. It begins with fn's first Send and
// commits, when fn returns nil, together with what fn left queued.
func (db *DB) InConvoy(ctx context.Context, workspace uuid.UUID, fn func(*Convoy) error) (err error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // closes a connection that a panic left in its transaction
	c := &Convoy{Batch: &pgx.Batch{}, conn: conn}
	c.Batch.Queue("begin")
	c.Batch.Queue(convoyScope, workspace.String(), lockTimeout)
	if err := fn(c); err != nil {
		return errors.Join(err, c.rollback(ctx))
	}
	c.Batch.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("commit was answered %q", tag)
		}
		return nil
	})
	if err := c.Send(ctx); err != nil {
		return errors.Join(err, c.rollback(ctx))
	}
	return nil
}

// Send has the database do what was queued. The first error ends the transaction.
func (c *Convoy) Send(ctx context.Context) error {
	b := c.Batch
	c.Batch = &pgx.Batch{}
	return c.conn.SendBatch(ctx, b).Close()
}

func (c *Convoy) rollback(ctx context.Context) error {
	if c.conn.Conn().IsClosed() || c.conn.Conn().PgConn().TxStatus() == 'I' {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackWithin)
	defer cancel()
	_, err := c.conn.Exec(ctx, "rollback")
	return err
}
