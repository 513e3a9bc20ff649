package ingest

import (
	"context"
	"time"
)

const (
	rushPause = 25 * time.Millisecond // how long a rush lasts beyond its last sign: a large commit takes as long
	rushLook  = 2 * time.Millisecond  // between two looks of a worker whether it is over
)

// A rush is mail that comes in faster than it can be carried on. Its senders wait
// for their answers, and nobody yet for tickets: so it is taken in first, and filed
// a moment later in larger batches, which cost less.
type rush struct {
	size  int // offers in two commits running: senders in step fill every other one
	last  int // offers in the commit before
	until time.Time
}

// saw tells how many offers a writer found waiting.
func (r *rush) saw(offers int) {
	if r.last+offers >= r.size {
		r.until = time.Now().Add(rushPause)
	}
	r.last = offers
}

// rushing reports whether a rush goes on.
func (c *commits) rushing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.rush.until)
}

// giveWay lets a rush pass before first is carried on, unless that has waited long
// enough or memory fills up: what does not fit is read back later.
func (p *Pipeline) giveWay(ctx context.Context, first *job) {
	start := time.Now()
	defer func() { p.metrics.gaveWay.Add(time.Since(start).Seconds()) }()
	for p.commits.rushing() && p.kept.roomy() && p.keptJobs.roomy() &&
		time.Since(first.receivedAt) < p.limits.RushWait && time.Since(start) < p.limits.RushWait { // somebody may set the clock back
		select {
		case <-ctx.Done():
			return
		case <-time.After(rushLook):
		}
	}
}
