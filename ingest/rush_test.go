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
		c := newCommits(Limits{Rush: 12})
		saw := func(commits ...int) bool {
			for _, offers := range commits {
				c.rush.saw(offers)
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
		time.Sleep(rushPause)
		if c.rushing() {
			t.Error("a rush never ends")
		}
	})
}

// A worker gives way to a rush until it is over, its own message has waited long
// enough, memory fills up, or it is to stop.
func TestGiveWay(t *testing.T) {
	t.Parallel()
	const most = 10 * rushPause
	for name, c := range map[string]struct {
		signs       int           // of a rush, one after each half of rushPause
		age         time.Duration // of the message
		kept        int64         // of four octets
		stop        bool
		least, most time.Duration // that the worker waits
	}{
		"no rush":               {most: 0},
		"until it is over":      {signs: 3, least: 2 * rushPause, most: 2*rushPause + rushLook},
		"not for ever":          {signs: 100, least: most, most: most + rushLook},
		"not the message's":     {signs: 100, age: most - rushPause, least: rushPause, most: rushPause + rushLook},
		"the clock was set":     {signs: 100, age: -time.Hour, least: most, most: most + rushLook},
		"memory fills up":       {signs: 100, kept: 3, most: 0},
		"there is memory":       {signs: 3, kept: 2, least: 2 * rushPause, most: 2*rushPause + rushLook},
		"it is to stop":         {signs: 100, stop: true, most: rushLook},
		"it has waited already": {signs: 100, age: time.Hour, most: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &Pipeline{
					limits: Limits{RushWait: most}, metrics: NewMetrics(nil), commits: newCommits(Limits{Rush: 1}),
					kept: gauge{max: 4}, keptJobs: gauge{max: 4},
				}
				p.kept.take(c.kept)
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
				p.giveWay(ctx, &job{receivedAt: start.Add(-c.age)})
				if took := time.Since(start); took < c.least || took > c.most {
					t.Errorf("gave way for %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}
