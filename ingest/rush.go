package ingest

import (
	"context"
	"time"
)

const (
	rushSigns = 3                     // of a rush, more than are missing: what waited for one slow commit shows two
	rushPause = 25 * time.Millisecond // how long a rush lasts beyond its last sign: a large commit takes as long
	rushRest  = time.Second           // without a sign, before another rush is given way to
	rushLook  = 2 * time.Millisecond  // between two looks of a worker whether it is over
)

// A rush is mail that comes in faster than it can be carried on. Its senders wait
// for their answers, and nobody yet for tickets: so it is taken in first, and filed
// a moment later in larger batches, which cost less. One that lasts is given way to
// once only, for what comes in for long has to be carried on meanwhile.
type rush struct {
	size  int           // offers in two commits running that are a sign of it, for senders in step fill every other one; 0: there is none
	most  time.Duration // that one is given way to
	last  int           // offers in the commit before
	signs int           // of late, less those that were missing; at most twice rushSigns
	began time.Time
	seen  time.Time // last
}

func newRush(l Limits) rush { return rush{size: l.Rush, most: min(l.RushWait, l.Lease/2)} }

// saw tells how many offers a writer found waiting.
func (r *rush) saw(offers int) {
	if r.size > 0 && r.last+offers >= r.size {
		r.signs = min(r.signs+1, 2*rushSigns)
	} else {
		r.signs = max(r.signs-1, 0)
	}
	if r.last = offers; r.signs < rushSigns {
		return
	}
	now := time.Now()
	if now.Sub(r.seen) > rushRest {
		r.began = now
	}
	r.seen = now
}

// rushing reports whether there is a rush to be given way to.
func (c *commits) rushing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.rush.seen) < rushPause && time.Since(c.rush.began) < c.rush.most
}

// giveWay lets a rush pass, unless memory fills up: what does not fit there has to
// be read back later.
func (p *Pipeline) giveWay(ctx context.Context) {
	start := time.Now()
	for p.commits.rushing() && p.kept.roomy() && p.keptJobs.roomy() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(rushLook):
		}
		p.metrics.gaveWay.Add(time.Since(start).Seconds())
		start = time.Now()
	}
}
