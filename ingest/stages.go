package ingest

import (
	"context"
	"errors"
	"time"

	"postroom/classify"
	"postroom/ingest/mail"
)

// parse reads the MIME: received → parsed. A mail that would cost more than one
// message may is held with that cause; any other can be read, if only in part.
func (p *Pipeline) parse(_ context.Context, j *job) error {
	start := time.Now()
	err := p.open(j)
	took := time.Since(start)
	p.metrics.stage("parse", took)
	var over *mail.BudgetError
	if errors.As(err, &over) && j.judged != classify.Ham {
		j.decided = ending{stage: Held, cause: CauseOverBudget, reason: over.Error()}
		j.note("parse", "over budget", took, map[string]any{"limit": over.Limit, "max": over.Max, "got": over.Got})
		return nil
	}
	if err != nil && over == nil {
		return err
	}
	detail := map[string]any{"parts": len(j.mail.Parts)}
	if len(j.mail.Defects) > 0 {
		detail["defects"] = j.mail.Defects
	}
	if j.mail.Automatic.Kind != "" {
		detail["automatic"] = j.mail.Automatic.Kind
	}
	j.note("parse", "read", took, detail)
	j.stage = Parsed
	return nil
}

// open parses the raw bytes unless that was done already. On a *mail.BudgetError
// what was read so far is there all the same.
func (p *Pipeline) open(j *job) error {
	if j.mail != nil {
		return nil
	}
	m, err := mail.Parse(j.raw, p.limits.Budget)
	j.mail = m
	return err
}

// reread parses a message that rested behind its parsing: what was read is not
// kept, because it is a function of the raw bytes.
func (p *Pipeline) reread(_ context.Context, j *job) error {
	var over *mail.BudgetError
	if err := p.open(j); err != nil && !errors.As(err, &over) {
		return err
	}
	return nil
}

// rate asks the filter: parsed → scored.
func (p *Pipeline) rate(ctx context.Context, j *job) error {
	if err := p.reread(ctx, j); err != nil {
		return err
	}
	start := time.Now()
	score, err := p.filter.ScoreOf(ctx, j.workspace, func() classify.Document { return Evidence(j.mail, j.envelope) })
	if err != nil {
		return err
	}
	took := time.Since(start)
	p.metrics.stage("score", took)
	j.worded, j.score = score, score
	j.note("score", string(score.Verdict), took, map[string]any{
		"p": score.P, "reason": score.Reason, "model": score.ModelSeq,
	})
	j.stage = Scored
	return nil
}
