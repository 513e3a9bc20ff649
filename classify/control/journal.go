package control

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/tickets/audit"
)

// Journal returns a page of the training journal, newest first.
func (p *Panel) Journal(ctx context.Context, workspace uuid.UUID, q classify.JournalQuery) (list []classify.Entry, err error) {
	err = p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		list, err = p.filter.Journal(ctx, tx, workspace, q)
		return err
	})
	return list, err
}

// Return takes judgements back and returns how many messages that changed. What was
// filed or held by them stays where it is.
func (p *Panel) Return(ctx context.Context, workspace uuid.UUID, r classify.Return) (changed int, err error) {
	err = p.change(ctx, workspace, func(tx pgx.Tx) (*audit.Entry, error) {
		if changed, err = p.filter.Return(ctx, tx, workspace, r); err != nil || changed == 0 {
			return nil, err
		}
		return &audit.Entry{Actor: r.Actor, Action: "filter.return", Target: "filter", Detail: map[string]any{
			"to": r.To.UTC(), "of": r.Of, "changed": changed,
		}}, nil
	})
	return changed, err
}

// Trace names the training messages behind a score's tokens, in place.
func (p *Panel) Trace(ctx context.Context, workspace uuid.UUID, s *classify.Score) error {
	return p.filter.Trace(ctx, workspace, s)
}

// Dry says what the filter would have done, by the workspace's journal.
func (p *Panel) Dry(ctx context.Context, workspace uuid.UUID, d classify.DryRun) (classify.History, error) {
	select {
	case p.replay <- struct{}{}:
		defer func() { <-p.replay }()
	case <-ctx.Done():
		return classify.History{}, fmt.Errorf("wait for a dry run before: %w", ctx.Err())
	}
	h, err := p.filter.Dry(ctx, workspace, d)
	return h, asked(err, "to")
}
