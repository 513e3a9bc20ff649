package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

func TestRotate(t *testing.T) {
	t.Parallel()
	v, w := New(newMaster(t, NewKey()), newMemory()), uuid.New()
	b := box(t, v, w)
	old := seal(t, b, "old", "1")
	if err := v.Rotate(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, b, "new", "1")
	if bytes.Equal(sealed[:idEnd], old[:idEnd]) {
		t.Errorf("after Rotate a held box seals with the old key %x", old[:idEnd])
	}
	wantOpen(t, b, old, "1", "old")
	wantOpen(t, b, sealed, "1", "new")
}

func TestRotateElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m, w := newMemory(), newMaster(t, NewKey()), uuid.New()
		here, there := New(m, s), New(m, s)
		b := box(t, here, w)
		old := seal(t, b, "old", "1")
		if err := there.Rotate(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		sealed := seal(t, box(t, there, w), "new", "1")

		if now := seal(t, box(t, here, w), "x", "1"); !bytes.Equal(now[:idEnd], old[:idEnd]) {
			t.Errorf("a cached keyset was read again for no reason")
		}
		time.Sleep(maxAge)
		if now := seal(t, box(t, here, w), "x", "1"); !bytes.Equal(now[:idEnd], sealed[:idEnd]) {
			t.Errorf("after %v still sealing with key %x, want %x", maxAge, now[:idEnd], sealed[:idEnd])
		}
		wantOpen(t, box(t, here, w), old, "1", "old")
	})
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	s, w, first, second := newMemory(), uuid.New(), NewKey(), NewKey()
	sealed := seal(t, box(t, New(newMaster(t, first), s), w), "kept", "1")

	v := New(newMaster(t, "# rotated", second, "", first), s)
	wantOpen(t, box(t, v, w), sealed, "1", "kept")
	for i, want := range []bool{true, false} {
		if changed, err := v.Rewrap(t.Context(), w); err != nil || changed != want {
			t.Fatalf("Rewrap number %d = %v, %v, want %v", i+1, changed, err, want)
		}
	}
	wantOpen(t, box(t, v, w), sealed, "1", "kept")
	wantOpen(t, box(t, New(newMaster(t, second), s), w), sealed, "1", "kept")
	if _, err := New(newMaster(t, first), s).Box(t.Context(), w); err == nil {
		t.Error("the old master key still unwraps after Rewrap")
	}
	none := uuid.New()
	if changed, err := v.Rewrap(t.Context(), none); changed || err != nil || s.rows[none] != nil {
		t.Errorf("Rewrap of a workspace without a keyset = %v, %v", changed, err)
	}
}

func TestVaultsRace(t *testing.T) {
	t.Parallel()
	s, m, w := newMemory(), newMaster(t, NewKey()), uuid.New()
	vaults := []*Vault{New(m, s), New(m, s)}
	var g sync.WaitGroup
	sealed := make([][]byte, 32)
	for i := range sealed {
		g.Go(func() {
			v := vaults[i%2]
			b, err := v.Box(t.Context(), w)
			if err == nil && i%8 < 2 {
				err = v.Rotate(t.Context(), w)
			}
			if err == nil {
				sealed[i], err = b.Seal(fmt.Append(nil, i), []byte("row"))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	for i := range sealed {
		for _, v := range append(vaults, New(m, s)) {
			wantOpen(t, box(t, v, w), sealed[i], "row", fmt.Sprint(i))
		}
	}
	h, err := m.unwrap(w, s.rows[w])
	if err != nil || h.Len() != 9 {
		t.Errorf("%d data keys, %v, want the first and one for each of 8 rotations", h.Len(), err)
	}
}

func TestOpenReloadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m, w := newMemory(), newMaster(t, NewKey()), uuid.New()
		here, there := New(m, s), New(m, s)
		b := box(t, here, w)
		if err := there.Rotate(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		sealed := seal(t, box(t, there, w), "new", "1")

		down := errors.New("database is down")
		s.fail = down
		if _, err := b.Open(sealed, []byte("1")); !errors.Is(err, down) || errors.Is(err, ErrSealed) {
			t.Fatalf("Open without a database: %v, want its error: this can be tried again", err)
		}
		s.fail, s.reads, s.slow = nil, 0, time.Second
		var g sync.WaitGroup
		for range 8 {
			g.Go(func() {
				if got, err := b.Open(sealed, []byte("1")); err != nil || string(got) != "new" {
					t.Errorf("Open = %q, %v", got, err)
				}
			})
		}
		g.Wait()
		if s.reads != 1 {
			t.Errorf("%d reads for one new key, want 1", s.reads)
		}
	})
}

// Open has no context of its own, and must end all the same.
func TestOpenWaitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w := newMemory(), uuid.New()
		v := New(newMaster(t, NewKey()), s)
		b, other := box(t, v, w), box(t, v, uuid.New())
		sealed := seal(t, other, "x", "1")
		b.turn <- struct{}{} // someone reads, and does not end
		start := time.Now()
		_, err := b.Open(sealed, []byte("1"))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrSealed) || time.Since(start) != reloadWait {
			t.Errorf("Open = %v after %v, want the deadline after %v", err, time.Since(start), reloadWait)
		}
	})
}

func TestOpenDoesNotMakeAKeyset(t *testing.T) {
	t.Parallel()
	s, w := newMemory(), uuid.New()
	v := New(newMaster(t, NewKey()), s)
	b, other := box(t, v, w), box(t, v, uuid.New())
	delete(s.rows, w)
	wantSealed(t, b, seal(t, other, "x", "1"), "1")
	if s.rows[w] != nil {
		t.Error("Open stored a keyset")
	}
}
