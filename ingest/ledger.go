package ingest

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Ledger accounts for every mail of a workspace. It balances when
//
//	Accepted = Stored = Filed + Held + Duplicate + Failed + the waiting ones
type Ledger struct {
	Accepted      int64 // promised, by the account that each commit wrote
	AcceptedBytes int64
	Stored        int64 // message rows
	Filed         int64
	Held          int64
	Duplicate     int64
	Failed        int64
	Waiting       map[Stage]int64
	Tickets       int64 // with at least one message to be seen
}

// Balances reports whether nothing is missing and nothing is too much.
func (l Ledger) Balances() bool {
	sum := l.Filed + l.Held + l.Duplicate + l.Failed
	for _, n := range l.Waiting {
		sum += n
	}
	return l.Accepted == l.Stored && l.Stored == sum
}

const (
	stagesSQL   = `select stage, count(*) from message where workspace_id = $1 group by stage`
	acceptedSQL = `select coalesce(sum(messages), 0), coalesce(sum(bytes), 0)::bigint from acceptance where workspace_id = $1`
	ticketsSQL  = `select count(*) from ticket where workspace_id = $1 and messages > 0`
)

// Ledger adds up a workspace's account, at one moment.
func (p *Pipeline) Ledger(ctx context.Context, workspace uuid.UUID) (Ledger, error) {
	var l Ledger
	err := p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		l, err = readLedger(ctx, tx, workspace)
		return err
	})
	if err != nil {
		return Ledger{}, fmt.Errorf("ledger of workspace %s: %w", workspace, err)
	}
	return l, nil
}

func readLedger(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) (Ledger, error) {
	l := Ledger{Waiting: map[Stage]int64{Received: 0, Parsed: 0, Scored: 0}}
	// Mail goes on moving: all counts must be of one snapshot.
	if _, err := tx.Exec(ctx, "set transaction isolation level repeatable read"); err != nil {
		return l, err
	}
	rows, err := tx.Query(ctx, stagesSQL, workspace)
	if err != nil {
		return l, err
	}
	var stage Stage
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&stage, &n}, func() error {
		l.Stored += n
		switch stage {
		case Filed:
			l.Filed = n
		case Held:
			l.Held = n
		case Duplicate:
			l.Duplicate = n
		case Failed:
			l.Failed = n
		default:
			l.Waiting[stage] = n
		}
		return nil
	}); err != nil {
		return l, err
	}
	if err := tx.QueryRow(ctx, acceptedSQL, workspace).Scan(&l.Accepted, &l.AcceptedBytes); err != nil {
		return l, err
	}
	return l, tx.QueryRow(ctx, ticketsSQL, workspace).Scan(&l.Tickets)
}

const sessionSQL = `
	select stage, count(*) from message
	where workspace_id = $1 and id >= $2 and envelope ->> 'session' = $3 group by stage`

// Session counts the messages of a door's session by stage; they were accepted at
// or after since, by this machine's clock.
func (p *Pipeline) Session(ctx context.Context, workspace uuid.UUID, session string, since time.Time) (map[Stage]int64, error) {
	counts := map[Stage]int64{}
	err := p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sessionSQL, workspace, firstID(since), session)
		if err != nil {
			return err
		}
		var stage Stage
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&stage, &n}, func() error {
			counts[stage] = n
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", session, err)
	}
	return counts, nil
}

// firstID is the least message id that can have been made at t: a UUIDv7 begins
// with its time in milliseconds (RFC 9562 §5.7).
func firstID(t time.Time) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(max(0, t.UnixMilli()))<<16)
	return id
}

// Refused is how many offers a door turned away for a cause.
type Refused struct {
	Door  string `db:"door"`
	Cause string `db:"cause"`
	Count int64  `db:"count"`
}

const refusedSQL = `
	select door, cause, sum(count)::bigint as count from refusal where at >= $1 group by door, cause order by door, cause`

// Refusals adds up what the installation has turned away since then. It belongs
// to no workspace: most of it was for addresses that nobody has.
func (p *Pipeline) Refusals(ctx context.Context, since time.Time) ([]Refused, error) {
	rows, err := p.db.Query(ctx, refusedSQL, since)
	if err != nil {
		return nil, fmt.Errorf("refusals: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Refused])
}
