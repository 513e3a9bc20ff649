package ingest

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"postroom/ingest/mail"
	"postroom/internal/postgres"
	"postroom/tickets/audit"
)

const failSQL = `
	with written as (update message m set stage = e.stage, attempt = e.attempt, cause = e.cause, reason = e.reason, trail = m.trail || e.trail::jsonb,
		done_at = case when e.stage = 'failed' then now() end
	from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[])
		as e (id, attempt, stage, cause, reason, trail)
	cross join lateral (select x.ctid from message x where x.workspace_id = $1 and x.id = e.id offset 0) l
	where m.ctid = l.ctid returning 1)
	select all_rows(count(*), cardinality($2)) from written`

// recordFailures writes failed attempts and nothing else: above all nothing that
// the mail says, which may be what the database refused.
func (p *Pipeline) recordFailures(ctx context.Context, workspace uuid.UUID, group []*job) error {
	return p.db.InConvoy(ctx, workspace, func(c *postgres.Convoy) error {
		chain := audit.Follow(c.Batch, workspace)
		var ours []*job
		queueTake(c.Batch, workspace, group, func(j *job) { ours = append(ours, j) })
		if err := c.Send(ctx); err != nil {
			return err
		}
		ids, attempts := fences(ours)
		var stages, causes, reasons, trails []string
		var waiting []*job
		for _, j := range ours {
			j.end = j.decided
			if !j.end.stage.Final() {
				waiting = append(waiting, j)
			}
			trail, err := json.Marshal(j.steps[len(j.steps)-1:])
			if err != nil {
				return err
			}
			if err := j.audit(chain); err != nil {
				return err
			}
			stages, causes = append(stages, string(j.end.stage)), append(causes, string(j.end.cause))
			reasons, trails = append(reasons, j.end.reason), append(trails, mail.Clean(string(trail)))
		}
		c.Batch.Queue(failSQL, workspace, ids, attempts, stages, causes, reasons, trails)
		queueJobs(c.Batch, p.limits, workspace, waiting)
		chain.Queue(c.Batch)
		return nil
	})
}
