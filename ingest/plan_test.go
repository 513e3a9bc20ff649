package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

// TestQueuesByKey: what is taken from a queue is looked up, however long the queue
// is and whatever the planner believes of it. It believes the worst of one that
// was empty when its statistics were taken.
func TestQueuesByKey(t *testing.T) {
	t.Parallel()
	const waiting, taken = 3000, 100
	cfg := pgtest.Database(t)
	workspace := uuid.New()
	ids := longQueue(t, cfg, workspace, waiting)[:taken]
	db, err := postgres.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	list := "'{" + strings.Join(ids, ",") + "}'"
	ones := "'{" + strings.Repeat("1,", taken-1) + "1}'"
	for name, c := range map[string]struct{ sql, types, args string }{
		"release": {releaseSQL, "uuid, uuid[], int[], interval", fmt.Sprintf("'%s', %s, %s, '1 s'", workspace, list, ones)},
		"take":    {takeSQL, "uuid, uuid[], int[]", fmt.Sprintf("'%s', %s, %s", workspace, list, ones)},
		"search":  {searchTakeSQL, "uuid, int", fmt.Sprintf("'%s', %d", workspace, taken)},
	} {
		var plan []byte
		err := db.InConvoy(t.Context(), workspace, func(convoy *postgres.Convoy) error {
			convoy.Batch.Queue("prepare " + name + " (" + c.types + ") as " + c.sql)
			if err := convoy.Send(t.Context()); err != nil {
				return err
			}
			convoy.Batch.Queue("explain (analyze, format json) execute " + name + " (" + c.args + ")").QueryRow(func(r pgx.Row) error { return r.Scan(&plan) })
			return convoy.Send(t.Context())
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var explained []struct{ Plan planNode }
		if err := json.Unmarshal(plan, &explained); err != nil {
			t.Fatal(err)
		}
		if n := explained[0].Plan.discarded(); n > taken {
			t.Errorf("%s read and threw away %.0f rows to reach %d of %d:\n%s", name, n, taken, waiting, plan)
		}
	}
}

// longQueue makes a workspace with messages that wait, in a queue that looks empty
// to the planner, and returns their ids.
func longQueue(t *testing.T, cfg postgres.Config, workspace uuid.UUID, waiting int) []string {
	t.Helper()
	owner, err := pgx.Connect(t.Context(), cfg.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`select set_config('postroom.workspace', $1, false)`, []any{workspace.String()}},
		{`analyze job, search_due, message`, nil},
		{`insert into workspace (workspace_id, name) values ($1, 'w')`, []any{workspace}},
		{`insert into mailbox (workspace_id, id, address, name) values ($1, $1, 'a@b.test', 'm')`, []any{workspace}},
		{`insert into message (workspace_id, id, mailbox_id, source_key, received_at, envelope, size, raw_hash, content_hash, stage, attempt)
			select $1, gen_random_uuid(), $1, i::text, now(), '{}', 1, sha256(i::text::bytea), sha256(i::text::bytea), 'received', 1
			from generate_series(1, $2::int) i`, []any{workspace, waiting}},
		{`insert into job (workspace_id, message_id, stage, received_at, due_at, attempt) select workspace_id, id, stage, received_at, now(), 1 from message`, nil},
		{`insert into search_due (workspace_id, message_id) select workspace_id, id from message`, nil},
	} {
		if _, err := owner.Exec(t.Context(), step.sql, step.args...); err != nil {
			t.Fatalf("%s: %v", step.sql, err)
		}
	}
	rows, err := owner.Query(t.Context(), `select id::text from message order by id`)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// A planNode is a step of an executed plan, as EXPLAIN tells it.
type planNode struct {
	Loops   float64 `json:"Actual Loops"`
	Filter  float64 `json:"Rows Removed by Filter"`
	Join    float64 `json:"Rows Removed by Join Filter"`
	Recheck float64 `json:"Rows Removed by Index Recheck"`
	Plans   []planNode
}

// discarded is how many rows were read in vain.
func (n planNode) discarded() float64 {
	sum := n.Loops * (n.Filter + n.Join + n.Recheck)
	for _, p := range n.Plans {
		sum += p.discarded()
	}
	return sum
}
