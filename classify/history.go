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

	// Reread returns of the messages with these ids those that are still stored. With it the run is made a second time, with the
	// headers that a forwarder leaves: the journal has features only, and cannot tell. Nil for no second run.
	Reread func(ctx context.Context, messages []uuid.UUID) (map[uuid.UUID]Document, error)
}

// A Run is what one way through the journal found: every message scored by what was learned before it was judged.
type Run struct {
	Measures
	Scored []Scored
}

// A History is what a dry run found.
type History struct {
	Run
	Stripped   Run // by what a forwarder leaves, of the messages that are still stored; empty without DryRun.Reread
	From, To   time.Time
	Thresholds Thresholds
}

// MaxReplay is how many judgements a dry run goes through, since it begins at the journal's beginning: four to
// nine seconds, so that two of them fit into a request.
const MaxReplay = 30_000

// ErrLongJournal is returned for a dry run of a period that ends after more than MaxReplay judgements.
var ErrLongJournal = errors.New("the journal is too long for a dry run")

// Dry runs the workspace's journal again, from the beginning, in memory: each judgement that stands is scored before it is
// learned. The lists of senders have the last word, as they stand now. Nothing is changed.
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
		rules, err := f.readRules(ctx, tx, workspace)
		if err != nil {
			return err
		}
		key := newHashKey(f.secret, workspace)
		run := dry{DryRun: d, key: key, rules: rules.hashed(key), thresholds: h.Thresholds, now: time.Now()}
		if err := run.through(&reader{ctx: ctx, tx: tx, workspace: workspace, upTo: head.Seq}); err != nil {
			return err
		}
		h.Run, h.Stripped = run.asItIs.run(), run.stripped.run()
		return nil
	})
	if err != nil {
		return History{}, fmt.Errorf("dry run: %w", err)
	}
	return h, nil
}

// dry is a dry run under way.
type dry struct {
	DryRun
	key         hashKey
	rules       hashedRules
	thresholds  Thresholds
	now         time.Time
	first, last int64
	asItIs      pass
	stripped    pass
}

// A pass is a model on its way through the journal, and what it has said.
type pass struct {
	model  *model
	scored []Scored
}

func (p *pass) run() Run { return Run{Measure(p.scored), p.scored} }

func (d *dry) through(r *reader) (err error) {
	if d.first, d.last, err = r.span(d.From, d.To); err != nil {
		return err
	}
	if d.last > MaxReplay {
		return fmt.Errorf("%w: there are %d judgements up to the end of the period, and at most %d are gone through; ask for an earlier end",
			ErrLongJournal, d.last, MaxReplay)
	}
	d.asItIs.model, d.stripped.model = &model{}, &model{}
	for seq := int64(0); seq < d.last; {
		events, err := r.read(lastWords, seq, d.Without)
		if err != nil {
			return err
		}
		mails, err := d.reread(r.ctx, events)
		if err != nil {
			return err
		}
		for i := range events {
			e := events[i]
			if seq = e.Seq; seq > d.last {
				break // what came later changes no score of the period
			}
			d.take(&d.asItIs, e)
			if mail, ok := mails[e.MessageID]; ok {
				mail = mail.Stripped()
				e.lesson.features, e.readable = extract(d.key, &mail).kept(), true
				d.take(&d.stripped, e)
			}
		}
		if len(events) < page {
			break
		}
	}
	return nil
}

func (d *dry) reread(ctx context.Context, events []event) (map[uuid.UUID]Document, error) {
	if d.Reread == nil {
		return nil, nil
	}
	ids := make([]uuid.UUID, len(events))
	for i := range events {
		ids[i] = events[i].MessageID
	}
	return d.Reread(ctx, ids)
}

// take has the pass score a judged message, if it is of the period, and then learn it.
func (d *dry) take(p *pass, e event) {
	if fe := &e.lesson.features; e.readable && e.Seq >= d.first {
		s := p.model.score(fe, d.thresholds)
		if rule, ok := d.rules.find(fe, d.now); ok {
			rule.apply(&s)
		}
		p.scored = append(p.scored, Scored{Spam: e.lesson.spam, LogOdds: s.LogOdds, Verdict: s.Verdict})
	}
	p.model = p.model.with([]event{e})
}

// span returns the first and the last judgement of a period; none gives an empty span.
func (r *reader) span(from, to time.Time) (first, last int64, err error) {
	const query = `select coalesce(min(seq), 1), coalesce(max(seq), 0) from classify_event where workspace_id = $1 and at >= $2 and at < $3`
	err = r.tx.QueryRow(r.ctx, query, r.workspace, from, to).Scan(&first, &last)
	return first, last, err
}
