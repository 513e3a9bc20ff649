package classify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"postroom/internal/alert"
)

// Run keeps the models in memory up to date with their journals until ctx ends, and writes snapshots. It returns nil.
func (f *Filter) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error {
		return f.db.Listen(ctx, channel, f.note)
	})
	g.Go(func() error {
		f.follow(ctx)
		return nil
	})
	return g.Wait()
}

// note marks the models that a notification is about and wakes the follower; "" means that some may have been missed.
func (f *Filter) note(payload string) {
	workspace, err := uuid.Parse(payload)
	f.mu.Lock()
	if err == nil {
		if el, ok := f.shelf[workspace]; ok {
			el.Value.(*shelved).behind.Store(true)
		}
	} else {
		for el := f.used.Front(); el != nil; el = el.Next() {
			el.Value.(*shelved).behind.Store(true)
		}
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *Filter) follow(ctx context.Context) {
	tick := time.NewTicker(f.recheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			f.bringAll(ctx, false)
		case <-tick.C:
			f.bringAll(ctx, true)
		}
	}
}

// bringTogether is how many models are brought up to date at once.
const bringTogether = 2

// bringAll brings up to date the loaded models that are behind and, on a recheck, those used since the last one.
func (f *Filter) bringAll(ctx context.Context, recheck bool) {
	f.mu.Lock()
	var due []*shelved
	for el := f.used.Front(); el != nil; el = el.Next() {
		s := el.Value.(*shelved)
		if s.behind.Load() || recheck && s.inUse.Swap(false) {
			due = append(due, s)
		}
	}
	f.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(bringTogether)
	for _, s := range due {
		g.Go(func() error {
			f.bringOne(ctx, s)
			return nil
		})
	}
	_ = g.Wait() // bringOne logs
}

// bringOne leaves a model that it could not bring up to date marked, for the next recheck.
func (f *Filter) bringOne(ctx context.Context, s *shelved) {
	if !s.loaded() {
		return
	}
	err := f.bring(ctx, s)
	if err == nil {
		err = f.keep(ctx, s)
	}
	if err == nil {
		err = f.warn(ctx, s)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.behind.Store(true)
		slog.WarnContext(ctx, "filter model not brought up to date", "workspace", s.workspace, "err", err)
	}
}

// warn writes the alerts that scoring and learning have given rise to.
func (f *Filter) warn(ctx context.Context, s *shelved) error {
	var alerts []alert.Alert
	if a := s.gate.take(); a != nil {
		alerts = append(alerts, *a)
	}
	s.mu.RLock()
	if m := s.model; m.drifts() && !s.drifted {
		alerts = append(alerts, m.drift())
	}
	drifted := s.model.drifts()
	s.mu.RUnlock()
	s.drifted = drifted
	if len(alerts) == 0 {
		return nil
	}
	return f.db.InWorkspace(ctx, s.workspace, func(tx pgx.Tx) error {
		for _, a := range alerts {
			if err := alert.Raise(ctx, tx, s.workspace, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// bring brings s up to the journal's head: by learning what is new, or by a new model if a judgement was replaced.
// Scores go on by the old state meanwhile.
func (f *Filter) bring(ctx context.Context, s *shelved) error {
	s.bring.Lock()
	defer s.bring.Unlock()
	return f.bringLocked(ctx, s)
}

// load brings s into memory unless someone else has just done so.
func (f *Filter) load(ctx context.Context, s *shelved) error {
	s.bring.Lock()
	defer s.bring.Unlock()
	if s.model != nil {
		return nil
	}
	return f.bringLocked(ctx, s)
}

func (f *Filter) bringLocked(ctx context.Context, s *shelved) error {
	s.behind.Store(false)
	return f.db.InWorkspace(ctx, s.workspace, func(tx pgx.Tx) error {
		h, err := readHead(ctx, tx, s.workspace)
		if err != nil {
			return err
		}
		r := reader{ctx: ctx, tx: tx, workspace: s.workspace, upTo: h.Seq}
		if s.model != nil {
			if err := r.advance(s); err != nil && !errors.Is(err, errReplaced) {
				return err
			}
		}
		if s.model == nil || s.model.seq != h.Seq {
			m, err := r.build()
			if err != nil {
				return err
			}
			s.mu.Lock()
			s.model = m
			s.mu.Unlock()
		}
		rules, err := f.readRules(ctx, tx, s.workspace)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.thresholds, s.rules = Thresholds{h.HamBelow, h.SpamFrom}, rules
		s.mu.Unlock()
		return nil
	})
}
