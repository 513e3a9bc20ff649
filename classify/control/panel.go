// Package control is what people do with a workspace's filter, beside judging mail:
// its settings, the lists of senders, the journal and the way back in it, questions of
// what would have been, and alerts.
//
// Each change is made in one transaction with its audit record. The package decides
// nothing about mail: what a rule or a threshold means is package classify's.
package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/internal/postgres"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// A Panel controls the filters of all workspaces of one database. It is safe for
// concurrent use.
type Panel struct {
	db     *postgres.DB
	filter *classify.Filter
	replay chan struct{} // held while a journal is gone through
}

// replaysAtOnce is how many journals one process goes through at a time: each keeps a
// core busy for seconds, and mail goes first.
const replaysAtOnce = 1

// New returns the panel of filter, which works on db.
func New(db *postgres.DB, filter *classify.Filter) *Panel {
	return &Panel{db: db, filter: filter, replay: make(chan struct{}, replaysAtOnce)}
}

// change does something to a workspace's filter and records it. The audit's chain is
// locked first, as everywhere, so that changes of one workspace stand in one order.
// do returns the entry to be recorded, or nil if nothing was changed. It is called a
// second time if the first one collided.
func (p *Panel) change(ctx context.Context, workspace uuid.UUID, do func(pgx.Tx) (*audit.Entry, error)) error {
	err := p.changeOnce(ctx, workspace, do)
	if postgres.Collided(err) {
		err = p.changeOnce(ctx, workspace, do)
	}
	return err
}

func (p *Panel) changeOnce(ctx context.Context, workspace uuid.UUID, do func(pgx.Tx) (*audit.Entry, error)) error {
	return p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		chain, err := audit.Open(ctx, tx, workspace)
		if err != nil {
			return err
		}
		entry, err := do(tx)
		if err != nil || entry == nil {
			return err
		}
		if err := chain.Add(*entry); err != nil {
			return err
		}
		b := &pgx.Batch{}
		chain.Queue(b)
		return tx.SendBatch(ctx, b).Close()
	})
}

// asked turns what the filter refuses into what callers of the desk know.
func asked(err error, field string) error {
	switch {
	case errors.Is(err, classify.ErrThresholds):
		return &tickets.InvalidError{Field: "spam_from", Reason: "thresholds are probabilities, and ham_below is at most spam_from"}
	case errors.Is(err, classify.ErrSenderRule), errors.Is(err, classify.ErrLongJournal):
		return &tickets.InvalidError{Field: field, Reason: err.Error()}
	}
	return err
}

// Settings returns what the workspace has decided about its filter.
func (p *Panel) Settings(ctx context.Context, workspace uuid.UUID) (s classify.Settings, err error) {
	err = p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		s, err = p.filter.Settings(ctx, tx, workspace, false)
		return err
	})
	return s, err
}

// A Setting is a change of settings.
type Setting struct {
	Actor string
	To    classify.Settings
	// Agreed, if not nil, is shown the settings as they stand, locked; its error ends the change.
	Agreed func(classify.Settings) error
}

// Set changes the workspace's settings. Models follow within moments.
func (p *Panel) Set(ctx context.Context, workspace uuid.UUID, s Setting) error {
	err := p.change(ctx, workspace, func(tx pgx.Tx) (*audit.Entry, error) {
		was, err := p.filter.Settings(ctx, tx, workspace, true)
		if err == nil && s.Agreed != nil {
			err = s.Agreed(was)
		}
		if err != nil || was == s.To {
			return nil, err
		}
		if err := p.filter.SetThresholds(ctx, tx, workspace, s.To.Thresholds); err != nil {
			return nil, err
		}
		if err := p.filter.SetLearnReplies(ctx, tx, workspace, s.To.LearnReplies); err != nil {
			return nil, err
		}
		return &audit.Entry{Actor: s.Actor, Action: "filter.set", Target: "filter", Detail: map[string]any{
			"from": detail(was), "to": detail(s.To),
		}}, nil
	})
	if err = asked(err, "spam_from"); err != nil {
		return fmt.Errorf("set filter: %w", err)
	}
	return nil
}

func detail(s classify.Settings) map[string]any {
	return map[string]any{"ham_below": s.HamBelow, "spam_from": s.SpamFrom, "learn_replies": s.LearnReplies}
}
