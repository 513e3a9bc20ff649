package vault

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// memory is a Store as a database would be one: it copies, compares and counts.
type memory struct {
	mu    sync.Mutex
	rows  map[uuid.UUID][]byte
	reads int
	fail  error
	slow  time.Duration // each read takes it
}

func (s *memory) Keyset(ctx context.Context, workspace uuid.UUID) ([]byte, error) {
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if err := errors.Join(ctx.Err(), s.fail); err != nil {
		return nil, err
	}
	return bytes.Clone(s.rows[workspace]), nil
}

func (s *memory) SwapKeyset(_ context.Context, workspace uuid.UUID, prev, next []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	if now, ok := s.rows[workspace]; ok == (prev != nil) && bytes.Equal(now, prev) {
		s.rows[workspace] = bytes.Clone(next)
	}
	return bytes.Clone(s.rows[workspace]), nil
}

func newMemory() *memory { return &memory{rows: map[uuid.UUID][]byte{}} }

func newMaster(t testing.TB, lines ...string) *Master {
	t.Helper()
	m, _, err := LoadMaster(Source{Key: strings.Join(lines, "\n")})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func box(t testing.TB, v *Vault, workspace uuid.UUID) *Box {
	t.Helper()
	b, err := v.Box(t.Context(), workspace)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func seal(t testing.TB, b *Box, plain, row string) []byte {
	t.Helper()
	sealed, err := b.Seal([]byte(plain), []byte(row))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func wantOpen(t testing.TB, b *Box, sealed []byte, row, want string) {
	t.Helper()
	if got, err := b.Open(sealed, []byte(row)); err != nil || string(got) != want {
		t.Fatalf("Open(%x, %q) = %q, %v, want %q", sealed, row, got, err, want)
	}
}

func wantSealed(t testing.TB, b *Box, sealed []byte, row string) {
	t.Helper()
	if got, err := b.Open(sealed, []byte(row)); !errors.Is(err, ErrSealed) || got != nil {
		t.Fatalf("Open(%x, %q) = %q, %v, want ErrSealed", sealed, row, got, err)
	}
}

func TestKeysetErrors(t *testing.T) {
	t.Parallel()
	needed, given := newMaster(t, NewKey()), newMaster(t, NewKey(), NewKey())
	s, w, moved := newMemory(), uuid.New(), uuid.New()
	box(t, New(needed, s), w)
	s.rows[moved] = s.rows[w]
	flipped := uuid.New()
	s.rows[flipped] = bytes.Clone(s.rows[w])
	s.rows[flipped][len(s.rows[w])-1] ^= 1
	foreign := uuid.New()
	s.rows[foreign] = []byte("something else")
	tests := []struct {
		name      string
		master    *Master
		workspace uuid.UUID
		want      []string
	}{
		{"missing master key", given, w, []string{"needs master key " + needed.ID(), given.keys[0].id + ", " + given.keys[1].id, "POSTROOM_KEY"}},
		{"another workspace's keyset", needed, moved, []string{"does not open under master key " + needed.ID(), "backup"}},
		{"altered", needed, flipped, []string{"does not open under master key " + needed.ID(), "backup"}},
		{"not ours", needed, foreign, []string{"no wrapped keyset", "newer version"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := bytes.Clone(s.rows[tt.workspace])
			v := New(tt.master, s)
			_, err := v.Box(t.Context(), tt.workspace)
			for _, want := range append(tt.want, tt.workspace.String()) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Box: %v, want %q in it", err, want)
				}
			}
			if err := v.Rotate(t.Context(), tt.workspace); err == nil {
				t.Error("Rotate of a keyset that does not open succeeded")
			}
			if !bytes.Equal(s.rows[tt.workspace], before) {
				t.Error("a keyset that does not open was overwritten")
			}
		})
	}
}

func TestSingleFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w := &memory{rows: map[uuid.UUID][]byte{}, slow: time.Second}, uuid.New()
		v, start := New(newMaster(t, NewKey()), s), time.Now()
		var g sync.WaitGroup
		for range 16 {
			g.Go(func() {
				if _, err := v.Box(t.Context(), w); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		if took := time.Since(start); s.reads != 1 || took != s.slow {
			t.Errorf("%d reads in %v for one keyset, want 1 in %v", s.reads, took, s.slow)
		}
	})
}

func TestWaiterHasItsOwnContext(t *testing.T) {
	t.Parallel()
	v, w := New(newMaster(t, NewKey()), newMemory()), uuid.New()
	b := v.cached(w)
	b.turn <- struct{}{} // someone reads, slowly
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Box(ctx, w); !errors.Is(err, context.Canceled) {
		t.Errorf("Box while waiting = %v, want context.Canceled", err)
	}
	b.unlock()
	box(t, v, w)
}

func TestFailedReadIsNotKept(t *testing.T) {
	t.Parallel()
	s, w := newMemory(), uuid.New()
	v := New(newMaster(t, NewKey()), s)
	s.fail = errors.New("database is down")
	if _, err := v.Box(t.Context(), w); !errors.Is(err, s.fail) {
		t.Fatalf("Box = %v, want %v", err, s.fail)
	}
	s.fail = nil
	box(t, v, w)
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	s := newMemory()
	v := New(newMaster(t, NewKey()), s)
	used, left := uuid.New(), uuid.New()
	box(t, v, used)
	held := box(t, v, left)
	sealed := seal(t, held, "kept", "1")
	s.reads = 0
	for range maxBoxes - 1 {
		v.cached(uuid.New())
		box(t, v, used)
	}
	if n := len(v.boxes); n != maxBoxes || v.recent.Len() != n {
		t.Errorf("%d boxes in the map, %d in the list, want %d", n, v.recent.Len(), maxBoxes)
	}
	if s.reads != 0 {
		t.Error("the box in use was dropped")
	}
	wantOpen(t, box(t, v, left), sealed, "1", "kept")
	if s.reads != 1 {
		t.Error("the box least in use was not dropped")
	}
	wantOpen(t, held, sealed, "1", "kept")
}

// A Store that never agrees must not hold anyone for ever.
type stubborn struct{ memory }

func (s *stubborn) SwapKeyset(context.Context, uuid.UUID, []byte, []byte) ([]byte, error) {
	return nil, nil
}

func TestSwapGivesUp(t *testing.T) {
	t.Parallel()
	v := New(newMaster(t, NewKey()), &stubborn{})
	if _, err := v.Box(t.Context(), uuid.New()); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("Box = %v, want an error", err)
	}
}

// Some databases give back an empty value where nothing is.
type hollow struct{ *memory }

func (s hollow) Keyset(ctx context.Context, workspace uuid.UUID) ([]byte, error) {
	wrapped, err := s.memory.Keyset(ctx, workspace)
	return append([]byte{}, wrapped...), err
}

func TestEmptyIsNothing(t *testing.T) {
	t.Parallel()
	v, w := New(newMaster(t, NewKey()), hollow{newMemory()}), uuid.New()
	if changed, err := v.Rewrap(t.Context(), w); changed || err != nil {
		t.Errorf("Rewrap = %v, %v", changed, err)
	}
	b := box(t, v, w)
	wantOpen(t, b, seal(t, b, "x", "1"), "1", "x")
}
