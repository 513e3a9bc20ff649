package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"postroom/internal/postgres"
)

const (
	finishWithin = 30 * time.Second // bounds one filing transaction
	lockedPause  = time.Second      // before a workspace is tried again whose chain somebody held too long
)

// A panicError is a panic that ended one attempt and not the process.
type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// guarded runs fn and returns its panic as an error.
func guarded(ctx context.Context, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			slog.ErrorContext(ctx, "panic in filing", "panic", r, "stack", string(debug.Stack()))
			err = panicError{r}
		}
	}()
	return fn()
}

// fileInTurn files what was read of one workspace, and what others leave
// meanwhile. What cannot be filed while somebody holds the workspace is given back,
// so that no worker stands still for one workspace while others have mail.
func (p *Pipeline) fileInTurn(ctx context.Context, workspace uuid.UUID, group []*job) {
	if !p.turns.leave(workspace, group) {
		return
	}
	free := true
	for batch := p.turns.next(workspace, p.limits.Batch); batch != nil; batch = p.turns.next(workspace, p.limits.Batch) {
		if free = free && p.finish(ctx, workspace, batch); !free {
			p.giveBack(ctx, workspace, batch)
		}
		for _, j := range batch {
			if free {
				p.offerIndex(j)
			}
			p.drop(j)
		}
	}
}

// finish writes where the messages of one workspace end. When the batch as a
// whole cannot be written, each is tried alone, so that one stops nobody. It
// reports false, and has done nothing, when somebody holds the workspace.
func (p *Pipeline) finish(ctx context.Context, workspace uuid.UUID, group []*job) bool {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Lease)
	defer cancel()
	start := time.Now()
	err := p.fileBatch(ctx, workspace, group)
	for try := 0; err != nil && p.again(ctx, err, try); try++ {
		err = p.fileBatch(ctx, workspace, group)
	}
	if err == nil {
		p.metrics.stage("file", time.Since(start))
		p.filedNow(group)
		p.learnJunk(ctx, workspace, group)
		return true
	}
	slog.WarnContext(ctx, "a batch could not be filed", "workspace", workspace, "messages", len(group), "err", err)
	if postgres.Locked(err) {
		return false
	}
	if len(group) > 1 && refused(err) {
		free := true
		for _, j := range group {
			if free = free && p.finish(ctx, workspace, []*job{j}); !free {
				p.giveBack(ctx, workspace, []*job{j})
			}
		}
		return true
	}
	for _, j := range group {
		p.failed(j, err)
	}
	if err := guarded(ctx, func() error { return p.recordFailures(ctx, workspace, group) }); err != nil {
		// Not even that could be written: the leases run out and others try.
		slog.ErrorContext(ctx, "failures could not be recorded", "workspace", workspace, "messages", len(group), "err", err)
	}
	return true
}

// refused reports whether a batch fails again however often it is tried.
func refused(err error) bool {
	var pe panicError
	return postgres.Refused(err) || errors.As(err, &pe)
}

// again reports whether a batch that could not be written is to be tried at once
// again, after a pause: the database is away, or two transactions collided.
// Meanwhile the messages stay ours; given back they would wait out their lease.
func (p *Pipeline) again(ctx context.Context, err error, try int) bool {
	if refused(err) || postgres.Locked(err) || p.commits.closing() {
		return false
	}
	if try >= 5 && p.db.Ping(ctx) == nil {
		return false // the database is there: it is something else
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(min(time.Second, 20*time.Millisecond<<min(try, 6))):
		return true
	}
}

// giveBack has messages claimed again after a pause. When not even that can be
// written, their leases run out.
func (p *Pipeline) giveBack(ctx context.Context, workspace uuid.UUID, group []*job) {
	for _, j := range group {
		j.end = ending{} // that was not reached
	}
	if err := p.release(ctx, group, lockedPause); err != nil {
		slog.WarnContext(ctx, "messages could not be given back; their leases run out by themselves", "workspace", workspace, "messages", len(group), "err", err)
	}
}

func (p *Pipeline) filedNow(group []*job) {
	for _, j := range group {
		if j.end.stage == "" {
			continue // somebody else had it
		}
		p.metrics.ended.WithLabelValues(string(j.end.stage)).Inc()
		if j.end.stage == Filed {
			p.filed.Add(1)
			p.metrics.toTicket.Observe(time.Since(j.receivedAt).Seconds())
		}
	}
}
