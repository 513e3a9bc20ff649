package ingest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/ingest/mail"
	"postroom/internal/postgres"
	"postroom/tickets/audit"
)

const failSQL = `
	update message m set stage = e.stage, due_at = now() + e.wait, cause = e.cause, reason = e.reason,
		failures = m.failures + 1, trail = m.trail || e.trail::jsonb,
		done_at = case when e.stage = 'failed' then now() end
	from unnest($2::uuid[], $3::int[], $4::text[], $5::interval[], $6::text[], $7::text[], $8::text[])
		as e (id, attempt, stage, wait, cause, reason, trail)
	cross join lateral (
		select x.ctid, x.attempt, x.stage from message x where x.workspace_id = $1 and x.id = e.id offset 0 for no key update) l
	where m.ctid = l.ctid and l.attempt = e.attempt and l.stage in ('received', 'parsed', 'scored')
	returning m.id`

// recordFailures writes failed attempts and nothing else: above all nothing that
// the mail says, which may be what the database refused.
func (p *Pipeline) recordFailures(ctx context.Context, workspace uuid.UUID, group []*job) error {
	ids, attempts := fences(group)
	var stages, causes, reasons, trails []string
	var waits []time.Duration
	for _, j := range group {
		trail, err := json.Marshal(j.steps[len(j.steps)-1:])
		if err != nil {
			return err
		}
		stages, causes = append(stages, string(j.decided.stage)), append(causes, string(j.decided.cause))
		reasons, trails = append(reasons, j.decided.reason), append(trails, mail.Clean(string(trail)))
		waits = append(waits, p.limits.backoff(j.failures))
	}
	return p.db.InConvoy(ctx, workspace, func(c *postgres.Convoy) error {
		chain := audit.Follow(c.Batch, workspace)
		ours := map[uuid.UUID]bool{} // the others belong to someone else by now
		c.Batch.Queue(failSQL, workspace, ids, attempts, stages, waits, causes, reasons, trails).Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				ours[id] = true
				return nil
			})
			return err
		})
		if err := c.Send(ctx); err != nil {
			return err
		}
		for _, j := range group {
			j.end = ending{}
			if !ours[j.id] {
				continue
			}
			j.end = j.decided
			if err := j.audit(chain); err != nil {
				return err
			}
		}
		chain.Queue(c.Batch)
		return nil
	})
}
