package ingest

import (
	"context"
	"time"
)

const (
	rushSigns = 3                     // of a rush, one after the other: mail that waited for a slow commit shows two
	rushPause = 25 * time.Millisecond // how long a rush lasts beyond its last sign: a large commit takes as long
	rushLook  = 2 * time.Millisecond  // between two looks of a worker whether it is over
)

// A rush is mail that comes in faster than it can be carried on. Its senders wait
// for their answers, and nobody yet for tickets: so it is taken in first, and filed
// a moment later in larger batches, which cost less.
type rush struct {
	size  int // offers in two commits running that are a sign of it: senders in step fill every other one
	last  int // offers in the commit before
	signs int // without one missing
	until time.Time
}

// saw tells how many offers a writer found waiting.
func (r *rush) saw(offers int) {
	r.signs++
	if r.last+offers < r.size {
		r.signs = 0
	}
	if r.last = offers; r.signs >= rushSigns {
		r.until = time.Now().Add(rushPause)
	}
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
