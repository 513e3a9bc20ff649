package control

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// An Alert is something that a person of the workspace has to mend or look at.
type Alert = alert.Alert

// AlertQuery asks for a page of alerts.
type AlertQuery = alert.Query

// Alerts returns a page of the workspace's alerts, of every kind, oldest first.
func (p *Panel) Alerts(ctx context.Context, workspace uuid.UUID, q AlertQuery) (list []Alert, err error) {
	err = p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		list, err = alert.List(ctx, tx, workspace, q)
		return err
	})
	return list, err
}

// marker is alert.Acknowledge or alert.Close.
type marker func(context.Context, pgx.Tx, uuid.UUID, alert.Mark) (Alert, bool, error)

// AcknowledgeAlert notes that actor has seen an alert; it stands as before.
func (p *Panel) AcknowledgeAlert(ctx context.Context, workspace, id uuid.UUID, actor string) (Alert, error) {
	return p.mark(ctx, workspace, alert.Mark{ID: id, Actor: actor}, "alert.acknowledge", alert.Acknowledge)
}

// ResolveAlert takes an alert off; the same trouble again raises a new one.
func (p *Panel) ResolveAlert(ctx context.Context, workspace, id uuid.UUID, actor string) (Alert, error) {
	return p.mark(ctx, workspace, alert.Mark{ID: id, Actor: actor}, "alert.resolve", alert.Close)
}

func (p *Panel) mark(ctx context.Context, workspace uuid.UUID, m alert.Mark, action string, do marker) (a Alert, err error) {
	err = p.change(ctx, workspace, func(tx pgx.Tx) (*audit.Entry, error) {
		var changed bool
		a, changed, err = do(ctx, tx, workspace, m)
		if errors.Is(err, alert.ErrNotFound) {
			err = tickets.ErrNotFound
		}
		if err != nil || !changed {
			return nil, err
		}
		return &audit.Entry{Actor: m.Actor, Action: action, Target: "alert:" + m.ID.String(), Detail: map[string]any{
			"kind": a.Kind, "target": a.Target,
		}}, nil
	})
	return a, err
}
