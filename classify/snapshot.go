package classify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
)

// snapshotVersion is the form of stored models. A change to what members learn or how features are found raises it.
const snapshotVersion = 3

// snapshotEvery is how many judgements lie between two snapshots of a workspace, snapshotsKept how many are kept.
const (
	snapshotEvery = 200
	snapshotsKept = 4
)

var errSnapshot = errors.New("malformed snapshot")

// snapshot is a row of classify_snapshot.
type snapshot struct {
	Seq    int64
	Model  []byte
	SHA256 []byte `db:"sha256"`
}

func (s *snapshot) open() (*model, error) {
	if sum := sha256.Sum256(s.Model); !bytes.Equal(sum[:], s.SHA256) {
		return nil, fmt.Errorf("%w: checksum", errSnapshot)
	}
	m, err := decodeModel(s.Model)
	if err != nil {
		return nil, err
	}
	m.seq = s.Seq
	return m, nil
}

// keep writes a snapshot if enough was learned since the last. Of several processes one does it.
func (f *Filter) keep(ctx context.Context, s *shelved) error {
	s.bring.Lock() // nothing learns meanwhile, so reading needs no other lock
	defer s.bring.Unlock()
	if !s.model.grown || s.model.seq < s.kept+snapshotEvery {
		return nil
	}
	return f.db.InWorkspace(ctx, s.workspace, func(tx pgx.Tx) error {
		newest, mine, err := lastSnapshot(ctx, tx, s.workspace, s.model.seq)
		if err != nil {
			return err
		}
		s.kept = newest
		if !mine || s.model.seq < s.kept+snapshotEvery {
			return nil
		}
		if err := writeSnapshot(ctx, tx, s.workspace, s.model); err != nil {
			return err
		}
		s.kept = s.model.seq
		return nil
	})
}

// lastSnapshot returns the place of the newest snapshot up to seq, and whether it is for this transaction to write another.
func lastSnapshot(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, seq int64) (newest int64, mine bool, err error) {
	const query = `
select coalesce(max(seq), 0), pg_try_advisory_xact_lock(hashtextextended('classify_snapshot ' || $1::uuid, 0))
from classify_snapshot where workspace_id = $1 and version = $2 and seq <= $3`
	if err := tx.QueryRow(ctx, query, workspace, snapshotVersion, seq).Scan(&newest, &mine); err != nil {
		return 0, false, fmt.Errorf("filter snapshot: %w", err)
	}
	return newest, mine, nil
}

// writeSnapshot adds a snapshot of m and drops the oldest.
func writeSnapshot(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, m *model) error {
	const (
		insert = `
insert into classify_snapshot (workspace_id, seq, version, model, sha256) values ($1, $2, $3, $4, $5)
on conflict do nothing`
		prune = `
delete from classify_snapshot where workspace_id = $1 and (version, seq) not in (
	select version, seq from classify_snapshot where workspace_id = $1 order by version desc, seq desc limit $2)`
	)
	b := m.encode()
	sum := sha256.Sum256(b)
	if _, err := tx.Exec(ctx, insert, workspace, m.seq, snapshotVersion, b, sum[:]); err != nil {
		return fmt.Errorf("filter snapshot: %w", err)
	}
	if _, err := tx.Exec(ctx, prune, workspace, snapshotsKept); err != nil {
		return fmt.Errorf("filter snapshots of old: %w", err)
	}
	return nil
}

// encode returns a grown model but for its seq: counters, ranks and the slots in use, column by column, compressed. Equal
// models give equal bytes.
func (m *model) encode() []byte {
	b := make([]byte, 0, 1<<20)
	for _, n := range []int{m.ham, m.spam, int(m.margin.spam), int(m.margin.ham)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, f := range []float64{m.wrongLately, m.wrongAlways} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	for i := range m.ranks {
		b = m.ranks[i].spam.append(b)
		b = m.ranks[i].ham.append(b)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m.lean[i]))
	}
	used := append(make([]*slot, 0, len(m.slots)+1), &m.bias)
	last := -1
	for i := range m.slots {
		if m.slots[i] != (slot{}) {
			used = append(used, &m.slots[i])
			b = binary.AppendUvarint(b, uint64(i-last))
			last = i
		}
	}
	b = binary.AppendUvarint(b, 0)
	b = appendFloats(b, used)
	for _, s := range used {
		for _, n := range [...]uint16{s.spam, s.ham, s.marginSpam, s.marginHam} {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return compressor.EncodeAll(b, make([]byte, 0, len(b)/2))
}

// floatPlanes are the shifts by which the bytes of floats are written, all first bytes before all second ones: what is
// alike stands together and compresses.
var floatPlanes = [...]int{24, 16, 8, 0}

func appendFloats(b []byte, slots []*slot) []byte {
	for _, shift := range floatPlanes {
		for _, s := range slots {
			b = append(b, byte(math.Float32bits(s.weight)>>shift))
		}
		for _, s := range slots {
			b = append(b, byte(math.Float32bits(s.square)>>shift))
		}
	}
	return b
}

// append writes the histogram's bins that hold something.
func (h *histogram) append(b []byte) []byte {
	last := -1
	for bin := range rankBins {
		if n := h.count(bin); n != 0 {
			b = binary.AppendUvarint(b, uint64(bin-last))
			b = binary.AppendUvarint(b, uint64(n))
			last = bin
		}
	}
	return binary.AppendUvarint(b, 0)
}

// maxModelBytes bounds a model before compression.
const maxModelBytes = 16 << 20

var (
	compressor   = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)))
	decompressor = must(zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxModelBytes), zstd.WithDecoderConcurrency(0)))
)

// must is for values that depend on constants alone.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// decodeModel reads what encode wrote.
func decodeModel(b []byte) (*model, error) {
	b, err := decompressor.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSnapshot, err)
	}
	c := cutter{rest: b}
	m := &model{grown: true, ham: int(c.uvarint()), spam: int(c.uvarint())}
	m.margin = counts{uint32(c.uvarint()), uint32(c.uvarint())}
	m.wrongLately, m.wrongAlways = c.float(), c.float()
	for i := range m.ranks {
		c.histogram(&m.ranks[i].spam)
		c.histogram(&m.ranks[i].ham)
		m.lean[i] = c.float()
	}
	if m.ham+m.spam > 0 {
		m.slots = make([]slot, 1<<slotBits)
	}
	used := append(make([]*slot, 0, len(m.slots)+1), &m.bias)
	for i, gap := -1, c.uvarint(); gap != 0; gap = c.uvarint() {
		if i += int(gap); i < 0 || i >= len(m.slots) {
			c.bad = true
			break
		}
		used = append(used, &m.slots[i])
	}
	c.floats(used)
	for _, s := range used {
		for _, n := range [...]*uint16{&s.spam, &s.ham, &s.marginSpam, &s.marginHam} {
			*n = uint16(c.uvarint())
		}
	}
	if c.bad || len(c.rest) != 0 {
		return nil, errSnapshot
	}
	return m, nil
}

// A cutter takes values off the front of a snapshot; once something does not fit, bad is set and all values are 0.
type cutter struct {
	rest []byte
	bad  bool
}

func (c *cutter) uvarint() uint64 {
	n, used := binary.Uvarint(c.rest)
	if used <= 0 || n > math.MaxInt32 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[used:]
	return n
}

func (c *cutter) float() float64 {
	if len(c.rest) < 8 {
		c.bad, c.rest = true, nil
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(c.rest))
	c.rest = c.rest[8:]
	return f
}

func (c *cutter) floats(slots []*slot) {
	n := len(slots)
	if len(c.rest) < 8*n {
		c.bad, c.rest = true, nil
		return
	}
	for i, s := range slots {
		var weight, square uint32
		for plane, shift := range floatPlanes {
			weight |= uint32(c.rest[2*plane*n+i]) << shift
			square |= uint32(c.rest[(2*plane+1)*n+i]) << shift
		}
		s.weight, s.square = math.Float32frombits(weight), math.Float32frombits(square)
	}
	c.rest = c.rest[8*n:]
}

func (c *cutter) histogram(h *histogram) {
	for bin, gap := -1, c.uvarint(); gap != 0; gap = c.uvarint() {
		if bin += int(gap); bin < 0 || bin >= rankBins {
			c.bad, c.rest = true, nil
			return
		}
		h.addN(bin, uint32(c.uvarint()))
	}
}
