package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
)

// work carries batch after batch to its end, until ctx ends. It does not begin before
// it is known which stages rest.
func (p *Pipeline) work(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.pressure.looked:
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-p.jobs:
			p.taken(j)
			p.giveWay(ctx)
			p.carry(ctx, p.gather(j))
		}
	}
}

// gather returns first and what else waits, up to a batch. It never waits.
func (p *Pipeline) gather(first *job) []*job {
	batch, bytes := []*job{first}, first.size
	for len(batch) < p.limits.Batch && bytes < p.limits.BatchBytes {
		select {
		case j := <-p.jobs:
			p.taken(j)
			batch = append(batch, j)
			bytes += j.size
			continue
		default:
		}
		break
	}
	return batch
}

// taken accounts for a job that left the channel.
func (p *Pipeline) taken(j *job) {
	if !j.kept {
		p.claimed.Add(-1)
	}
}

// carry takes a batch through every stage that is not paused and has it written
// where each message ends, workspace by workspace.
func (p *Pipeline) carry(ctx context.Context, batch []*job) {
	ctx = context.WithoutCancel(ctx) // what is in hand is finished even when we are to stop
	for workspace, group := range byWorkspace(batch) {
		p.read(ctx, workspace, group)
		p.fileInTurn(ctx, workspace, group)
	}
}

// read takes the messages of one workspace to where they can be filed, within the
// time for which they are ours.
func (p *Pipeline) read(ctx context.Context, workspace uuid.UUID, group []*job) {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Lease)
	defer cancel()
	p.readBack(ctx, workspace, group)
	for _, j := range group {
		p.advance(ctx, j)
	}
}

// readBack fetches the raw bytes of claimed messages. Those of one piece come in
// one query; larger ones one at a time. A message whose bytes cannot be read
// stays without them: advance makes that its failure.
func (p *Pipeline) readBack(ctx context.Context, workspace uuid.UUID, group []*job) {
	sizes := map[[32]byte]int64{}
	for _, j := range group {
		if j.raw == nil && chunks(int(j.size)) == 1 {
			sizes[j.rawHash] = j.size
		}
	}
	if len(sizes) == 0 {
		return
	}
	found, err := p.raws.getSmall(ctx, workspace, sizes)
	if err != nil {
		slog.WarnContext(ctx, "raw mail could not be read back; trying one by one", "messages", len(sizes), "err", err)
		return
	}
	for _, j := range group {
		if j.raw == nil {
			j.raw = found[j.rawHash]
		}
	}
}

// advance takes one message from its stage as far as it goes before filing. Where
// it ends is in j.decided; a failure, a panic included, ends this attempt only.
func (p *Pipeline) advance(ctx context.Context, j *job) {
	defer func() {
		if r := recover(); r != nil {
			slog.ErrorContext(ctx, "panic on a message", "workspace", j.workspace, "message", j.id, "panic", r, "stack", string(debug.Stack()))
			p.failed(j, fmt.Errorf("panic: %v", r))
		}
	}()
	if j.tries > 2*p.limits.Attempts {
		// Nobody lived to record a failure: it may be what kills its workers.
		p.failed(j, Permanent(fmt.Errorf("%d attempts were begun and none came to an end", j.tries-1)))
		return
	}
	if j.raw == nil {
		raw, err := p.raws.get(ctx, j.workspace, j.rawHash[:], j.size)
		if err != nil {
			p.failed(j, err)
			return
		}
		j.raw = raw
	}
	for j.decided.stage == "" {
		if p.pressure.paused(j.stage) {
			j.decided = ending{stage: j.stage, reason: "the stage is paused"}
			return
		}
		next := p.step(j)
		if next == nil {
			return // filing decides
		}
		if err := next(ctx, j); err != nil {
			p.failed(j, err)
			return
		}
	}
}

// step returns what is to be done to a message before it can be filed, nil when
// nothing is.
func (p *Pipeline) step(j *job) func(context.Context, *job) error {
	switch j.stage {
	case Received:
		return p.parse
	case Parsed:
		if j.ours() {
			return p.unrated
		}
		return p.rate
	case Scored:
		switch {
		case j.judged == "" && j.worded.Verdict == "" && !j.ours():
			return p.rate // by another process, or before a failure: reason and ties are not in the row
		case j.mail == nil:
			return p.reread
		}
	}
	return nil
}

// note records a step in the message's passport.
func (j *job) note(step, outcome string, took time.Duration, detail map[string]any) {
	j.steps = append(j.steps, Step{Step: step, At: time.Now().UTC(), Micros: took.Microseconds(), Outcome: outcome, Detail: detail})
}

// failed ends this attempt: the message waits for the next one, longer each
// time, and after the last it is a dead letter.
func (p *Pipeline) failed(j *job, err error) {
	j.failures++
	j.decided = ending{stage: j.stage, cause: CauseRetry, reason: plain(err)}
	if j.failures >= p.limits.Attempts || isPermanent(err) {
		j.decided = ending{stage: Failed, cause: CauseError, reason: plain(err)}
	}
	j.note("fail", string(j.decided.stage), 0, map[string]any{"attempt": j.attempt, "error": j.decided.reason})
	p.metrics.failures.Inc()
}
