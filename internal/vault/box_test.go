package vault

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := box(t, New(newMaster(t, NewKey()), newMemory()), uuid.New())
	for _, n := range []int{0, 1, 15, 16, 17, 8 << 10, 1 << 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			plain := strings.Repeat("é", n/2) + strings.Repeat("\x00", n%2)
			sealed, again := seal(t, b, plain, "row"), seal(t, b, plain, "row")
			if len(sealed) != n+33 {
				t.Errorf("%d bytes sealed are %d, want 33 more", n, len(sealed))
			}
			if bytes.Equal(sealed, again) || n > 15 && bytes.Contains(sealed, []byte(plain[:16])) {
				t.Error("sealed bytes tell about the plain ones")
			}
			if got, err := b.Open(sealed, []byte("row")); err != nil || string(got) != plain {
				t.Errorf("Open gave %d bytes, %v, want the %d sealed", len(got), err, n)
			}
		})
	}
	if sealed := seal(t, b, "", ""); string(sealed) != "" {
		wantOpen(t, b, sealed, "", "")
	}
}

func TestOpenElsewhere(t *testing.T) {
	t.Parallel()
	s, m, w := newMemory(), newMaster(t, NewKey()), uuid.New()
	v := New(m, s)
	b, other := box(t, v, w), box(t, v, uuid.New())
	sealed := seal(t, b, "plain", "row 1")
	for _, row := range []string{"", "row", "row 2", "row 11", "Row 1"} {
		wantSealed(t, b, sealed, row)
	}
	wantSealed(t, other, sealed, "row 1")

	// The same data keys under another workspace: only the additional data tells them apart.
	twin := &Box{vault: v, workspace: uuid.New(), turn: make(chan struct{}, 1)}
	twin.keys.Store(b.keys.Load())
	wantSealed(t, twin, sealed, "row 1")
	wantSealed(t, twin, sealed, string(w[:])+"row 1")
	wantOpen(t, b, sealed, "row 1", "plain")
}

func TestOpenAltered(t *testing.T) {
	t.Parallel()
	b := box(t, New(newMaster(t, NewKey()), newMemory()), uuid.New())
	sealed := seal(t, b, "some plain text of a mail", "row")
	for i := range sealed {
		for bit := range 8 {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1 << bit
			wantSealed(t, b, altered, "row")
		}
		wantSealed(t, b, sealed[:i], "row")
	}
	wantSealed(t, b, nil, "row")
	wantSealed(t, b, append(bytes.Clone(sealed), 0), "row")
	wantSealed(t, b, []byte("some plain text of a mail"), "row")
	wantOpen(t, b, sealed, "row", "some plain text of a mail")
}

func TestSealLeavesItsArguments(t *testing.T) {
	t.Parallel()
	b := box(t, New(newMaster(t, NewKey()), newMemory()), uuid.New())
	plain, row := append(make([]byte, 0, 99), "plain"...), append(make([]byte, 0, 99), "row"...)
	sealed := seal(t, b, "x", "row")
	before := bytes.Clone(sealed)
	if _, err := b.Seal(plain, row); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(sealed, row); err != nil {
		t.Fatal(err)
	}
	if string(plain) != "plain" || string(row) != "row" || !bytes.Equal(sealed, before) {
		t.Error("Seal or Open changed its arguments")
	}
	if rest := append(plain[:99:99], row[:99]...); strings.Trim(string(rest), "\x00plainrow") != "" {
		t.Error("Seal or Open wrote behind its arguments")
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, New(newMaster(f, NewKey()), newMemory()), uuid.New())
	f.Add([]byte{}, []byte{})
	f.Add(seal(f, b, "plain", "row"), []byte("other row"))
	f.Fuzz(func(t *testing.T, sealed, row []byte) {
		wantSealed(t, b, sealed, string(row))
	})
}
