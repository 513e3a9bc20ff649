package ingest

import (
	"slices"
	"sync"

	"github.com/google/uuid"
)

// turns lets one worker at a time file the messages of a workspace. The audit
// chain's lock allows no more, so a worker that comes meanwhile leaves its
// messages with the one whose turn it is and goes on to read the next ones: under
// load filings grow by themselves, and nobody waits for a lock.
type turns struct {
	mu      sync.Mutex
	fewer   sync.Cond            // left messages were taken
	waiting map[uuid.UUID][]*job // of the workspaces whose turn somebody has
	most    int                  // messages that may be left with one turn
	bytes   int64                // and their bytes; what is read of a mail takes about as many again
}

func newTurns(most int, bytes int64) *turns {
	t := &turns{waiting: map[uuid.UUID][]*job{}, most: most, bytes: bytes}
	t.fewer.L = &t.mu
	return t
}

// leave hands messages over for filing and reports whether the caller has the
// turn, and so must file until next returns nothing. It waits while too many
// messages are left already.
func (t *turns) leave(workspace uuid.UUID, group []*job) (mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.full(workspace) {
		t.fewer.Wait()
	}
	left, taken := t.waiting[workspace]
	t.waiting[workspace] = append(left, group...)
	return !taken
}

func (t *turns) full(workspace uuid.UUID) bool {
	left := t.waiting[workspace]
	var bytes int64
	for _, j := range left {
		bytes += j.size
	}
	return len(left) >= t.most || bytes >= t.bytes
}

// next takes the messages to be filed next, oldest first, at most n. When none
// are left the turn ends.
func (t *turns) next(workspace uuid.UUID, n int) []*job {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.waiting[workspace]
	if len(left) == 0 {
		delete(t.waiting, workspace)
		return nil
	}
	n = min(n, len(left))
	batch := slices.Clone(left[:n])
	t.waiting[workspace] = slices.Delete(left, 0, n)
	t.fewer.Broadcast()
	return batch
}
