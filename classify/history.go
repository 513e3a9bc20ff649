package classify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A DryRun asks what the filter would have done with the workspace's judged mail.
type DryRun struct {
	From, To   time.Time  // judgements made then are measured; a zero To is now
	Thresholds Thresholds // by which verdicts are given; zero for the workspace's own
	Without    string     // an actor who is taken never to have judged; "" for nobody
}

// A History is what a dry run found: every message scored by what was learned before it was judged.
type History struct {
	Measures
	From, To   time.Time
	Thresholds Thresholds
	Scored     []Scored
}

// MaxReplay is how many judgements a dry run goes through, since it begins at the journal's beginning: four to
// nine seconds, so that two of them fit into a request.
const MaxReplay = 30_000

// ErrLongJournal is returned for a dry run of a period that ends after more than MaxReplay judgements.
var ErrLongJournal = errors.New("the journal is too long for a dry run")

// Dry runs the workspace's journal again, from the beginning, in memory: each judgement that stands is scored before it is
// learned. Nothing is changed.
func (f *Filter) Dry(ctx context.Context, workspace uuid.UUID, d DryRun) (History, error) {
	if d.To.IsZero() {
		d.To = time.Now()
	}
	h := History{From: d.From, To: d.To, Thresholds: d.Thresholds}
	if err := d.Thresholds.check(); err != nil {
		return h, err
	}
	err := f.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		head, err := readHead(ctx, tx, workspace)
		if err != nil {
			return err
		}
		if h.Thresholds == (Thresholds{}) {
			h.Thresholds = Thresholds{head.HamBelow, head.SpamFrom}
		}
		r := reader{ctx: ctx, tx: tx, workspace: workspace, upTo: head.Seq}
		return r.dry(d, &h)
	})
	if err != nil {
		return History{}, fmt.Errorf("dry run: %w", err)
	}
	h.Measures = Measure(h.Scored)
	return h, nil
}

func (r *reader) dry(d DryRun, h *History) error {
	first, last, err := r.span(d.From, d.To)
	if err != nil {
		return err
	}
	if last > MaxReplay {
		return fmt.Errorf("%w: there are %d judgements up to the end of the period, and at most %d are gone through; ask for an earlier end",
			ErrLongJournal, last, MaxReplay)
	}
	m, seq := &model{}, int64(0)
	for {
		events, err := r.read(lastWords, seq, d.Without)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			seq = e.Seq
			if e.readable && first <= seq && seq <= last {
				s := m.score(&e.lesson.features, h.Thresholds)
				h.Scored = append(h.Scored, Scored{Spam: e.lesson.spam, LogOdds: s.LogOdds, Verdict: s.Verdict})
			}
			if seq >= last {
				return nil // what came later changes no score of the period
			}
			m = m.with(events[i : i+1])
		}
		if len(events) < page {
			return nil
		}
	}
}

// span returns the first and the last judgement of a period; none gives an empty span.
func (r *reader) span(from, to time.Time) (first, last int64, err error) {
	const query = `select coalesce(min(seq), 1), coalesce(max(seq), 0) from classify_event where workspace_id = $1 and at >= $2 and at < $3`
	err = r.tx.QueryRow(r.ctx, query, r.workspace, from, to).Scan(&first, &last)
	return first, last, err
}
