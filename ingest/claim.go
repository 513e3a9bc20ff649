package ingest

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
)

// queueChannel tells working processes that messages wait to be claimed.
const queueChannel = "postroom_queue"

// claim feeds the workers from the table: what other processes accepted, what
// could not be kept in memory, what is due again, and what a dead process left.
func (p *Pipeline) claim(ctx context.Context) error {
	tick := time.NewTicker(p.limits.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-p.wake:
		}
		for ctx.Err() == nil {
			n, err := p.claimOnce(ctx)
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "messages could not be claimed; trying again", "err", err)
			}
			if n == 0 {
				break
			}
		}
	}
}

const claimSQL = `
	select workspace_id, id, attempt, mailbox_id, source_key, received_at, envelope,
		size, raw_hash, content_hash, stage, verdict, score, judged, tries, failures
	from claim_messages($1, $2)`

// claimOnce claims what fits into the workers' channel and returns how many.
func (p *Pipeline) claimOnce(ctx context.Context) (int, error) {
	// A batch for each worker keeps them all busy. What is kept in memory does not
	// count: claimed and kept messages take turns in the channel.
	room := p.limits.Batch*p.limits.Workers - int(p.claimed.Load())
	if room <= 0 {
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		return 1, nil // look again
	}
	rows, err := p.db.Query(ctx, claimSQL, room, p.limits.Lease)
	if err != nil {
		return 0, err
	}
	var jobs []*job
	var c claimed
	if _, err = pgx.ForEachRow(rows, c.columns(), func() error {
		jobs = append(jobs, c.job())
		return nil
	}); err != nil {
		return 0, err
	}
	// Only now is the claim committed. Rows come before that, and a worker that was
	// as quick would not find its job.
	for _, j := range jobs {
		p.claimed.Add(1)
		p.jobs <- j // has room for as many as may be claimed
	}
	return len(jobs), nil
}

// claimed is the row that claim_messages returns.
type claimed struct {
	workspace, id, mailbox uuid.UUID
	attempt                int
	sourceKey              string
	receivedAt             time.Time
	envelope               Envelope
	size                   int64
	rawHash, contentHash   []byte
	stage                  Stage
	verdict                *string
	score                  *float64
	judged                 *string
	tries                  int
	failures               int
}

func (c *claimed) columns() []any {
	return []any{&c.workspace, &c.id, &c.attempt, &c.mailbox, &c.sourceKey, &c.receivedAt, &c.envelope,
		&c.size, &c.rawHash, &c.contentHash, &c.stage, &c.verdict, &c.score, &c.judged, &c.tries, &c.failures}
}

func (c *claimed) job() *job {
	j := &job{
		workspace: c.workspace, id: c.id, mailbox: c.mailbox, attempt: c.attempt, sourceKey: c.sourceKey,
		receivedAt: c.receivedAt, envelope: c.envelope, size: c.size, stage: c.stage,
		rawHash: [32]byte(c.rawHash), contentHash: [32]byte(c.contentHash), tries: c.tries, failures: c.failures,
	}
	if c.judged != nil {
		j.judged = classify.Verdict(*c.judged)
	}
	if c.verdict != nil && c.score != nil {
		j.score.Verdict, j.score.P = classify.Verdict(*c.verdict), *c.score
	}
	return j
}

// What was given back untried does not count as tried.
const releaseSQL = `
	update job j set due_at = now() + $4, attempt_base = attempt_base + 1
	where ` + heldBy

// release makes jobs due after a pause for whoever claims them.
func (p *Pipeline) release(ctx context.Context, jobs []*job, pause time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for workspace, group := range byWorkspace(jobs) {
		inOrder(group)
		ids, attempts := fences(group)
		err := p.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, releaseSQL, workspace, ids, attempts, pause)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts jobs by arrival. Whoever locks several takes them in this order.
func inOrder(jobs []*job) {
	slices.SortFunc(jobs, func(a, b *job) int { return bytes.Compare(a.id[:], b.id[:]) })
}

// fences returns the ids and attempts by which jobs are finished, which are in
// order. Of a message that is there twice, claimed anew while it was in hand, only
// the later attempt can hold.
func fences(jobs []*job) (ids []uuid.UUID, attempts []int32) {
	for _, j := range jobs {
		if n := len(ids); n > 0 && ids[n-1] == j.id {
			attempts[n-1] = max(attempts[n-1], int32(j.attempt))
			continue
		}
		ids, attempts = append(ids, j.id), append(attempts, int32(j.attempt))
	}
	return ids, attempts
}

func byWorkspace(jobs []*job) map[uuid.UUID][]*job {
	groups := map[uuid.UUID][]*job{}
	for _, j := range jobs {
		groups[j.workspace] = append(groups[j.workspace], j)
	}
	return groups
}

// ReleaseLeases makes every waiting message due now. It is for the start of the
// only process on a database: its dead predecessor's leases need not run out.
func (p *Pipeline) ReleaseLeases(ctx context.Context) (int64, error) {
	rows, err := p.db.Query(ctx, "select release_leases()")
	if err != nil {
		return 0, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
}
