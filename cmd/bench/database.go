package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// What is measured is read from the database itself, as its administrator: a look
// through the API would count all messages and cost more than what it measures.
const (
	queueEmptySQL = `select not exists (select from job)`
	indexedSQL    = `select not exists (select from search_due)`
	logSQL        = `select pg_current_wal_insert_lsn() - '0/0'::pg_lsn`
	endsSQL       = `select stage, count(*) from message where workspace_id = $1 group by stage`
	latencySQL    = `
		select percentile_cont(array[0.5, 0.99, 1.0]) within group (order by extract(epoch from done_at - received_at))
		from message where workspace_id = $1 and stage = 'filed'`
)

// drained reports whether no message waits in any stage.
func (p *postroom) drained(ctx context.Context) (bool, error) { return p.holds(ctx, queueEmptySQL) }

// indexed reports whether all that was filed can be searched.
func (p *postroom) indexed(ctx context.Context) (bool, error) { return p.holds(ctx, indexedSQL) }

func (p *postroom) holds(ctx context.Context, sql string) (ok bool, err error) {
	err = p.db.QueryRow(ctx, sql).Scan(&ok)
	return ok, err
}

// wal returns how many bytes the database has ever written to its log.
func (p *postroom) wal(ctx context.Context) (int64, error) {
	var n pgtype.Numeric
	if err := p.db.QueryRow(ctx, logSQL).Scan(&n); err != nil {
		return 0, err
	}
	v, err := n.Int64Value()
	return v.Int64, err
}

// Each time a file of the log is used up.
const usedUpSQL = `
	do $$ begin
		for i in 1..(select pg_size_bytes(current_setting('min_wal_size')) / pg_size_bytes(current_setting('wal_segment_size')) - count(*) from pg_ls_waldir()) loop
			perform pg_logical_emit_message(false, 'bench', '');
			perform pg_switch_wal();
		end loop;
	end $$`

// settle brings the log of a new database to where that of one in use is: its files
// are there, and are taken up again.
func (p *postroom) settle(ctx context.Context) error {
	for _, sql := range []string{usedUpSQL, "checkpoint"} {
		if _, err := p.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the log: %w", err)
		}
	}
	return nil
}

// ends returns how many messages of a workspace are in each stage.
func (p *postroom) ends(ctx context.Context, workspace string) (map[string]int, error) {
	rows, err := p.db.Query(ctx, endsSQL, workspace)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ends := map[string]int{}
	for rows.Next() {
		var stage string
		var n int
		if err := rows.Scan(&stage, &n); err != nil {
			return nil, err
		}
		ends[stage] = n
	}
	return ends, rows.Err()
}

// latency returns p50, p99 and the worst of received → done of a workspace's
// filed messages.
func (p *postroom) latency(ctx context.Context, workspace string) ([3]time.Duration, error) {
	var out [3]time.Duration
	var seconds []float64
	if err := p.db.QueryRow(ctx, latencySQL, workspace).Scan(&seconds); err != nil {
		return out, err
	}
	if len(seconds) != len(out) {
		return out, fmt.Errorf("workspace %s has no filed messages", workspace)
	}
	for i, s := range seconds {
		out[i] = time.Duration(s * float64(time.Second))
	}
	return out, nil
}

// until asks every few milliseconds until the answer is yes.
func until(ctx context.Context, what string, ask func(context.Context) (bool, error)) error {
	for end := time.Now().Add(idleWithin); ; {
		ok, err := ask(ctx)
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not after %s", what, idleWithin)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// rest waits until the server has nothing left to do.
func (p *postroom) rest(ctx context.Context) error {
	if err := until(ctx, "queue empty", p.drained); err != nil {
		return err
	}
	return until(ctx, "all indexed", p.indexed)
}
