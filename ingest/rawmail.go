package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/vault"
)

// A RawMail is a mail as it was stored, read back piece by piece: however slowly
// somebody takes it, one piece is in memory.
type RawMail struct {
	Size int64

	raws      raws
	box       *vault.Box
	ctx       context.Context
	workspace uuid.UUID
	address   []byte // its SHA-256
	next      int    // piece
	piece     []byte
	left      []byte // of piece
	sum       hash.Hash
}

// stream opens a mail of that size to be read within ctx. That its first piece is
// there and opens is known then; what is wrong with a later one, or with the whole,
// Read tells in place of the last octets.
func (r raws) stream(ctx context.Context, workspace uuid.UUID, hash []byte, size int64) (*RawMail, error) {
	box, err := r.vault.Box(ctx, workspace)
	if err != nil {
		return nil, err
	}
	m := &RawMail{Size: size, raws: r, box: box, ctx: ctx, workspace: workspace, address: hash, sum: sha256.New()}
	return m, m.fetch()
}

// fetch reads the next piece.
func (m *RawMail) fetch() error {
	if m.piece == nil {
		m.piece = make([]byte, min(m.Size, chunkBytes))
	}
	m.piece = m.piece[:min(m.Size-int64(m.next)*chunkBytes, chunkBytes)]
	err := m.raws.db.InWorkspace(m.ctx, m.workspace, func(tx pgx.Tx) error {
		sealed, err := readChunk(m.ctx, tx, m.workspace, m.address, m.next)
		if err != nil {
			return err
		}
		return open(m.box, m.piece, m.address, m.next, sealed)
	})
	if err != nil {
		return err
	}
	m.sum.Write(m.piece)
	m.left = m.piece
	if m.next++; m.next == chunks(int(m.Size)) && !bytes.Equal(m.sum.Sum(nil), m.address) {
		return otherHash(m.address)
	}
	return nil
}

// Read reads on.
func (m *RawMail) Read(b []byte) (int, error) {
	if len(m.left) == 0 {
		if m.next == chunks(int(m.Size)) {
			return 0, io.EOF
		}
		if err := m.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(b, m.left)
	m.left = m.left[n:]
	return n, nil
}
