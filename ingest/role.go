package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/tickets/audit"
)

// What the folder of a polled mailbox holds, when it is not mail to us.
const (
	RoleSent = "sent" // written elsewhere by our own people
	RoleJunk = "junk"
)

// junkBalance is how many spam there may be for each ham before Junk folders are
// no longer learned from: beyond it the rarer class would drown. classify.MinSpam
// are always welcome.
const junkBalance = 4

const (
	junkReason = "lay in the junk folder"
	sentReason = "sent from this mailbox, and on no ticket"
)

// ours reports whether our own people wrote the message, so that it may join a
// ticket and opens none. One that a person has released is filed as any other.
func (j *job) ours() bool { return j.envelope.Role == RoleSent && j.judged != classify.Ham }

// judgement is what a person has said of the message, "" for nothing.
func (m Message) judgement() classify.Verdict {
	if m.Judged == nil {
		return ""
	}
	return classify.Verdict(*m.Judged)
}

// rank says when a message is filed within its batch: what our own people wrote
// comes last, because the ticket that it joins may be opened by the same batch.
func (j *job) rank() int {
	if j.ours() {
		return 1
	}
	return 0
}

// aside reports whether the message comes from a folder that holds no mail to us.
func (j *job) aside() bool { return j.envelope.Role == RoleSent || j.envelope.Role == RoleJunk }

// unrated takes mail of our own past the filter: parsed → scored.
func (p *Pipeline) unrated(_ context.Context, j *job) error {
	j.note("score", "not asked", 0, map[string]any{"reason": "our own people wrote it"})
	j.stage = Scored
	return nil
}

const againSQL = `
	update message set stage = 'received', cause = null, reason = null, done_at = null, attempt = attempt + 1, trail = trail || $3::jsonb
	where workspace_id = $1 and id = $2 and stage = 'held' and cause = 'sent'`

// queueCalled sends held messages of our own through the pipeline again: mail to
// which they may belong has been filed. It reports whether there were any.
func (f *filing) queueCalled(b *pgx.Batch) (bool, error) {
	ids := f.filer.Called()
	if len(ids) == 0 {
		return false, nil
	}
	step, err := json.Marshal([]Step{{Step: "release", At: time.Now().UTC(), Outcome: string(Received), Detail: map[string]any{
		"reason": "mail was filed to which it may belong",
	}}})
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if err := f.chain.Add(audit.Entry{Actor: "pipeline", Action: "message.release", Target: "message:" + id.String()}); err != nil {
			return false, err
		}
		b.Queue(againSQL, f.workspace, id, mail.Clean(string(step)))
		queueAnew(b, f.workspace, id)
	}
	return true, nil
}

const unjudgedSQL = `
	select id from message where workspace_id = $1 and id = any ($2) and judged is null and stage = 'held'
	order by id for no key update`

// learnJunk teaches the filter what lay in a Junk folder, where that is asked for
// and the filter did not know. It is weak evidence: a person's word on the
// same message replaces it, and it stops while spam outweighs ham. A mail is not
// worth failing for it.
func (p *Pipeline) learnJunk(ctx context.Context, workspace uuid.UUID, group []*job) {
	junk := map[uuid.UUID]*job{}
	var ids []uuid.UUID
	for _, j := range group {
		if j.envelope.Role == RoleJunk && j.envelope.Learn && j.end.stage == Held && j.end.cause == CauseSpam &&
			j.judged == "" && j.mail != nil && j.worded.Verdict != classify.Spam {
			junk[j.id], ids = j, append(ids, j.id)
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := guarded(ctx, func() error { return p.teach(ctx, workspace, ids, junk) }); err != nil {
		slog.WarnContext(ctx, "junk could not be learned from", "workspace", workspace, "messages", len(ids), "err", err)
	}
}

func (p *Pipeline) teach(ctx context.Context, workspace uuid.UUID, ids []uuid.UUID, junk map[uuid.UUID]*job) error {
	st, err := p.filter.Status(ctx, workspace)
	if err != nil {
		return err
	}
	room := classify.MinSpam + junkBalance*st.Ham - st.Spam
	if room < len(ids) {
		slog.InfoContext(ctx, "junk is not learned while spam outweighs ham", "workspace", workspace, "ham", st.Ham, "spam", st.Spam)
		ids = ids[:max(room, 0)]
	}
	return p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, unjudgedSQL, workspace, ids)
		if err != nil {
			return err
		}
		still, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		for _, id := range still {
			j := junk[id]
			if _, err := p.filter.Train(ctx, tx, workspace, classify.Judgement{
				MessageID: id, Verdict: classify.Spam, Actor: "junk folder", Source: classify.SourceAuto,
				Features: p.filter.Features(workspace, Evidence(j.mail, j.envelope)),
			}); err != nil {
				return fmt.Errorf("message %s: %w", id, err)
			}
		}
		return nil
	})
}
