// Package audit keeps the record of who did what in a workspace: append-only,
// each record chained to the one before it by its hash, written in the very
// transaction that makes the change. What is altered, dropped or slipped in
// afterwards breaks the chain, and Verify names the place.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

// An Entry is one change: who did what to what.
type Entry struct {
	Actor  string // "pipeline", "admin", later "agent:<id>"
	Action string // "ticket.open", "message.hold", …: noun.verb
	Target string // "ticket:<id>", "message:<id>", …
	Detail any    // what else a reader needs, as JSON; no mail content, no secret
}

// A Record is an entry in its place in the chain.
type Record struct {
	Seq    int64           `db:"seq"`
	At     time.Time       `db:"at"`
	Actor  string          `db:"actor"`
	Action string          `db:"action"`
	Target string          `db:"target"`
	Detail json.RawMessage `db:"detail"`
	Hash   []byte          `db:"hash"`
}

// A Chain is the end of a workspace's record, locked for the transaction that
// opened it. So it is also what orders the workspace's changes: whoever opens it
// first goes first.
type Chain struct {
	workspace uuid.UUID
	seq       int64
	hash      []byte
	pending   []Record
}

const openSQL = `
	select seq, hash from audit_head where workspace_id = $1 for no key update`

const foundSQL = `
	insert into audit_head (workspace_id, seq, hash) values ($1, 0, $2) on conflict do nothing`

// Found starts the chain of a new workspace.
func Found(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) error {
	first := sha256.Sum256(workspace[:])
	if _, err := tx.Exec(ctx, foundSQL, workspace, first[:]); err != nil {
		return fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	return nil
}

// Open locks the workspace's chain until tx ends.
func Open(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) (*Chain, error) {
	c := &Chain{workspace: workspace}
	if err := tx.QueryRow(ctx, openSQL, workspace).Scan(&c.seq, &c.hash); err != nil {
		return nil, fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	return c, nil
}

// Follow is Open for statements that travel together: the chain is locked, and
// may be added to, once b has been sent.
func Follow(b *pgx.Batch, workspace uuid.UUID) *Chain {
	c := &Chain{workspace: workspace}
	b.Queue(openSQL, workspace).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&c.seq, &c.hash); err != nil {
			return fmt.Errorf("audit of workspace %s: %w", workspace, err)
		}
		return nil
	})
	return c
}

// Add puts an entry at the end of the chain. Nothing is written before Queue.
func (c *Chain) Add(e Entry) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	if e.Detail == nil {
		detail = []byte("{}")
	}
	r := Record{
		Seq: c.seq + 1,
		// PostgreSQL keeps microseconds: hash what will be read back.
		At:    time.Now().UTC().Truncate(time.Microsecond),
		Actor: e.Actor, Action: e.Action, Target: e.Target, Detail: detail,
	}
	r.Hash = link(c.hash, r)
	c.seq, c.hash = r.Seq, r.Hash
	c.pending = append(c.pending, r)
	return nil
}

const appendSQL = `
	insert into audit (workspace_id, seq, at, actor, action, target, detail, hash)
	select $1, * from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[])`

const headSQL = `update audit_head set seq = $2, hash = $3 where workspace_id = $1`

// Queue adds to b the statements that write what was added. The caller sends b in
// the transaction that opened the chain.
func (c *Chain) Queue(b *pgx.Batch) {
	if len(c.pending) == 0 {
		return
	}
	n := len(c.pending)
	seqs, ats := make([]int64, n), make([]time.Time, n)
	actors, actions, targets, details := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	hashes := make([][]byte, n)
	for i, r := range c.pending {
		seqs[i], ats[i], hashes[i] = r.Seq, r.At, r.Hash
		actors[i], actions[i], targets[i], details[i] = r.Actor, r.Action, r.Target, string(r.Detail)
	}
	b.Queue(appendSQL, c.workspace, seqs, ats, actors, actions, targets, details, hashes)
	b.Queue(headSQL, c.workspace, c.seq, c.hash)
	c.pending = nil
}

// Write records entries and is for callers that change one thing at a time.
func Write(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, entries ...Entry) error {
	c, err := Open(ctx, tx, workspace)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.Add(e); err != nil {
			return err
		}
	}
	b := &pgx.Batch{}
	c.Queue(b)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	return nil
}

// link is the hash of a record: SHA-256 over the previous hash and each field
// behind its length, so that no two records can be written the same.
func link(prev []byte, r Record) []byte {
	h := sha256.New()
	h.Write(prev)
	for _, f := range []string{
		fmt.Sprint(r.Seq), r.At.UTC().Format(time.RFC3339Nano), r.Actor, r.Action, r.Target, string(r.Detail),
	} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(f)))
		h.Write(n[:])
		h.Write([]byte(f))
	}
	return h.Sum(nil)
}

// A BrokenError says where a chain does not hold.
type BrokenError struct {
	Workspace uuid.UUID
	Seq       int64
	What      string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("audit of workspace %s, record %d: %s", e.Workspace, e.Seq, e.What)
}

const (
	chainSQL = `
		select seq, at, actor, action, target, detail, hash from audit
		where workspace_id = $1 order by seq`
	endSQL = `select seq, hash from audit_head where workspace_id = $1`
)

// Verify walks the whole chain of a workspace and returns its length. A
// *BrokenError names the first record that does not fit.
func Verify(ctx context.Context, db *postgres.DB, workspace uuid.UUID) (int64, error) {
	var seq int64
	err := db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		// Both reads must see one moment, or a record written in between looks torn.
		if _, err := tx.Exec(ctx, "set transaction isolation level repeatable read"); err != nil {
			return err
		}
		first := sha256.Sum256(workspace[:])
		hash := first[:]
		rows, err := tx.Query(ctx, chainSQL, workspace)
		if err != nil {
			return err
		}
		var r Record
		_, err = pgx.ForEachRow(rows, []any{&r.Seq, &r.At, &r.Actor, &r.Action, &r.Target, &r.Detail, &r.Hash}, func() error {
			seq++
			if r.Seq != seq {
				return &BrokenError{workspace, seq, fmt.Sprintf("is missing; the next is %d", r.Seq)}
			}
			hash = link(hash, r)
			if string(hash) != string(r.Hash) {
				return &BrokenError{workspace, seq, "was altered, or the one before it"}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return verifyEnd(ctx, tx, workspace, seq, hash)
	})
	if err != nil {
		return seq, fmt.Errorf("verify: %w", err)
	}
	return seq, nil
}

func verifyEnd(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, seq int64, hash []byte) error {
	var headSeq int64
	var headHash []byte
	err := tx.QueryRow(ctx, endSQL, workspace).Scan(&headSeq, &headHash)
	if errors.Is(err, pgx.ErrNoRows) {
		return &BrokenError{workspace, seq, "has no head"}
	}
	if err != nil {
		return err
	}
	if headSeq != seq || string(headHash) != string(hash) {
		return &BrokenError{workspace, seq, fmt.Sprintf("is the last found, but the head is %d: records were cut off", headSeq)}
	}
	return nil
}
