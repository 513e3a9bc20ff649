package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/tickets"
)

// A MessageFilter narrows a list of messages; its zero value asks for all.
type MessageFilter struct {
	Stage   *Stage
	Cause   *Cause
	Mailbox *uuid.UUID
	Query   *string    // words that must all occur, as websearch_to_tsquery takes them; of the latest 10,000 messages that do
	Before  *uuid.UUID // only what arrived before this message
	Limit   int        // at most this many
}

// stopped is the stage that is asked for, if it is one of the final ones that are
// few: held, duplicate, failed.
func (f MessageFilter) stopped() *Stage {
	if f.Stage == nil || !f.Stage.Final() || *f.Stage == Filed {
		return nil
	}
	return f.Stage
}

const messageColumns = `
	id, mailbox_id, source_key, received_at, envelope, size, raw_hash, content_hash, stage,
	greatest(m.attempt, (select j.attempt from job j where j.workspace_id = m.workspace_id and j.message_id = m.id)) as attempt, trail,
	subject, from_name, from_email, message_id, sent_at, verdict, judged, score, cause, reason, ticket_id, duplicate_of, done_at`

const messagesSQL = `
	select ` + messageColumns + ` from message m
	where workspace_id = $1
		and ($2::text is null or stage = $2)
		and ($8::text is null or stopped = $8) -- has an index
		and ($3::text is null or cause = $3)
		and ($4::uuid is null or mailbox_id = $4)
		and ($5::text is null or id = any (array(select search_words($5, $6, 10000))))
		and ($6::uuid is null or id < $6)
	order by id desc limit $7`

// Messages lists the messages of a workspace, the latest arrival first.
func (p *Pipeline) Messages(ctx context.Context, workspace uuid.UUID, f MessageFilter) ([]Message, error) {
	var list []Message
	err := p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, messagesSQL, workspace, f.Stage, f.Cause, f.Mailbox, f.Query, f.Before, f.Limit, f.stopped())
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Message])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return list, nil
}

const messageSQL = `select ` + messageColumns + ` from message m where workspace_id = $1 and id = $2`

// Message returns one message, or tickets.ErrNotFound.
func (p *Pipeline) Message(ctx context.Context, workspace, id uuid.UUID) (Message, error) {
	var m Message
	err := p.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		m, err = readMessage(ctx, tx, messageSQL, workspace, id)
		return err
	})
	return m, err
}

func readMessage(ctx context.Context, tx pgx.Tx, sql string, workspace, id uuid.UUID) (Message, error) {
	rows, err := tx.Query(ctx, sql, workspace, id)
	if err != nil {
		return Message{}, fmt.Errorf("message %s: %w", id, err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Message])
	if errors.Is(err, pgx.ErrNoRows) {
		err = tickets.ErrNotFound
	}
	if err != nil {
		return Message{}, fmt.Errorf("message %s: %w", id, err)
	}
	return m, nil
}

// Passport returns what happened to a message, step by step from its acceptance.
func (m Message) Passport() ([]Step, error) {
	steps := []Step{{
		Step: "accept", At: m.ReceivedAt, Outcome: "stored",
		Detail: map[string]any{
			"source_key": m.SourceKey, "envelope": m.Envelope, "size": m.Size, "sha256": fmt.Sprintf("%x", m.RawHash),
		},
	}}
	var rest []Step
	if err := json.Unmarshal(m.Trail, &rest); err != nil {
		return nil, fmt.Errorf("passport of message %s: %w", m.ID, err)
	}
	return append(steps, rest...), nil
}

// Raw returns a message's bytes as they were stored.
func (p *Pipeline) Raw(ctx context.Context, workspace, id uuid.UUID) ([]byte, error) {
	m, err := p.Message(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	return p.raws.get(ctx, workspace, m.RawHash, m.Size)
}

// OpenRaw opens a message's bytes as they were stored, to be read within ctx.
func (p *Pipeline) OpenRaw(ctx context.Context, workspace, id uuid.UUID) (*RawMail, error) {
	m, err := p.Message(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	return p.raws.stream(ctx, workspace, m.RawHash, m.Size)
}

// Content is what a message says, read from its raw bytes. Over is set when
// reading it all would cost more than one message may: Mail is then a part of it.
type Content struct {
	*mail.Mail
	Over *mail.BudgetError
}

// Content reads a message's raw bytes back and parses them.
func (p *Pipeline) Content(ctx context.Context, workspace, id uuid.UUID) (Content, error) {
	raw, err := p.Raw(ctx, workspace, id)
	if err != nil {
		return Content{}, err
	}
	m, err := mail.Parse(raw, p.limits.Budget)
	var over *mail.BudgetError
	if err != nil && !errors.As(err, &over) {
		return Content{}, fmt.Errorf("message %s: %w", id, err)
	}
	return Content{m, over}, nil
}

// A Verdict is what the filter said of a message when it was scored, what a person
// said since, and the explanation by the filter as it is now.
type Verdict struct {
	Verdict *string         // then
	Score   *float64        // then
	Judged  *string         // by a person
	Now     *classify.Score // with its contributions; nil when the message cannot be read
}

// Verdict explains a message's verdict.
func (p *Pipeline) Verdict(ctx context.Context, workspace, id uuid.UUID) (Verdict, error) {
	m, err := p.Message(ctx, workspace, id)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Verdict: m.Verdict, Score: m.Score, Judged: m.Judged}
	parsed, err := p.parsed(ctx, &job{workspace: workspace, rawHash: [32]byte(m.RawHash), size: m.Size})
	if err != nil {
		return v, err
	}
	score, err := p.filter.Score(ctx, workspace, p.filter.Features(workspace, Evidence(parsed, m.Envelope)))
	if err != nil {
		return v, err
	}
	if score, err = p.withTies(ctx, workspace, m, parsed, score); err != nil {
		return v, err
	}
	v.Now = &score
	return v, nil
}

// features reads a stored message for the filter.
func (p *Pipeline) features(ctx context.Context, workspace uuid.UUID, m Message) (classify.Features, error) {
	parsed, err := p.parsed(ctx, &job{workspace: workspace, rawHash: [32]byte(m.RawHash), size: m.Size})
	if err != nil {
		return classify.Features{}, err
	}
	return p.filter.Features(workspace, Evidence(parsed, m.Envelope)), nil
}

// parsed reads a stored message, as far as its budget goes.
func (p *Pipeline) parsed(ctx context.Context, j *job) (*mail.Mail, error) {
	raw, err := j.raw, error(nil)
	if raw == nil {
		raw, err = p.raws.get(ctx, j.workspace, j.rawHash[:], j.size)
	}
	if err != nil {
		return nil, err
	}
	parsed, err := mail.Parse(raw, p.limits.Budget)
	var over *mail.BudgetError
	if err != nil && !errors.As(err, &over) {
		return nil, err
	}
	return parsed, nil
}

// FilterStatus says how far a workspace's filter has come.
func (p *Pipeline) FilterStatus(ctx context.Context, workspace uuid.UUID) (classify.Status, error) {
	return p.filter.Status(ctx, workspace)
}

// Ready returns what is not as it should be, by part; nothing when all is well.
func (p *Pipeline) Ready(ctx context.Context) map[string]string {
	bad := map[string]string{}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := p.db.Ping(ctx); err != nil {
		bad["database"] = "cannot be reached"
	}
	if why := p.Busy(); why != "" {
		bad["accept"] = why
	}
	switch _, at := p.Depths(); {
	case at.IsZero():
		bad["queue"] = "has not been looked at yet"
	case time.Since(at) > 10*lookEvery:
		bad["queue"] = "has not been looked at for " + time.Since(at).Round(time.Second).String()
	}
	return bad
}
