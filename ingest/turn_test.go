package ingest

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	a, b := uuid.New(), uuid.New()
	turns := newTurns(3, 1<<20)
	some := func(n int) []*job {
		list := make([]*job, n)
		for i := range list {
			list[i] = &job{}
		}
		return list
	}
	first := some(2)
	if !turns.leave(a, first) {
		t.Fatal("the first to come has no turn")
	}
	if turns.leave(a, some(1)) {
		t.Error("two have the turn of one workspace")
	}
	if !turns.leave(b, some(1)) {
		t.Error("another workspace's turn is taken")
	}
	if got := turns.next(a, 2); len(got) != 2 || got[0] != first[0] || got[1] != first[1] {
		t.Errorf("next = %v, want the first two in their order", got)
	}
	if got := turns.next(a, 2); len(got) != 1 {
		t.Errorf("next = %d messages, want what another left", len(got))
	}
	if got := turns.next(a, 2); got != nil {
		t.Errorf("next = %d messages, want the end of the turn", len(got))
	}
	if !turns.leave(a, some(1)) {
		t.Error("a turn that ended cannot be had again")
	}
}

// Bytes bound a turn as well as messages do.
func TestTurnsAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ws := uuid.New()
		turns := newTurns(100, 10)
		turns.leave(ws, []*job{{size: 10}})
		left := false
		var wg sync.WaitGroup
		wg.Go(func() { turns.leave(ws, []*job{{size: 1}}); left = true })
		synctest.Wait()
		if left {
			t.Error("a full turn took more")
		}
		turns.next(ws, 1)
		wg.Wait()
	})
}

// Who leaves messages with a turn that has too many waits until some are taken.
func TestTurnsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ws := uuid.New()
		turns := newTurns(2, 1<<20)
		turns.leave(ws, []*job{{}, {}})
		var wg sync.WaitGroup
		left := false
		wg.Go(func() { turns.leave(ws, []*job{{}}); left = true })
		synctest.Wait()
		if left {
			t.Error("a full turn took more")
		}
		turns.next(ws, 1)
		wg.Wait()
		if got := len(turns.next(ws, 10)); got != 2 {
			t.Errorf("%d messages are left, want 2", got)
		}
	})
}
