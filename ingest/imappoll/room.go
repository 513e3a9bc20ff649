package imappoll

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// room bounds the bytes of mails in memory, of all mailboxes together. One mail
// larger than all of it may go alone. A server that sends slowly holds room for
// long; while others wait for it, slow mails are given up.
type room struct {
	sem *semaphore.Weighted
	max int64

	mu  sync.Mutex
	ins map[*incoming]struct{}
}

func newRoom(n int64) *room {
	return &room{sem: semaphore.NewWeighted(n), max: n, ins: map[*incoming]struct{}{}}
}

// errFull means that other mailboxes' mails fill the memory; the poll is given up
// and tried again, so that no server waits for us in the middle of a mail.
var errFull = errors.New("too much mail is in memory; it goes on when some of it is stored")

// hurryEvery is how long others wait before slow mails are looked for.
const hurryEvery = time.Second

func (r *room) take(ctx context.Context, n int64, patience time.Duration) error {
	if r.sem.TryAcquire(min(n, r.max)) {
		return nil
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wg.Go(func() { r.hurry(wait) })
	if err := r.sem.Acquire(wait, min(n, r.max)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errFull
	}
	return nil
}

func (r *room) give(n int64) { r.sem.Release(min(n, r.max)) }

// hurry gives up the slow mails until ctx ends.
func (r *room) hurry(ctx context.Context) {
	tick := time.NewTicker(hurryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		for in := range r.ins {
			if in.slow() {
				in.giveUp()
			}
		}
		r.mu.Unlock()
	}
}

// An incoming mail is being read into its room.
type incoming struct {
	io.Reader
	room   *room
	begun  time.Time
	size   int64
	within time.Duration // it is to be read in, when others wait
	got    atomic.Int64
	giveUp func()
}

// read reads a mail, whose room is taken, until end. Others who wait have it given
// up if it comes too slowly to be read within that time.
func (r *room) read(from io.Reader, size int64, within time.Duration, giveUp func()) *incoming {
	in := &incoming{Reader: from, room: r, begun: time.Now(), size: size, within: within, giveUp: giveUp}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ins[in] = struct{}{}
	return in
}

func (in *incoming) Read(p []byte) (int, error) {
	n, err := in.Reader.Read(p)
	in.got.Add(int64(n))
	return n, err
}

func (in *incoming) end() {
	in.room.mu.Lock()
	defer in.room.mu.Unlock()
	delete(in.room.ins, in)
}

// slow reports whether it came at less than the pace that would bring it in time.
func (in *incoming) slow() bool {
	age := time.Since(in.begun)
	return age > hurryEvery && float64(in.got.Load()) < float64(in.size)*age.Seconds()/in.within.Seconds()
}
