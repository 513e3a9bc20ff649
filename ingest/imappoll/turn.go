package imappoll

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// turns bound the connections that are being made at once. One host gets half of
// them at most: a provider that does not answer keeps only its own mailboxes
// waiting, however many lie there.
type turns struct {
	all *semaphore.Weighted
	max int64

	mu    sync.Mutex
	hosts map[string]*semaphore.Weighted // as many as were ever polled
}

func newTurns(n int) *turns {
	return &turns{all: semaphore.NewWeighted(int64(n)), max: max(1, int64(n)/2), hosts: map[string]*semaphore.Weighted{}}
}

// turnWithin is how long a mailbox waits for its turn before it says that it does.
const turnWithin = 5 * time.Minute

var errNoTurn = errors.New("too many connections are being made to its server, which answers slowly; it is tried again")

// take waits for a turn to connect to a host; done gives it back.
func (t *turns) take(ctx context.Context, host string) (done func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnWithin, errNoTurn)
	defer cancel()
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
