package classify

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrThresholds is returned for thresholds that are not probabilities in ascending order.
var ErrThresholds = errors.New("thresholds out of order")

// check returns ErrThresholds for what cannot be thresholds.
func (t Thresholds) check() error {
	if !(0 <= t.HamBelow && t.HamBelow <= t.SpamFrom && t.SpamFrom <= 1) {
		return fmt.Errorf("%w: ham below %v, spam from %v", ErrThresholds, t.HamBelow, t.SpamFrom)
	}
	return nil
}

// Settings are what a workspace decides about its filter.
type Settings struct {
	Thresholds
	LearnReplies bool // an agent's reply to a message counts as a weak ham
}

// Settings returns the workspace's settings, and holds them until the caller's transaction ends if it means to change them.
func (f *Filter) Settings(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, change bool) (Settings, error) {
	if change {
		if _, err := tx.Exec(ctx, lockHead, workspace); err != nil {
			return Settings{}, fmt.Errorf("filter settings: %w", err)
		}
	}
	h, err := readHead(ctx, tx, workspace)
	return Settings{Thresholds{h.HamBelow, h.SpamFrom}, h.LearnReplies}, err
}

// SetThresholds sets the workspace's thresholds in the caller's transaction; models follow after the commit.
func (f *Filter) SetThresholds(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, t Thresholds) error {
	if err := t.check(); err != nil {
		return err
	}
	const set = `
insert into classify_head (workspace_id, ham_below, spam_from) values ($1, $2, $3)
on conflict (workspace_id) do update set ham_below = $2, spam_from = $3
returning pg_notify('` + channel + `', workspace_id::text)::text`
	if _, err := tx.Exec(ctx, set, workspace, t.HamBelow, t.SpamFrom); err != nil {
		return fmt.Errorf("set thresholds: %w", err)
	}
	return nil
}
