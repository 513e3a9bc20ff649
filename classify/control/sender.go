package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// Senders returns a page of the allow and block lists.
func (p *Panel) Senders(ctx context.Context, workspace uuid.UUID, q classify.SenderQuery) (list []classify.SenderRule, err error) {
	err = p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		list, err = p.filter.Senders(ctx, tx, workspace, q)
		return err
	})
	return list, err
}

// List puts a sender on the allow list (Ham) or the block list (Spam), instead of what
// was said of the sender before, and returns the rule as it is kept.
func (p *Panel) List(ctx context.Context, workspace uuid.UUID, r classify.SenderRule) (classify.SenderRule, error) {
	if r.ExpiresAt != nil && !r.ExpiresAt.After(time.Now()) {
		return r, &tickets.InvalidError{Field: "expires_at", Reason: "it is past; give a time to come, or none"}
	}
	err := p.change(ctx, workspace, func(tx pgx.Tx) (_ *audit.Entry, err error) {
		if r, err = p.filter.SetSender(ctx, tx, workspace, r); err != nil {
			return nil, err
		}
		action := "filter.allow"
		if r.Verdict == classify.Spam {
			action = "filter.block"
		}
		return &audit.Entry{Actor: r.Actor, Action: action, Target: "sender:" + r.Pattern, Detail: map[string]any{"expires_at": r.ExpiresAt}}, nil
	})
	if err = asked(err, "sender"); err != nil {
		return r, fmt.Errorf("list sender: %w", err)
	}
	return r, nil
}

// Unlist takes a sender off its list, or returns tickets.ErrNotFound.
func (p *Panel) Unlist(ctx context.Context, workspace uuid.UUID, actor, sender string) error {
	return p.change(ctx, workspace, func(tx pgx.Tx) (*audit.Entry, error) {
		removed, err := p.filter.RemoveSender(ctx, tx, workspace, sender)
		if err == nil && !removed {
			err = tickets.ErrNotFound
		}
		if err != nil {
			return nil, fmt.Errorf("unlist sender: %w", err)
		}
		return &audit.Entry{Actor: actor, Action: "filter.unlist", Target: "sender:" + strings.ToLower(sender)}, nil
	})
}
