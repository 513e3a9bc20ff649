package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"postroom/ingest/ingesttest"
	"postroom/internal/vault"
	"postroom/tickets"
)

// TestOpenRaw: a mail is read back as it came, piece by piece; what was altered or
// taken away is not passed off as the mail.
func TestOpenRaw(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	noise := make([]byte, 5<<20/2) // in three pieces
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	r.Send(mailText("small@x", "", "small", "y"), "Subject: large\r\n\r\n"+string(noise))
	for _, m := range r.Settled(2) {
		raw, err := r.OpenRaw(t.Context(), r.Workspace, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(raw)
		if sum := sha256.Sum256(got); err != nil || int64(len(got)) != m.Size || raw.Size != m.Size || !bytes.Equal(sum[:], m.RawHash) {
			t.Errorf("message of %d octets: %d of %d were read, %v", m.Size, len(got), raw.Size, err)
		}
		if m.Size < 1<<20 {
			continue
		}
		if _, err := r.OpenRaw(t.Context(), uuid.New(), m.ID); !errors.Is(err, tickets.ErrNotFound) {
			t.Errorf("another workspace: %v, want ErrNotFound", err)
		}
		r.AsOwner(`update blob set sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1) where hash = $1 and chunk = 1`, m.RawHash)
		if raw, err = r.OpenRaw(t.Context(), r.Workspace, m.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(raw); !errors.Is(err, vault.ErrSealed) || len(got) != 1<<20 {
			t.Errorf("an altered second piece: %d octets, %v; want the first piece and ErrSealed", len(got), err)
		}
		r.AsOwner(`delete from blob where hash = $1 and chunk = 0`, m.RawHash)
		if _, err := r.OpenRaw(t.Context(), r.Workspace, m.ID); !errors.Is(err, tickets.ErrNotFound) {
			t.Errorf("a first piece that is gone: %v, want ErrNotFound", err)
		}
	}
}
