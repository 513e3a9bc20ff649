package api

import (
	"sync"

	"github.com/google/uuid"
)

// A room bounds the bytes of request bodies in memory. Whoever announces a body
// takes room for it before it comes, so one workspace never gets all of it.
type room struct {
	mu   sync.Mutex
	max  int64
	left int64
	held map[uuid.UUID]int64 // by workspace
}

func newRoom(n int64) *room { return &room{max: n, left: n, held: map[uuid.UUID]int64{}} }

// take takes room for n bytes, unless there is none, or a workspace would hold more
// than three quarters of all.
func (r *room) take(workspace uuid.UUID, n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := r.held[workspace]
	if n > r.left || held > 0 && held+n > r.max/4*3 {
		return false
	}
	r.left -= n
	r.held[workspace] = held + n
	return true
}

func (r *room) give(workspace uuid.UUID, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
	if r.held[workspace] -= n; r.held[workspace] == 0 {
		delete(r.held, workspace)
	}
}
