package ingest

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

// commits is the queue in front of the writers. A writer takes whatever waits,
// at once: under load batches grow by themselves, and a lone mail never waits for
// company.
type commits struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []*pending
	closed  bool
	rows    int
	bytes   int64
	rush    rush
}

func newCommits(l Limits) *commits {
	c := &commits{rows: l.CommitRows, bytes: l.CommitBytes, rush: newRush(l)}
	c.some.L = &c.mu
	return c
}

// submit waits until the offer is committed, or ctx ends. An offer that a writer
// has taken by then is waited for all the same: the sender must hear what became
// of it. One that still waits is taken back.
func (c *commits) submit(ctx context.Context, pe *pending) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errStopping
	}
	c.waiting = append(c.waiting, pe)
	c.mu.Unlock()
	c.some.Signal()
	select {
	case err := <-pe.done:
		return err
	case <-ctx.Done():
		if c.takeBack(pe) {
			return ctx.Err()
		}
		return <-pe.done // writers give up on their own, and answer always
	}
}

func (c *commits) takeBack(pe *pending) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, pe)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return true
}

func (c *commits) closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// take returns what waits, up to one commit's worth; nil when the queue is closed
// and empty.
func (c *commits) take() []*pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) == 0 {
		if c.closed {
			return nil
		}
		c.some.Wait()
	}
	c.rush.saw(len(c.waiting))
	n, rows, bytes := 0, 0, int64(0)
	for n < len(c.waiting) && (n == 0 || rows+len(c.waiting[n].rows) <= c.rows && bytes+c.waiting[n].bytes <= c.bytes) {
		rows += len(c.waiting[n].rows)
		bytes += c.waiting[n].bytes
		n++
	}
	batch := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	return batch
}

func (c *commits) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.some.Broadcast()
}

// write commits batch after batch until the queue is closed and empty.
func (p *Pipeline) write(ctx context.Context) error {
	for batch := p.commits.take(); batch != nil; batch = p.commits.take() {
		p.commit(ctx, batch)
	}
	return nil
}

// commit stores a batch and answers everyone in it. What the database refuses is
// tried again offer by offer, so that one cannot fail its neighbours; while the
// database is away the batch is tried again until its senders give up.
func (p *Pipeline) commit(ctx context.Context, batch []*pending) {
	p.reserve(batch)
	start := time.Now()
	deadline := start.Add(p.limits.AcceptWithin)
	wait := 50 * time.Millisecond
	err := p.store(ctx, batch)
	for err != nil && !postgres.Refused(err) && !p.commits.closing() && time.Now().Add(wait).Before(deadline) {
		slog.WarnContext(ctx, "mail could not be stored; trying again", "messages", len(batch), "err", err)
		time.Sleep(wait)
		wait = min(2*wait, time.Second)
		// The rows may have been committed before the connection broke: their keys
		// are the same, so storing them again changes nothing.
		err = p.store(ctx, batch)
	}
	if err != nil && len(batch) > 1 && postgres.Refused(err) {
		for _, pe := range batch {
			p.commit(ctx, []*pending{pe})
		}
		return
	}
	p.metrics.commitRows.Observe(float64(len(batch)))
	p.metrics.commit.Observe(time.Since(start).Seconds())
	p.handOn(batch, err == nil)
	for _, pe := range batch {
		pe.done <- err
	}
}

const (
	acceptSQL = `
	select accept_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	acceptPlacedSQL = `
	select accept_placed($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`
)

// store writes a batch in one statement, which is one transaction and one round
// trip.
func (p *Pipeline) store(ctx context.Context, batch []*pending) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.limits.AcceptWithin)
	defer cancel()
	var m acceptRows
	var b []row
	for _, pe := range batch {
		for _, r := range pe.rows {
			m.add(r.job)
		}
		b = append(b, pe.chunks...)
	}
	// Two writers that store the same pieces must take them in the same order.
	slices.SortFunc(b, func(x, y row) int {
		return cmp.Or(slices.Compare(x.workspace[:], y.workspace[:]), slices.Compare(x.hash, y.hash))
	})
	bw, bh, bi, bs := make([]uuid.UUID, len(b)), make([][]byte, len(b)), make([]int32, len(b)), make([][]byte, len(b))
	for i, r := range b {
		bw[i], bh[i], bi[i], bs[i] = r.workspace, r.hash, int32(r.index), r.sealed
	}
	sql, args := acceptSQL, []any{m.workspace, m.id, m.mailbox, m.sourceKey, m.receivedAt,
		m.envelope, m.size, m.rawHash, m.contentHash, m.attempt, p.limits.Lease, bw, bh, bi, bs}
	if l := placesOf(batch); len(l.uid) > 0 {
		sql, args = acceptPlacedSQL, append(args, l.workspace, l.sourceKey, l.folder, l.epoch, l.uid)
	}
	rows, err := p.db.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return err
}

// acceptRows are the columns of the messages in one commit.
type acceptRows struct {
	workspace, id, mailbox []uuid.UUID
	sourceKey, envelope    []string
	receivedAt             []time.Time
	size                   []int64
	rawHash, contentHash   [][]byte
	attempt                []int32
}

func (m *acceptRows) add(j *job) {
	m.workspace = append(m.workspace, j.workspace)
	m.id = append(m.id, j.id)
	m.mailbox = append(m.mailbox, j.mailbox)
	m.sourceKey = append(m.sourceKey, j.sourceKey)
	m.envelope = append(m.envelope, string(j.envelopeJSON))
	m.receivedAt = append(m.receivedAt, j.receivedAt)
	m.size = append(m.size, j.size)
	m.rawHash = append(m.rawHash, j.rawHash[:])
	m.contentHash = append(m.contentHash, j.contentHash[:])
	m.attempt = append(m.attempt, int32(j.attempt))
}
