package classify

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

// Config says how a Filter works; the zero values of Models and Recheck take their defaults.
type Config struct {
	// Secret keys the hashes of all features. Another secret makes what was learned so far meaningless.
	Secret []byte
	// Models is how many workspaces' models are kept in memory, 4 MiB each; 0 means 64.
	Models int
	// Recheck is how often a model in use is compared with its journal in case a notification was missed; 0 means 5 s.
	Recheck time.Duration
}

// A Filter scores and learns for all workspaces of one database. It is safe for concurrent use.
type Filter struct {
	db      *postgres.DB
	secret  []byte
	most    int
	recheck time.Duration
	wake    chan struct{}

	mu    sync.Mutex
	shelf map[uuid.UUID]*list.Element // of *shelved
	used  *list.List                  // most recently used first
}

// New returns a filter on db. Nothing is loaded until it is asked for.
func New(db *postgres.DB, cfg Config) *Filter {
	if cfg.Models == 0 {
		cfg.Models = 64
	}
	if cfg.Recheck == 0 {
		cfg.Recheck = 5 * time.Second
	}
	return &Filter{
		db: db, secret: cfg.Secret, most: cfg.Models, recheck: cfg.Recheck, wake: make(chan struct{}, 1),
		shelf: make(map[uuid.UUID]*list.Element), used: list.New(),
	}
}

// shelved is one workspace's model in memory.
type shelved struct {
	workspace uuid.UUID
	behind    atomic.Bool // the journal may have gone on
	inUse     atomic.Bool // scored with since the last recheck

	gate    floodGate
	drifted bool // the drift alert was raised; only the follower looks at it

	bring sync.Mutex // held while bringing the model up to date; taken before mu

	mu         sync.RWMutex // guards what follows
	model      *model       // nil until loaded
	thresholds Thresholds
	rules      senderRules
	kept       int64 // seq of the newest snapshot this process knows of
}

// take returns the workspace's place on the shelf, making room if it is new. A model that is put away while it is in use
// is merely forgotten afterwards.
func (f *Filter) take(workspace uuid.UUID) *shelved {
	f.mu.Lock()
	defer f.mu.Unlock()
	if el, ok := f.shelf[workspace]; ok {
		f.used.MoveToFront(el)
		return el.Value.(*shelved)
	}
	s := &shelved{workspace: workspace}
	f.shelf[workspace] = f.used.PushFront(s)
	for f.used.Len() > f.most {
		last := f.used.Back()
		delete(f.shelf, last.Value.(*shelved).workspace)
		f.used.Remove(last)
	}
	return s
}

// Score scores features by the workspace's model as it is in memory. Only the first call for a workspace, or the first
// after its model had to make room, reads the database.
func (f *Filter) Score(ctx context.Context, workspace uuid.UUID, fe Features) (Score, error) {
	s, err := f.ready(ctx, workspace)
	if err != nil {
		return Score{}, err
	}
	return s.score(&fe), nil
}

// score scores by the model, lets the lists have the last word, and looks out for floods.
func (s *shelved) score(fe *Features) Score {
	s.mu.RLock()
	defer s.mu.RUnlock()
	score := s.model.score(fe, s.thresholds)
	if rule, ok := s.rules.find(fe.senders, time.Now()); ok {
		rule.apply(&score)
	}
	s.gate.note(fe, score.Verdict)
	return score
}

// ScoreOf is Score for a document that is yet to be read. A model that has learned nothing weighs no words, so then
// they are not even looked at.
func (f *Filter) ScoreOf(ctx context.Context, workspace uuid.UUID, document func() Document) (Score, error) {
	s, err := f.ready(ctx, workspace)
	if err != nil {
		return Score{}, err
	}
	d := document()
	var fe Features
	if s.learned() {
		fe = f.Features(workspace, d)
	} else {
		fe = coldFeatures(&d)
	}
	return s.score(&fe), nil
}

// ready returns the workspace's place on the shelf with its model loaded.
func (f *Filter) ready(ctx context.Context, workspace uuid.UUID) (*shelved, error) {
	s := f.take(workspace)
	s.inUse.Store(true)
	if s.loaded() {
		return s, nil
	}
	if err := f.load(ctx, s); err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	return s, nil
}

func (s *shelved) learned() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.model.ham+s.model.spam > 0
}

func (s *shelved) loaded() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.model != nil
}

// Refresh brings the workspace's model up to the journal's head now. Run does so by itself.
func (f *Filter) Refresh(ctx context.Context, workspace uuid.UUID) error {
	if err := f.bring(ctx, f.take(workspace)); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	return nil
}

// Status says how far a workspace's filter has come.
type Status struct {
	Ham, Spam         int // messages learned whose judgement stands
	NeedHam, NeedSpam int // messages still missing before the filter calls anything spam or ham
	Seq               int64
	Thresholds        Thresholds
}

// Status returns the state of the workspace's filter at the journal's head.
func (f *Filter) Status(ctx context.Context, workspace uuid.UUID) (Status, error) {
	s := f.take(workspace)
	if err := f.bring(ctx, s); err != nil {
		return Status{}, fmt.Errorf("filter status: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := s.model
	return Status{
		Ham: m.ham, Spam: m.spam, NeedHam: max(MinHam-m.ham, 0), NeedSpam: max(MinSpam-m.spam, 0),
		Seq: m.seq, Thresholds: s.thresholds,
	}, nil
}

// At returns the model as it was when row seq of the workspace's journal was its last: for audits, and to ask what other
// thresholds or an older model would have said. It learns nothing further by itself.
func (f *Filter) At(ctx context.Context, workspace uuid.UUID, seq int64) (*Trial, error) {
	t, err := f.replay(ctx, workspace, func(r *reader) (*model, error) {
		r.upTo = min(seq, r.upTo)
		return r.build()
	})
	if err != nil {
		return nil, fmt.Errorf("filter model at row %d: %w", seq, err)
	}
	return t, nil
}

// Without returns the model that the workspace would have if actor had never judged: to see what taking back all of
// someone's judgements would change.
func (f *Filter) Without(ctx context.Context, workspace uuid.UUID, actor string) (*Trial, error) {
	t, err := f.replay(ctx, workspace, func(r *reader) (*model, error) { return r.buildWithout(actor) })
	if err != nil {
		return nil, fmt.Errorf("filter model without %s: %w", actor, err)
	}
	return t, nil
}

func (f *Filter) replay(ctx context.Context, workspace uuid.UUID, build func(*reader) (*model, error)) (*Trial, error) {
	t := new(Trial)
	err := f.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		h, err := readHead(ctx, tx, workspace)
		if err != nil {
			return err
		}
		m, err := build(&reader{ctx: ctx, tx: tx, workspace: workspace, upTo: h.Seq})
		if err != nil {
			return err
		}
		t.model = *m
		return nil
	})
	return t, err
}
