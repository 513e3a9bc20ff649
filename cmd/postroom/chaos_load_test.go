package main_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A load is a number of mails and the clients that send them, each until it is
// answered 250.
type load struct {
	t       *testing.T
	to      string
	letters []*letter
	queue   chan *letter // offered, to be sent
	offered int

	answered atomic.Int64
	attempts atomic.Int64
	stopped  atomic.Bool
	group    sync.WaitGroup

	mu      sync.Mutex
	codes   map[int]int // refusals by code
	strange []string    // replies that a mail of ours must never get
}

func newLoad(t *testing.T, to string, letters []*letter) *load {
	l := &load{t: t, to: to, letters: letters, queue: make(chan *letter, len(letters)), codes: map[int]int{}}
	t.Cleanup(l.abandon)
	return l
}

// start starts n clients. Each connection goes to any of the addresses. Rude
// clients now and then hang up in the middle.
func (l *load) start(n int, seed uint64, rude bool, addrs ...string) {
	for i := range n {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		l.group.Go(func() { l.client(rng, rude, addrs) })
	}
}

// client sends what is offered until the queue is closed.
func (l *load) client(rng *rand.Rand, rude bool, addrs []string) {
	var s *session
	hangUp := func() {
		if s != nil {
			_ = s.close()
			s = nil
		}
	}
	defer hangUp()
	for m := range l.queue {
		for !l.stopped.Load() {
			var err error
			if s == nil {
				s, err = dial(addrs[rng.IntN(len(addrs))])
			}
			if err == nil {
				l.attempts.Add(1)
				err = s.send(m, l.to, mood(rng, rude), rng)
			}
			if err == nil {
				l.answered.Add(1)
				if rng.IntN(20) == 0 {
					hangUp()
				}
				break
			}
			l.note(err)
			hangUp()
			time.Sleep(20*time.Millisecond + upTo(rng, 150*time.Millisecond))
		}
	}
}

func mood(rng *rand.Rand, rude bool) habit {
	switch n := rng.IntN(80); {
	case rude && n < 2:
		return fickle
	case rude && n == 2:
		return impatient
	}
	return patient
}

// note counts a refusal. Only 4xx may be: a 5xx makes a real sender give up.
func (l *load) note(err error) {
	var r *refusal
	if !errors.As(err, &r) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.codes[r.code]++
	if r.code/100 != 4 && len(l.strange) < 20 {
		l.strange = append(l.strange, r.Error())
	}
}

// offer hands mails to the clients for a while, one per gap.
func (l *load) offer(while, gap time.Duration) {
	end := time.Now().Add(while)
	for time.Now().Before(end) {
		burst := 1
		if gap < time.Millisecond {
			burst, gap = 8, time.Millisecond
		}
		l.offerNow(burst)
		time.Sleep(min(gap, time.Until(end)))
	}
}

// offerNow hands n more mails to the clients, as far as there are any.
func (l *load) offerNow(n int) {
	for ; n > 0 && l.offered < len(l.letters); n-- {
		l.queue <- l.letters[l.offered]
		l.offered++
	}
}

// finish offers what is left and waits until every mail is answered.
func (l *load) finish(within time.Duration) {
	l.t.Helper()
	l.offerNow(len(l.letters))
	close(l.queue)
	done := make(chan struct{})
	go func() {
		l.group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(within):
		l.stopped.Store(true)
		l.t.Fatalf("after %s not every mail is answered: %s", within, l)
	}
}

// abandon ends the clients of a test that has failed.
func (l *load) abandon() {
	if l.stopped.Swap(true) || l.answered.Load() == int64(len(l.letters)) {
		return
	}
	for {
		select {
		case <-l.queue:
			continue
		default:
		}
		return
	}
}

// refusals returns how many attempts were refused with a 4xx reply.
func (l *load) refusals() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for code, count := range l.codes {
		if code/100 == 4 {
			n += count
		}
	}
	return n
}

// checkRefusals reports replies that would have made a sender give up its mail.
func (l *load) checkRefusals() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.strange {
		l.t.Errorf("a mail was refused for good: %s", s)
	}
}

func (l *load) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := fmt.Sprintf("%d mails offered, %d attempts, %d answered 250", l.offered, l.attempts.Load(), l.answered.Load())
	for _, code := range slices.Sorted(maps.Keys(l.codes)) {
		s += fmt.Sprintf(", %d × %d", l.codes[code], code)
	}
	return s
}
