package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/s2"

	"postroom/internal/postgres"
	"postroom/internal/vault"
	"postroom/tickets"
)

// chunkBytes is how much of a mail is compressed and sealed as one piece. It
// bounds what storing or reading a mail needs beyond the mail itself.
const chunkBytes = 1 << 20

// collectEvery is after how many pieces of one mail garbage is collected. Each
// piece leaves two or three times its size behind; left to the collector's own
// pace, which goes by what is live, a mail of 40 MB took four times its size.
const collectEvery = 8

// breathe collects garbage between the pieces of a large mail.
func breathe(index int) {
	if index%collectEvery == collectEvery-1 {
		runtime.GC()
	}
}

// raws keeps raw mail: content-addressed by SHA-256, cut into chunks, each
// compressed (s2) and sealed with its address as additional data.
type raws struct {
	db    *postgres.DB
	vault *vault.Vault
}

// A chunk is one sealed piece of a mail.
type chunk struct {
	hash   []byte
	index  int
	sealed []byte
}

var compressed = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// seal compresses and seals the piece of raw with that index.
func seal(box *vault.Box, raw, hash []byte, index int) (chunk, error) {
	piece := place(raw, index)
	buf := compressed.Get().(*[]byte)
	defer compressed.Put(buf)
	if need := s2.MaxEncodedLen(len(piece)); cap(*buf) < need {
		*buf = make([]byte, 0, need)
	}
	small := s2.Encode((*buf)[:cap(*buf)], piece)
	sealed, err := box.Seal(small, chunkRow(hash, index))
	if err != nil {
		return chunk{}, fmt.Errorf("seal raw mail: %w", err)
	}
	return chunk{hash, index, sealed}, nil
}

// chunkRow is the identity that a sealed chunk is bound to.
func chunkRow(hash []byte, index int) []byte {
	return binary.BigEndian.AppendUint32(append([]byte("blob:"), hash...), uint32(index))
}

// chunks returns how many pieces a mail of that size has: at least one.
func chunks(size int) int { return max(1, (size+chunkBytes-1)/chunkBytes) }

const putChunkSQL = `select put_chunk($1, $2, $3, $4)`

// put stores the pieces of a large mail one by one, ahead of its message. A crash
// in between leaves pieces that the next offer of the same mail completes.
func (r raws) put(ctx context.Context, workspace uuid.UUID, raw, hash []byte) error {
	box, err := r.vault.Box(ctx, workspace)
	if err != nil {
		return err
	}
	for i := range chunks(len(raw)) {
		c, err := seal(box, raw, hash, i)
		if err != nil {
			return err
		}
		if _, err := r.db.Exec(ctx, putChunkSQL, workspace, hash, c.index, c.sealed); err != nil {
			return fmt.Errorf("store raw mail: %w", err)
		}
		breathe(i)
	}
	return nil
}

const chunkSQL = `select sealed from blob where workspace_id = $1 and hash = $2 and chunk = $3`

// get reads a mail of that size back. What does not open, or is not what its
// address says, is an error: it was altered.
func (r raws) get(ctx context.Context, workspace uuid.UUID, hash []byte, size int64) ([]byte, error) {
	box, err := r.vault.Box(ctx, workspace)
	if err != nil {
		return nil, err
	}
	if chunks(int(size)) > collectEvery {
		runtime.GC() // whoever stored this mail just now may have left it behind
	}
	raw := make([]byte, size)
	err = r.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		for i := range chunks(len(raw)) {
			sealed, err := readChunk(ctx, tx, workspace, hash, i)
			if err != nil {
				return err
			}
			if err := open(box, place(raw, i), hash, i, sealed); err != nil {
				return err
			}
			breathe(i)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(raw); string(sum[:]) != string(hash) {
		return nil, otherHash(hash)
	}
	return raw, nil
}

// readChunk reads a sealed piece. One that is not there is tickets.ErrNotFound.
func readChunk(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, hash []byte, index int) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, chunkSQL, workspace, hash, index).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tickets.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("raw mail %x, piece %d: %w", hash, index, err)
	}
	return sealed, nil
}

func otherHash(hash []byte) error {
	return fmt.Errorf("raw mail %x: its content has another hash: %w", hash, vault.ErrSealed)
}

// place is where the piece lies in a mail.
func place(raw []byte, index int) []byte {
	return raw[index*chunkBytes : min(len(raw), (index+1)*chunkBytes)]
}

// open unseals and decompresses one piece into its place, which has its length.
func open(box *vault.Box, place, hash []byte, index int, sealed []byte) error {
	small, err := box.Open(sealed, chunkRow(hash, index))
	if err != nil {
		return fmt.Errorf("raw mail %x, piece %d: %w", hash, index, err)
	}
	got, err := s2.Decode(place, small)
	if err != nil || len(got) != len(place) {
		return fmt.Errorf("raw mail %x, piece %d: %d octets, want %d: %w", hash, index, len(got), len(place), vault.ErrSealed)
	}
	return nil
}

const smallChunksSQL = `
	select hash, sealed from blob where workspace_id = $1 and hash = any ($2) and chunk = 0`

// getSmall reads back many mails of one piece each, keyed by hash. One that is
// missing or does not open is left out.
func (r raws) getSmall(ctx context.Context, workspace uuid.UUID, sizes map[[32]byte]int64) (map[[32]byte][]byte, error) {
	box, err := r.vault.Box(ctx, workspace)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(sizes))
	for h := range sizes {
		hashes = append(hashes, h[:])
	}
	found := make(map[[32]byte][]byte, len(sizes))
	err = r.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, smallChunksSQL, workspace, hashes)
		if err != nil {
			return err
		}
		var hash, sealed []byte
		_, err = pgx.ForEachRow(rows, []any{&hash, &sealed}, func() error {
			h := [32]byte(hash)
			raw := make([]byte, sizes[h])
			if open(box, raw, hash, 0, sealed) == nil && sha256.Sum256(raw) == h {
				found[h] = raw
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read raw mail: %w", err)
	}
	return found, nil
}
