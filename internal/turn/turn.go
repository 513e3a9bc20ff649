// Package turn bounds what is asked of others at once, and lets nobody who does not
// answer keep the rest waiting.
package turn

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Turns bound the calls that are under way. Those to one host are half of them at
// most: a provider that does not answer keeps only its own mailboxes waiting,
// however many lie there.
type Turns struct {
	all *semaphore.Weighted
	max int64

	mu    sync.Mutex
	hosts map[string]*semaphore.Weighted // as many as were ever called
}

// New returns turns for n calls at once.
func New(n int) *Turns {
	return &Turns{all: semaphore.NewWeighted(int64(n)), max: max(1, int64(n)/2), hosts: map[string]*semaphore.Weighted{}}
}

// Take waits for a turn to call a host; done gives it back. When ctx ends first,
// the error is its cause.
func (t *Turns) Take(ctx context.Context, host string) (done func(), err error) {
	t.mu.Lock()
	own := t.hosts[host]
	if own == nil {
		own = semaphore.NewWeighted(t.max)
		t.hosts[host] = own
	}
	t.mu.Unlock()
	if err := own.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := t.all.Acquire(ctx, 1); err != nil {
		own.Release(1)
		return nil, context.Cause(ctx)
	}
	return func() {
		t.all.Release(1)
		own.Release(1)
	}, nil
}
