package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/internal/vault"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// A Replay runs the mails of a period through parser, filter and threading as
// they are today, and tells what would differ.
type Replay struct {
	Workspace uuid.UUID
	From, To  time.Time // received at or after From and before To
	Apply     bool      // make it so, where nothing a person did would be undone
	Actor     string
	Told      func(Difference)
	Progress  func(done, total int64) // nil when nobody watches
}

// A Difference is one thing that is another today.
type Difference struct {
	Message Message
	What    string // verdict, subject, sender, message-id, readable, ticket
	Before  string
	After   string
	Applied bool
	Kept    string // why it was not applied
}

// replayPage is how many messages are replayed between two looks at the table.
const replayPage = 200

const (
	periodSQL = `
		select ` + messageColumns + ` from message m
		where workspace_id = $1 and received_at >= $2 and received_at < $3 and id > $4
			and stage in ('filed', 'held', 'duplicate', 'failed')
		order by id limit $5`
	periodCountSQL = `
		select count(*) from message where workspace_id = $1 and received_at >= $2 and received_at < $3
			and stage in ('filed', 'held', 'duplicate', 'failed')`
)

// Replay runs r and returns how many messages it looked at. Messages that still
// wait are left to the pipeline.
func (p *Pipeline) Replay(ctx context.Context, r Replay) (int64, error) {
	var total, done int64
	paper := p.desk.Rethread(r.Workspace, r.From)
	actual := map[uuid.UUID]uuid.UUID{}        // message of the period → its ticket
	after := firstID(r.From.Add(-time.Minute)) // ids and arrival are of the same clock, and a little apart
	for {
		var page []Message
		err := p.db.InWorkspace(ctx, r.Workspace, func(tx pgx.Tx) error {
			if total == 0 {
				if err := tx.QueryRow(ctx, periodCountSQL, r.Workspace, r.From, r.To).Scan(&total); err != nil {
					return err
				}
			}
			rows, err := tx.Query(ctx, periodSQL, r.Workspace, r.From, r.To, after, replayPage)
			if err != nil {
				return err
			}
			page, err = pgx.CollectRows(rows, pgx.RowToStructByName[Message])
			return err
		})
		if err != nil {
			return done, fmt.Errorf("replay: %w", err)
		}
		if len(page) == 0 {
			return done, nil
		}
		if err := p.replayThese(ctx, r, page, paper, actual); err != nil {
			return done, fmt.Errorf("replay: %w", err)
		}
		after = page[len(page)-1].ID
		if done += int64(len(page)); r.Progress != nil {
			r.Progress(done, total)
		}
	}
}

// again is one message as it is read and scored today.
type again struct {
	Message
	mail  *mail.Mail
	over  *mail.BudgetError
	score classify.Score
}

func (p *Pipeline) replayThese(ctx context.Context, r Replay, page []Message, paper *tickets.Rethread, actual map[uuid.UUID]uuid.UUID) error {
	var filed []again
	var arrivals []tickets.Arrival
	for _, m := range page {
		a, err := p.readAgain(ctx, r.Workspace, m)
		if err != nil {
			if !errors.Is(err, tickets.ErrNotFound) && !errors.Is(err, vault.ErrSealed) {
				return fmt.Errorf("replay message %s: %w", m.ID, err) // no fault of the mail's
			}
			r.Told(Difference{Message: m, What: "readable", Before: "stored", After: plain(err), Kept: "see postroom doctor --raw"})
			continue
		}
		for _, d := range a.differences() {
			if err := p.apply(ctx, r, a, &d); err != nil {
				return err
			}
			r.Told(d)
		}
		if m.Stage == Filed {
			j := job{id: m.ID, mailbox: m.MailboxID, receivedAt: m.ReceivedAt, envelope: m.Envelope, mail: a.mail, judged: m.judgement()}
			filed, arrivals = append(filed, a), append(arrivals, j.arrival())
			actual[m.ID] = *m.TicketID
		}
	}
	places, err := paper.Place(ctx, arrivals)
	if err != nil {
		return err
	}
	for i, pl := range places {
		would := pl.Ticket
		if would == uuid.Nil {
			would = actual[pl.OpenedBy]
		}
		if m := filed[i].Message; would != *m.TicketID {
			r.Told(Difference{
				Message: m, What: "ticket", Before: m.TicketID.String(), After: fmt.Sprintf("%s (%s)", would, pl.Evidence),
				Kept: "moving a message to another ticket is for a person to decide",
			})
		}
	}
	return nil
}

func (p *Pipeline) readAgain(ctx context.Context, workspace uuid.UUID, m Message) (again, error) {
	raw, err := p.raws.get(ctx, workspace, m.RawHash, m.Size)
	if err != nil {
		return again{}, err
	}
	a := again{Message: m}
	a.mail, err = mail.Parse(raw, p.limits.Budget)
	if err != nil && !errors.As(err, &a.over) {
		return again{}, err
	}
	score, err := p.filter.ScoreOf(ctx, workspace, func() classify.Document { return Evidence(a.mail, m.Envelope) })
	if err != nil {
		return a, err
	}
	a.score, err = p.withTies(ctx, workspace, m, a.mail, score)
	return a, err
}

// differences compares what is stored with what would be stored today.
func (a again) differences() []Difference {
	var list []Difference
	add := func(what, before, after string) {
		if before != after {
			list = append(list, Difference{Message: a.Message, What: what, Before: before, After: after})
		}
	}
	j := job{envelope: a.Envelope, mail: a.mail}
	add("subject", a.Subject, j.subject())
	add("sender", a.FromEmail, clip(j.sender().Email, maxSubject))
	add("message-id", a.MailID, clip(a.mail.MessageID, maxSubject))
	overNow, overThen := a.over != nil, a.Cause != nil && *a.Cause == CauseOverBudget
	switch {
	case overThen && !overNow:
		add("readable", string(CauseOverBudget), "within budget")
	case overNow && !overThen && a.Judged == nil && a.Stage == Filed:
		add("readable", "within budget", string(CauseOverBudget))
	case a.Stage == Failed:
		add("readable", "failed: "+*a.Reason, "can be tried again")
	case a.Verdict != nil && a.Stage != Duplicate:
		add("verdict", *a.Verdict, string(a.score.Verdict))
	}
	return list
}

const rereadSQL = `
	update message set subject = $3, from_name = $4, from_email = $5, message_id = $6 where workspace_id = $1 and id = $2`

// apply makes one difference so, if r says so and nothing a person did would be
// undone by it.
func (p *Pipeline) apply(ctx context.Context, r Replay, a again, d *Difference) error {
	if !r.Apply {
		d.Kept = "dry run"
		return nil
	}
	if a.Judged != nil && (d.What == "verdict" || d.What == "readable") {
		d.Kept = "a person has said it is " + *a.Judged
		return nil
	}
	switch d.What {
	case "verdict":
		return p.applyVerdict(ctx, r, a, d)
	case "readable":
		if a.over != nil {
			d.Kept = "it is on its ticket already"
			return nil
		}
		return p.refile(ctx, r, a.Message, move{stage: Received, reason: "replayed"}, d)
	}
	j := job{envelope: a.Envelope, mail: a.mail}
	from := j.sender()
	d.Applied = true
	return p.db.InWorkspace(ctx, r.Workspace, func(tx pgx.Tx) error {
		if err := audit.Write(ctx, tx, r.Workspace, audit.Entry{Actor: r.Actor, Action: "message.replay", Target: "message:" + a.ID.String(), Detail: map[string]any{"field": d.What}}); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, rereadSQL, r.Workspace, a.ID, j.subject(), clip(from.Name, maxSubject), clip(from.Email, maxSubject), clip(a.mail.MessageID, maxSubject))
		return err
	})
}

func (p *Pipeline) applyVerdict(ctx context.Context, r Replay, a again, d *Difference) error {
	spamNow := a.score.Verdict == classify.Spam
	held := a.Stage == Held && a.Cause != nil && *a.Cause == CauseSpam
	switch {
	case a.Envelope.Role == RoleJunk:
		d.Kept = "it " + junkReason
		return nil
	case spamNow && a.Stage == Filed:
		return p.refile(ctx, r, a.Message, move{Held, CauseSpam, "replayed: " + a.score.Reason}, d)
	case !spamNow && held && a.TicketID != nil:
		return p.refile(ctx, r, a.Message, move{stage: Filed, reason: "replayed: " + a.score.Reason}, d)
	case !spamNow && held:
		return p.refile(ctx, r, a.Message, move{stage: Received, reason: "replayed: " + a.score.Reason}, d)
	}
	d.Kept = "it makes no difference to where the message is"
	return nil
}

// refile moves a message in a transaction of its own, unless somebody changed it
// meanwhile.
func (p *Pipeline) refile(ctx context.Context, r Replay, m Message, to move, d *Difference) error {
	err := p.db.InWorkspace(ctx, r.Workspace, func(tx pgx.Tx) error {
		chain, err := audit.Open(ctx, tx, r.Workspace)
		if err != nil {
			return err
		}
		now, err := readMessage(ctx, tx, lockMessageSQL, r.Workspace, m.ID)
		if err != nil {
			return err
		}
		if now.Attempt != m.Attempt || now.Stage != m.Stage {
			d.Kept = "it was changed meanwhile"
			return nil
		}
		d.Applied = true
		return mover{workspace: r.Workspace, actor: r.Actor, step: "replay"}.move(ctx, tx, chain, now, to)
	})
	if err == nil {
		p.poke()
	}
	return err
}
