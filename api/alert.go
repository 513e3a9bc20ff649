package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify/control"
)

// An Alert is something that a person has to mend or to look at.
type Alert struct {
	ID             string     `json:"id" doc:"Opaque."`
	Kind           string     `json:"kind" doc:"What sort of trouble it is, stable, for programs." example:"mailbox_refused"`
	Target         string     `json:"target" doc:"What it is about." example:"mailbox:0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908"`
	What           string     `json:"what" doc:"What happened."`
	Advice         string     `json:"advice" doc:"What to do next."`
	Count          int        `json:"count" doc:"How often it was raised while it stood."`
	RaisedAt       time.Time  `json:"raised_at"`
	SeenAt         time.Time  `json:"seen_at" doc:"When it was last found to be so."`
	AcknowledgedAt *time.Time `json:"acknowledged_at" doc:"When a person said that they had seen it."`
	AcknowledgedBy *string    `json:"acknowledged_by"`
	ResolvedAt     *time.Time `json:"resolved_at" doc:"Since when it does not stand any more."`
	ResolvedBy     *string    `json:"resolved_by" doc:"Null when it went by itself."`
}

func showAlert(a control.Alert) Alert {
	return Alert{
		a.ID.String(), string(a.Kind), a.Target, a.What, a.Advice, a.Count, a.RaisedAt.UTC(), a.SeenAt.UTC(),
		utc(a.AcknowledgedAt), a.AcknowledgedBy, utc(a.ResolvedAt), a.ResolvedBy,
	}
}

type (
	alertsIn struct {
		PageIn
		Resolved bool `query:"resolved" doc:"Also those that do not stand any more."`
	}
	alertIn struct {
		Alert string `path:"alert" doc:"The alert's id."`
	}
)

func (s *server) addAlerts() {
	tags := []string{"operation"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/alerts", Tags: tags, Summary: "List what has to be mended or looked at",
		Description: "Alerts that stand, oldest first. Those of mailboxes go by themselves when the thing works again; those of the filter stay until a person resolves them.",
	}, s.listAlerts)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "acknowledge-alert", Method: http.MethodPost, Path: "/alerts/{alert}/acknowledgement", Tags: tags,
		Summary: "Say that an alert was seen", Description: "It stands as before. Only the first one is noted.",
	}, s.acknowledgeAlert)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "resolve-alert", Method: http.MethodPost, Path: "/alerts/{alert}/resolution", Tags: tags,
		Summary: "Resolve an alert", Description: "The same trouble again raises a new one.",
	}, s.resolveAlert)
}

func (s *server) listAlerts(ctx context.Context, workspace uuid.UUID, in *alertsIn) (*pageOut[Alert], error) {
	after, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := s.filter.Alerts(ctx, workspace, control.AlertQuery{Resolved: in.Resolved, After: after, Limit: in.Size + 1})
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showAlert, func(a control.Alert) string { return a.ID.String() }), nil
}

func (s *server) acknowledgeAlert(ctx context.Context, workspace uuid.UUID, in *alertIn) (*changed[Alert], error) {
	return s.markAlert(ctx, workspace, in, s.filter.AcknowledgeAlert)
}

func (s *server) resolveAlert(ctx context.Context, workspace uuid.UUID, in *alertIn) (*changed[Alert], error) {
	return s.markAlert(ctx, workspace, in, s.filter.ResolveAlert)
}

func (s *server) markAlert(
	ctx context.Context, workspace uuid.UUID, in *alertIn, mark func(ctx context.Context, workspace, id uuid.UUID, actor string) (control.Alert, error),
) (*changed[Alert], error) {
	id, err := parseID(in.Alert)
	if err != nil {
		return nil, err
	}
	a, err := mark(ctx, workspace, id, auth.From(ctx).Actor)
	if err != nil {
		return nil, err
	}
	return &changed[Alert]{showAlert(a)}, nil
}
