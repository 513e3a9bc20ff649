package classify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Alert is something about the filter that a person should look at.
type Alert struct {
	ID      uuid.UUID
	Kind    AlertKind
	Subject string // what it is about: a message, a model, a group of look-alikes
	Detail  string // for people
	Count   int    // how often it was raised since it was last seen
	At      time.Time
	SeenAt  *time.Time
	SeenBy  *string
}

// An AlertKind says what happened.
type AlertKind string

// The kinds of alerts.
const (
	AlertDisagreement AlertKind = "disagreement" // two trainers say the opposite of one message
	AlertDrift        AlertKind = "drift"        // the filter errs far more than it used to
	AlertFlood        AlertKind = "flood"        // many messages that look alike within a short time
	AlertOneSided     AlertKind = "one-sided"    // learning from replies was held back: too little spam is judged
)

const raiseAlert = `
insert into classify_alert (workspace_id, id, kind, subject, detail) values ($1, $2, $3, $4, $5)
on conflict (workspace_id, kind, subject) where seen_at is null
do update set count = classify_alert.count + 1, detail = $5, at = now()`

// raise writes an alert, or counts it on one that nobody has seen yet.
func raise(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, a Alert) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, raiseAlert, workspace, id, a.Kind, a.Subject, a.Detail); err != nil {
		return fmt.Errorf("alert of %s: %w", a.Kind, err)
	}
	return nil
}

// Alerts lists the newest alerts; unseen says to leave out those that were seen.
func (f *Filter) Alerts(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, unseen bool, limit int) ([]Alert, error) {
	const list = `
select id, kind, subject, detail, count, at, seen_at, seen_by from classify_alert
where workspace_id = $1 and (not $2 or seen_at is null) order by at desc, id limit $3`
	rows, err := tx.Query(ctx, list, workspace, unseen, limit)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	alerts, err := pgx.CollectRows(rows, pgx.RowToStructByName[Alert])
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return alerts, nil
}

// SeeAlert notes that actor has seen an alert; the same again starts a new one.
func (f *Filter) SeeAlert(ctx context.Context, tx pgx.Tx, workspace, id uuid.UUID, actor string) error {
	const see = `update classify_alert set seen_at = now(), seen_by = $3 where workspace_id = $1 and id = $2 and seen_at is null`
	if _, err := tx.Exec(ctx, see, workspace, id, actor); err != nil {
		return fmt.Errorf("alert %s: %w", id, err)
	}
	return nil
}

// disagreement is raised when someone reverses what someone else said.
func disagreement(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, was standing, j Judgement) error {
	if was.seq == 0 || was.actor == j.Actor || j.Verdict == Forget || was.source == SourceAuto {
		return nil
	}
	return raise(ctx, tx, workspace, Alert{
		Kind: AlertDisagreement, Subject: "message:" + j.MessageID.String(),
		Detail: fmt.Sprintf("%s said %s, %s says %s; the last word holds", was.actor, was.verdict, j.Actor, j.Verdict),
	})
}

// The drift alert compares how often the model was on the wrong side lately with how often it always was.
const (
	driftLately = 1.0 / 50   // weight of the newest judgement in the short memory
	driftAlways = 1.0 / 1000 // and in the long one
	driftAfter  = 300        // judgements before the long memory means something
	driftTimes  = 3          // so many times the long memory,
	driftMargin = 0.05       // and so much more, is drift: three errors in the last fifty are chance
)

// watch takes in whether the model was wrong about a message before it learned it.
func (m *model) watch(wrong bool) {
	w := 0.0
	if wrong {
		w = 1
	}
	m.wrongLately += float64(driftLately * (w - m.wrongLately))
	m.wrongAlways += float64(driftAlways * (w - m.wrongAlways))
}

// drifts reports whether the model errs far more than it used to.
func (m *model) drifts() bool {
	return m.ham+m.spam >= driftAfter && m.wrongLately > driftTimes*m.wrongAlways+driftMargin
}
