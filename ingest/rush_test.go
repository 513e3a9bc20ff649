package ingest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestRush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 4 * rushPause
		c := newCommits(Limits{CommitRows: 100, CommitBytes: 1 << 20, Rush: 12, RushWait: most, Lease: time.Minute})
		saw := func(commits ...int) bool {
			for _, offers := range commits {
				c.waiting = make([]*pending, offers)
				for i := range offers {
					c.waiting[i] = &pending{}
				}
				if n := len(c.take()); n != offers {
					t.Fatalf("%d of %d offers were taken", n, offers)
				}
			}
			return c.rushing()
		}
		if saw(1, 3, 8, 3, 8, 1) {
			t.Error("commits of which two never take up twelve are a rush")
		}
		if saw(40, 5, 1, 1) {
			t.Error("mail that waited for one slow commit is a rush")
		}
		if !saw(40, 2, 1, 40, 1, 40) {
			t.Error("many in every other commit are no rush: senders go in step")
		}
		if time.Sleep(rushPause); c.rushing() {
			t.Error("a rush does not end with its signs")
		}
		time.Sleep(rushRest + time.Millisecond)
		for begun := time.Now(); time.Since(begun) < most; time.Sleep(rushPause - time.Millisecond) {
			if !saw(40) {
				t.Fatalf("a rush is over after %v, while mail comes in", time.Since(begun))
			}
		}
		for range 1000 {
			if time.Sleep(rushPause / 2); saw(40) {
				t.Fatal("a rush that lasts is given way to again")
			}
		}
		if time.Sleep(rushRest + time.Millisecond); !saw(40) {
			t.Error("the next rush is not given way to")
		}
	})
}

func TestNoRush(t *testing.T) {
	t.Parallel()
	c := newCommits(Limits{RushWait: time.Minute, Lease: time.Hour})
	for range 10 {
		if c.rush.saw(100); c.rushing() {
			t.Fatal("there is a rush although the limits know of none")
		}
	}
}

// A worker gives way to a rush until it is over, it has lasted long enough, memory
// fills up, or the worker is to stop.
func TestGiveWay(t *testing.T) {
	t.Parallel()
	const most = 10 * rushPause
	for name, c := range map[string]struct {
		signs       int   // one after each half of rushPause
		kept        int64 // of four octets
		jobs        int64 // of four
		stop        bool
		least, most time.Duration // that the worker waits
	}{
		"no rush":              {most: 0},
		"until it is over":     {signs: 3, least: 2 * rushPause, most: 2*rushPause + rushLook},
		"not for ever":         {signs: 100, least: most, most: most + rushLook},
		"memory fills up":      {signs: 100, kept: 3, most: 0},
		"many are kept":        {signs: 100, jobs: 3, most: 0},
		"there is room enough": {signs: 3, kept: 2, jobs: 2, least: 2 * rushPause, most: 2*rushPause + rushLook},
		"it is to stop":        {signs: 100, stop: true, most: rushLook},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &Pipeline{
					metrics: NewMetrics(nil), commits: newCommits(Limits{Rush: 1, RushWait: most, Lease: time.Minute}),
					kept: gauge{max: 4}, keptJobs: gauge{max: 4},
				}
				p.kept.take(c.kept)
				p.keptJobs.take(c.jobs)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.stop {
					cancel()
				}
				sign := func() {
					p.commits.mu.Lock()
					defer p.commits.mu.Unlock()
					for range rushSigns {
						p.commits.rush.saw(1)
					}
				}
				if c.signs > 0 {
					sign()
				}
				go func() {
					for range c.signs - 1 {
						select {
						case <-t.Context().Done():
							return
						case <-time.After(rushPause / 2):
							sign()
						}
					}
				}()
				start := time.Now()
				p.giveWay(ctx)
				if took := time.Since(start); took < c.least || took > c.most {
					t.Errorf("gave way for %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}
