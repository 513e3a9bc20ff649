package classify

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
)

// disagreement is raised when someone reverses what someone else said.
func disagreement(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, was standing, j Judgement) error {
	if was.seq == 0 || was.actor == j.Actor || j.Verdict == Forget || was.source == SourceAuto {
		return nil
	}
	return alert.Raise(ctx, tx, workspace, alert.Alert{
		Kind: alert.Disagreement, Target: "message:" + j.MessageID.String(),
		What:   fmt.Sprintf("%s said %s, %s says %s; the last word holds", was.actor, was.verdict, j.Actor, j.Verdict),
		Advice: "Look at the message and say what it is. If one of them often errs, see by a dry run what the filter would be without them.",
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

// drift is the alert that the model drifts.
func (m *model) drift() alert.Alert {
	return alert.Alert{
		Kind: alert.Drift, Target: "filter",
		What: fmt.Sprintf("the filter was on the wrong side of %.0f %% of the messages judged lately, and of %.1f %% before",
			100*m.wrongLately, 100*m.wrongAlways),
		Advice: "Look through the latest judgements. Wrong ones can be taken back by a return to the time before; if they are right, mail has changed and the filter is learning it.",
	}
}

// drifts reports whether the model errs far more than it used to.
func (m *model) drifts() bool {
	return m.ham+m.spam >= driftAfter && m.wrongLately > driftTimes*m.wrongAlways+driftMargin
}
