package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/tickets"
	"postroom/tickets/audit"
)

const lockMessageSQL = messageSQL + ` for no key update of m`

// Judge records what a person says of a message: ham, spam, or "" to take it
// back. The filter learns it, and the message follows: spam leaves its ticket
// and is held, ham is released and filed. Each is undone exactly by the other.
func (p *Pipeline) Judge(ctx context.Context, workspace uuid.UUID, actor string, id uuid.UUID, v classify.Verdict) (Message, error) {
	if v != classify.Ham && v != classify.Spam && v != classify.Forget {
		return Message{}, &tickets.InvalidError{Field: "verdict", Reason: fmt.Sprintf("%q is neither ham nor spam", v)}
	}
	m, err := p.Message(ctx, workspace, id)
	if err != nil {
		return Message{}, err
	}
	fe, err := p.features(ctx, workspace, m)
	if err != nil {
		return Message{}, fmt.Errorf("judge message %s: %w", id, err)
	}
	err = p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		chain, err := audit.Open(ctx, tx, workspace)
		if err != nil {
			return err
		}
		if m, err = readMessage(ctx, tx, lockMessageSQL, workspace, id); err != nil {
			return err
		}
		if _, err := p.filter.Train(ctx, tx, workspace, classify.Judgement{
			MessageID: id, Verdict: v, Actor: actor, Source: classify.SourceAdmin, Features: fe,
		}); err != nil {
			return err
		}
		return p.applyJudgement(ctx, tx, workspace, chain, actor, m, v)
	})
	if err != nil {
		return Message{}, fmt.Errorf("judge message %s: %w", id, err)
	}
	p.poke()
	return p.Message(ctx, workspace, id)
}

// A move is what a judgement does to a message's row.
type move struct {
	stage  Stage
	cause  Cause
	reason string
}

// moveFor decides what becomes of a message once a person has spoken.
func moveFor(m Message, v classify.Verdict, actor string) move {
	spam := v == classify.Spam || v == classify.Forget && m.Verdict != nil && *m.Verdict == string(classify.Spam)
	stay := move{stage: m.Stage}
	if m.Cause != nil {
		stay.cause, stay.reason = *m.Cause, *m.Reason
	} else if m.Reason != nil {
		stay.reason = *m.Reason
	}
	switch {
	case m.Stage == Filed && spam:
		return move{Held, CauseSpam, "marked as spam by " + actor}
	case m.Stage == Held && v == classify.Ham, m.Stage == Held && !spam && stay.cause == CauseSpam:
		if m.TicketID != nil {
			return move{Filed, "", "back on its ticket: released by " + actor}
		}
		// Never filed: the pipeline files it as it would any other.
		return move{Received, "", "released by " + actor}
	}
	return stay
}

const moveSQL = `
	update message set judged = $3, stage = $4, cause = $5, reason = $6, trail = trail || $7::jsonb, attempt = attempt + 1,
		done_at = case when $4 = 'received' then null else done_at end
	where workspace_id = $1 and id = $2`

// A job that is begun anew takes the message away from a worker who may have it in
// hand: its attempt lies behind all that there were. It is another row than the
// old one, so that whoever claims at this moment, and sees the message as it was
// before, claims nothing.
const queueAnewSQL = `
	with gone as (delete from job where workspace_id = $1 and message_id = $2 returning attempt)
	insert into job (workspace_id, message_id, stage, received_at, due_at, attempt, attempt_base)
	select m.workspace_id, m.id, m.stage, m.received_at, now(), a.last + 1, a.last + 1
	from message m
	cross join lateral (select greatest(m.attempt, (select max(attempt) from gone)) as last) a
	where m.workspace_id = $1 and m.id = $2 and m.stage in ('received', 'parsed', 'scored')`

// queueAnew gives a message whose row was changed the job that its stage asks for,
// or none.
func queueAnew(b *pgx.Batch, workspace, message uuid.UUID) {
	b.Queue(queueAnewSQL, workspace, message)
}

// A mover puts a message where someone's word, or a replay, has it.
type mover struct {
	workspace uuid.UUID
	actor     string
	step      string // of the passport, and the verb of the audit record
	judged    string // the person's verdict from now on
}

func (p *Pipeline) applyJudgement(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, chain *audit.Chain, actor string, m Message, v classify.Verdict) error {
	return mover{workspace, actor, "judge", string(v)}.move(ctx, tx, chain, m, moveFor(m, v, actor))
}

// move changes a message's row, takes it off its ticket or puts it back, and
// records both. Raising the attempt takes the message away from a worker who may
// have it in hand.
func (mv mover) move(ctx context.Context, tx pgx.Tx, chain *audit.Chain, m Message, to move) error {
	if m.TicketID != nil && to.stage != m.Stage {
		if err := tickets.Hide(ctx, tx, mv.workspace, chain, mv.actor, *m.TicketID, m.ID, to.stage == Held); err != nil {
			return err
		}
	}
	detail := map[string]any{"actor": mv.actor, "verdict": mv.judged, "was": m.Stage}
	step, err := json.Marshal([]Step{{Step: mv.step, At: time.Now().UTC(), Outcome: string(to.stage), Detail: detail}})
	if err != nil {
		return err
	}
	if err := chain.Add(audit.Entry{Actor: mv.actor, Action: "message." + mv.step, Target: "message:" + m.ID.String(), Detail: map[string]any{
		"verdict": mv.judged, "before": m.Judged, "from": m.Stage, "to": to.stage,
	}}); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(moveSQL, mv.workspace, m.ID, nilIfZero(mv.judged), to.stage, nilIfZero(string(to.cause)), nilIfZero(to.reason), mail.Clean(string(step)))
	queueAnew(b, mv.workspace, m.ID)
	chain.Queue(b)
	return tx.SendBatch(ctx, b).Close()
}

const retrySQL = `
	update message set stage = 'received', cause = null, reason = null, done_at = null,
		attempt = attempt + 1, trail = trail || $3::jsonb
	where workspace_id = $1 and id = $2 and (stage = 'failed' or stage in ('received', 'parsed', 'scored') and cause = 'retry')`

// Retry sends a dead letter, or a message that waits for another attempt, through
// the pipeline again, at once. A message in any other state is
// tickets.ErrConflict.
func (p *Pipeline) Retry(ctx context.Context, workspace uuid.UUID, actor string, id uuid.UUID) (Message, error) {
	step, err := json.Marshal([]Step{{Step: "retry", At: time.Now().UTC(), Outcome: string(Received), Detail: map[string]any{"actor": actor}}})
	if err != nil {
		return Message{}, err
	}
	err = p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		m, err := readMessage(ctx, tx, messageSQL, workspace, id)
		if err != nil {
			return err
		}
		if err := audit.Write(ctx, tx, workspace, audit.Entry{Actor: actor, Action: "message.retry", Target: "message:" + id.String()}); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, retrySQL, workspace, id, string(step))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &tickets.ConflictError{Reason: fmt.Sprintf("Only a message that has failed, or that waits for another attempt, can be tried again; this one is %s. Leave it, or change what it is by a verdict.", m.Stage)}
		}
		b := &pgx.Batch{}
		queueAnew(b, workspace, id)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return Message{}, fmt.Errorf("retry message %s: %w", id, err)
	}
	p.poke()
	return p.Message(ctx, workspace, id)
}
