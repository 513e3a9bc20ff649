package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// refusals counts what was offered and not taken, until it is written.
type refusals struct {
	mu     sync.Mutex
	counts map[refusal]int64
}

type refusal struct{ door, cause string }

// Refuse counts an offer that a door turned away. Its sender still has the mail.
func (p *Pipeline) Refuse(door, cause string) {
	p.metrics.refused.WithLabelValues(door, cause).Inc()
	p.refusals.mu.Lock()
	defer p.refusals.mu.Unlock()
	if p.refusals.counts == nil {
		p.refusals.counts = map[refusal]int64{}
	}
	p.refusals.counts[refusal{door, cause}]++
}

// flushRefusals writes the counts every few seconds and once at the end. What a
// kill takes with it was never ours.
func (p *Pipeline) flushRefusals(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.writeRefusals(context.WithoutCancel(ctx))
			return nil
		case <-tick.C:
			p.writeRefusals(ctx)
		}
	}
}

const refusalSQL = `
	insert into refusal (at, door, cause, count)
	select date_trunc('minute', now()), * from unnest($1::text[], $2::text[], $3::bigint[])
	on conflict (at, door, cause) do update set count = refusal.count + excluded.count`

func (p *Pipeline) writeRefusals(ctx context.Context) {
	p.refusals.mu.Lock()
	counts := p.refusals.counts
	p.refusals.counts = nil
	p.refusals.mu.Unlock()
	if len(counts) == 0 {
		return
	}
	var doors, causes []string
	var n []int64
	for r, c := range counts {
		doors, causes, n = append(doors, r.door), append(causes, r.cause), append(n, c)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := p.db.Exec(ctx, refusalSQL, doors, causes, n); err != nil {
		slog.WarnContext(ctx, "refusals could not be counted; trying again", "err", err)
		p.refusals.mu.Lock()
		defer p.refusals.mu.Unlock()
		if p.refusals.counts == nil {
			p.refusals.counts = map[refusal]int64{}
		}
		for r, c := range counts {
			p.refusals.counts[r] += c
		}
	}
}
