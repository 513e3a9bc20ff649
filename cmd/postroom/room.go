package main

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// room bounds the bytes of mails under way. One mail larger than all of it may go
// alone.
type room struct {
	sem *semaphore.Weighted
	max int64
}

func newRoom(n int64) room { return room{semaphore.NewWeighted(n), n} }

func (r room) take(ctx context.Context, n int64) error { return r.sem.Acquire(ctx, min(n, r.max)) }
func (r room) give(n int64)                            { r.sem.Release(min(n, r.max)) }
