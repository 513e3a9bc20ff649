package imappoll

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
)

// room bounds the bytes of mails in memory, of all mailboxes together. One mail
// larger than all of it may go alone.
type room struct {
	sem *semaphore.Weighted
	max int64
}

func newRoom(n int64) *room { return &room{semaphore.NewWeighted(n), n} }

// errFull means that other mailboxes' mails fill the memory; the poll is given up
// and tried again, so that no server waits for us in the middle of a mail.
var errFull = errors.New("too much mail is in memory; it goes on when some of it is stored")

func (r *room) take(ctx context.Context, n int64, patience time.Duration) error {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.sem.Acquire(wait, min(n, r.max)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errFull
	}
	return nil
}

func (r *room) give(n int64) { r.sem.Release(min(n, r.max)) }
