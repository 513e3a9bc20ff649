package classify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// head is the state of a workspace's journal.
type head struct {
	Seq                int64
	HamBelow, SpamFrom float64
	LearnReplies       bool
}

func readHead(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) (head, error) {
	const read = `select seq, ham_below, spam_from, learn_replies from classify_head where workspace_id = $1`
	rows, err := tx.Query(ctx, read, workspace)
	if err != nil {
		return head{}, fmt.Errorf("filter head: %w", err)
	}
	h, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[head])
	if errors.Is(err, pgx.ErrNoRows) {
		return head{HamBelow: defaultThresholds.HamBelow, SpamFrom: defaultThresholds.SpamFrom}, nil
	}
	if err != nil {
		return head{}, fmt.Errorf("filter head: %w", err)
	}
	return h, nil
}

// A reader reads one workspace's journal up to a place. All up to the head is committed, since numbers are given under
// a lock that is held until the commit; so pages read one after the other are of one state.
type reader struct {
	ctx       context.Context
	tx        pgx.Tx
	workspace uuid.UUID
	upTo      int64
}

// event is a journal row as learning needs it.
type event struct {
	Seq       int64
	MessageID uuid.UUID
	Verdict   Verdict
	Replaces  *int64
	Features  []byte

	lesson   lesson
	readable bool
}

// page is how many journal rows are in memory at once, about 4 KB each.
const page = 256

// errReplaced says that a judgement which the model has learned was replaced.
var errReplaced = errors.New("a judgement was replaced")

// advance learns into s what the journal has after it, up to the first row that replaces another.
func (r *reader) advance(s *shelved) error {
	const next = `
select seq, message_id, verdict, replaces, features from classify_event
where workspace_id = $1 and seq > $2 and seq <= $3
order by seq limit $4`
	for s.model.seq < r.upTo {
		events, err := r.read(next, s.model.seq)
		if err != nil {
			return err
		}
		n := slices.IndexFunc(events, func(e event) bool { return e.Replaces != nil })
		if n >= 0 {
			events = events[:n]
		}
		s.learn(events)
		if n >= 0 {
			return errReplaced
		}
	}
	return nil
}

// learn takes in journal rows one by one, so that scores wait for one at most.
func (s *shelved) learn(events []event) {
	if !s.model.grown {
		m := s.model.with(events)
		s.mu.Lock()
		s.model = m
		s.mu.Unlock()
		return
	}
	for i := range events {
		s.mu.Lock()
		s.model.apply(&events[i])
		s.mu.Unlock()
	}
}

// build makes the model at r.upTo: from the newest snapshot that holds no replaced judgement, learning those that stand.
func (r *reader) build() (*model, error) {
	m, err := r.start()
	if err != nil {
		return nil, err
	}
	const standing = `
select seq, message_id, verdict, replaces, features from classify_event e
where workspace_id = $1 and seq > $2 and seq <= $3 and verdict <> 'forget'
	and not exists (
		select from classify_event r
		where r.workspace_id = e.workspace_id and r.replaces = e.seq and r.seq <= $3)
order by seq limit $4`
	return r.learn(m, standing)
}

// lastWords gives the last word that others than an actor ($5, "" for nobody) had on each message, in the order of the journal.
const lastWords = `
select seq, message_id, verdict, replaces, features from classify_event e
where workspace_id = $1 and seq > $2 and seq <= $3 and verdict <> 'forget' and ($5 = '' or actor <> $5)
	and not exists (
		select from classify_event r
		where r.workspace_id = e.workspace_id and r.message_id = e.message_id and r.seq > e.seq and r.seq <= $3
			and ($5 = '' or r.actor <> $5))
order by seq limit $4`

// buildWithout makes the model at r.upTo from the last word that others than actor had on each message.
func (r *reader) buildWithout(actor string) (*model, error) {
	return r.learn(&model{}, lastWords, actor)
}

// learn makes m learn the rows that query gives, page by page, and returns it as the model at r.upTo.
func (r *reader) learn(m *model, query string, args ...any) (*model, error) {
	for {
		events, err := r.read(query, m.seq, args...)
		if err != nil {
			return nil, err
		}
		m = m.with(events)
		if len(events) < page {
			m.seq = r.upTo
			return m, nil
		}
	}
}

// read runs query with the workspace, after, r.upTo, page and args.
func (r *reader) read(query string, after int64, args ...any) ([]event, error) {
	rows, err := r.tx.Query(r.ctx, query, append([]any{r.workspace, after, r.upTo, page}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("filter journal: %w", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByName[event])
	if err != nil {
		return nil, fmt.Errorf("filter journal: %w", err)
	}
	for i := range events {
		e := &events[i]
		if e.Verdict == forgotten {
			continue
		}
		e.lesson.spam = e.Verdict == Spam
		if err := e.lesson.features.UnmarshalBinary(e.Features); err != nil {
			// One damaged row must not stop the workspace's mail: the model does without it.
			slog.ErrorContext(r.ctx, "filter journal row unreadable", "workspace", r.workspace, "seq", e.Seq, "err", err)
			continue
		}
		e.readable = true
	}
	return events, nil
}

// apply learns one journal row into a grown model.
func (m *model) apply(e *event) {
	if e.readable {
		m.learn(&e.lesson.features, e.lesson.spam)
	}
	m.seq = e.Seq
}

// start returns the newest snapshot's model that may be built upon, or an empty one.
func (r *reader) start() (*model, error) {
	const newest = `
select seq, model, sha256 from classify_snapshot s
where workspace_id = $1 and seq <= $2 and version = $3
	and not exists (
		select from classify_event r
		where r.workspace_id = s.workspace_id and r.seq > s.seq and r.seq <= $2 and r.replaces <= s.seq)
order by seq desc limit 1`
	rows, err := r.tx.Query(r.ctx, newest, r.workspace, r.upTo, snapshotVersion)
	if err != nil {
		return nil, fmt.Errorf("filter snapshot: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[snapshot])
	if errors.Is(err, pgx.ErrNoRows) {
		return &model{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("filter snapshot: %w", err)
	}
	m, err := s.open()
	if err != nil {
		// The journal has it all: a damaged snapshot costs time, not knowledge.
		slog.WarnContext(r.ctx, "filter snapshot unusable", "workspace", r.workspace, "seq", s.Seq, "err", err)
		return &model{}, nil
	}
	return m, nil
}
