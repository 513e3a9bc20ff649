package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/tickets"
)

// What connects a sender with the workspace is asked in filing's first round trip, after the filter has scored the
// words, and only for messages whose verdict it could change: other mail pays nothing for it. What authentication finds
// will be there earlier, with the words (classify.Document.Auth).

// goodHistory is how many of a sender's latest mails must have been ham, and none spam, for the sender to be known.
const goodHistory = 3

// tiesOf says in words what the desk knows.
func tiesOf(t tickets.Ties) (c classify.Ties) {
	switch {
	case t.Token:
		c.Answers = "it bears the token of a mail of ours"
	case t.Answers:
		c.Answers = "it answers a mail of ours"
	}
	switch {
	case t.Spam > 0: // somebody took it back
	case t.Written:
		c.Known = "we have written to its sender"
	case t.Ham >= goodHistory:
		c.Known = fmt.Sprintf("%d of its sender's last %d mails were ham and none was spam", t.Ham, tickets.HistoryOf)
	}
	return c
}

// open reports whether ties could change what the filter said of a message.
func (j *job) open() bool { return j.judged == "" && !j.ours() && j.worded.Open() }

// askTies queues the question for the ties of the messages that they could matter to.
func (f *filing) askTies(b *pgx.Batch, group []*job) {
	var arrivals []tickets.Arrival
	for _, j := range group {
		if j.decided.stage == "" && j.open() {
			arrivals = append(arrivals, j.arrival())
		}
	}
	f.filer.AskTies(b, arrivals)
}

// tie gives the message the verdict that its ties allow.
func (f *filing) tie(j *job) {
	if j.decided.stage == "" && j.open() {
		a := j.arrival()
		j.score = j.worded.With(tiesOf(f.filer.Ties(&a)))
	}
}

// tieStep tells the passport that ties have changed the verdict.
func (j *job) tieStep() []Step {
	if j.worded.Verdict == "" || j.score.Verdict == j.worded.Verdict {
		return nil
	}
	return []Step{{Step: "ties", At: time.Now().UTC(), Outcome: string(j.score.Verdict), Detail: map[string]any{
		"by_words": j.worded.Verdict, "reason": j.score.Reason,
	}}}
}

// withTies gives a stored message's score the verdict that its ties allow.
func (p *Pipeline) withTies(ctx context.Context, workspace uuid.UUID, m Message, parsed *mail.Mail, s classify.Score) (classify.Score, error) {
	j := job{id: m.ID, mailbox: m.MailboxID, receivedAt: m.ReceivedAt, envelope: m.Envelope, mail: parsed, worded: s}
	if !j.open() {
		return s, nil
	}
	t, err := p.desk.Ties(ctx, workspace, j.arrival())
	if err != nil {
		return s, err
	}
	return s.With(tiesOf(t)), nil
}
