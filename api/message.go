package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest"
	"postroom/tickets"
)

// A Message is one mail as one mailbox received it.
type Message struct {
	ID          string     `json:"id" doc:"Opaque."`
	MailboxID   string     `json:"mailbox_id"`
	Stage       string     `json:"stage" enum:"received,parsed,scored,filed,held,duplicate,failed" doc:"Where it rests: in the first three it waits, in the others it has ended."`
	Cause       *string    `json:"cause" doc:"Why it is held, failed or waits for another attempt, in one word."`
	Reason      *string    `json:"reason" doc:"The same for people."`
	Subject     string     `json:"subject"`
	From        Address    `json:"from" doc:"As the message says itself."`
	MessageID   string     `json:"message_id" doc:"The Message-ID field without its brackets; empty when there is none. Evidence, not identity."`
	SentAt      *time.Time `json:"sent_at" doc:"The Date field: the sender's clock."`
	ReceivedAt  time.Time  `json:"received_at"`
	DoneAt      *time.Time `json:"done_at" doc:"When it reached its end."`
	Size        int64      `json:"size" doc:"In octets."`
	SHA256      string     `json:"sha256" doc:"Of the raw mail, in hex."`
	Envelope    Envelope   `json:"envelope"`
	SourceKey   string     `json:"source_key" doc:"Names this delivery; the same key twice is one message."`
	Verdict     *string    `json:"verdict" enum:"ham,unsure,spam" doc:"The filter's, when it was scored."`
	Score       *float64   `json:"score" doc:"The filter's: 0 ham to 1 spam."`
	Judged      *string    `json:"judged" enum:"ham,spam" doc:"A person's verdict, which goes first."`
	TicketID    *string    `json:"ticket_id"`
	DuplicateOf *string    `json:"duplicate_of" doc:"The message that this one repeats."`
	Attempt     int        `json:"attempt" doc:"How often work on it was begun."`
}

// An Address is somebody, as a mail names them.
type Address struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// An Envelope is what the door knows of a mail besides its bytes.
type Envelope struct {
	Door     string `json:"door" enum:"smtp,lmtp,api,import,imap"`
	MailFrom string `json:"mail_from" doc:"The reverse-path; empty is the null one."`
	RcptTo   string `json:"rcpt_to"`
	Peer     string `json:"peer" doc:"The client's address."`
	Helo     string `json:"helo"`
	TLS      string `json:"tls" doc:"Version and cipher suite; empty when in the clear."`
	Session  string `json:"session" doc:"Of the door, to be found in its log."`
	UTF8     bool   `json:"smtp_utf8"`
	File     string `json:"file" doc:"Where in an imported archive it lay; empty for mail from other doors."`
	Folder   string `json:"folder" doc:"Of the IMAP server; empty for mail from other doors."`
	Role     string `json:"role" enum:",inbox,sent,junk" doc:"What that folder holds."`
	Learn    bool   `json:"learn" doc:"Whether the filter was to learn it as spam, because it lay in a junk folder."`
}

func showMessage(m ingest.Message) Message {
	return Message{
		ID: m.ID.String(), MailboxID: m.MailboxID.String(), Stage: string(m.Stage), Cause: (*string)(m.Cause), Reason: m.Reason,
		Subject: m.Subject, From: Address{m.FromName, m.FromEmail}, MessageID: m.MailID,
		SentAt: utc(m.SentAt), ReceivedAt: m.ReceivedAt.UTC(), DoneAt: utc(m.DoneAt),
		Size: m.Size, SHA256: hex.EncodeToString(m.RawHash), Envelope: Envelope(m.Envelope), SourceKey: m.SourceKey,
		Verdict: m.Verdict, Score: m.Score, Judged: m.Judged,
		TicketID: idText(m.TicketID), DuplicateOf: idText(m.DuplicateOf), Attempt: m.Attempt,
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func idText(id *uuid.UUID) *string {
	if id == nil {
		return nil
	}
	s := id.String()
	return &s
}

type listMessagesIn struct {
	PageIn
	Stage   string `query:"stage" enum:"received,parsed,scored,filed,held,duplicate,failed" doc:"Only messages that rest there."`
	Cause   string `query:"cause" enum:"spam,sent,over_budget,retry,error" doc:"Only messages with this cause."`
	Mailbox string `query:"mailbox" doc:"Only messages to this mailbox, by its id."`
	Query   string `query:"q" maxLength:"500" doc:"Words that must occur in subject, sender or text; \"a phrase\", or, and -not as in a web search. Filed messages are searchable within seconds."`
}

type messageIn struct {
	Matched
	Message string `path:"message" doc:"The message's id."`
}

func (s *server) addMessages() {
	tags := []string{"messages"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-messages", Method: http.MethodGet, Path: "/messages", Tags: tags,
		Summary: "List messages", Description: "The latest arrival first.",
	}, s.listMessages)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-message", Method: http.MethodGet, Path: "/messages/{message}", Tags: tags, Summary: "Read a message's state",
	}, s.getMessage)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-passport", Method: http.MethodGet, Path: "/messages/{message}/passport", Tags: tags,
		Summary: "Read a message's passport", Description: "What was done to it, when, how long that took, and what came out, from its acceptance on.",
	}, s.getPassport)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "retry-message", Method: http.MethodPost, Path: "/messages/{message}/retry", Tags: tags,
		Summary: "Try a message again", Description: "For one that failed or waits for another attempt; any other is a conflict.",
	}, s.retryMessage)
	s.addSubmit()
}

func (s *server) listMessages(ctx context.Context, workspace uuid.UUID, in *listMessagesIn) (*pageOut[Message], error) {
	before, err := in.id()
	if err != nil {
		return nil, err
	}
	mailbox, err := filterID("mailbox", in.Mailbox)
	if err != nil {
		return nil, err
	}
	list, err := s.pipeline.Messages(ctx, workspace, ingest.MessageFilter{
		Stage: given(ingest.Stage(in.Stage)), Cause: given(ingest.Cause(in.Cause)), Mailbox: mailbox,
		Query: given(in.Query), Before: before, Limit: in.Size + 1,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showMessage, func(m ingest.Message) string { return m.ID.String() }), nil
}

// given returns nil for a filter that was left out.
func given[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// filterID reads an id to filter by.
func filterID(name, s string) (*uuid.UUID, error) {
	if s == "" {
		return nil, nil
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return nil, &tickets.InvalidError{Field: "query." + name, Reason: "it is not an id"}
	}
	return &id, nil
}

func (s *server) message(ctx context.Context, workspace uuid.UUID, named string) (ingest.Message, error) {
	id, err := parseID(named)
	if err != nil {
		return ingest.Message{}, err
	}
	return s.pipeline.Message(ctx, workspace, id)
}

func (s *server) getMessage(ctx context.Context, workspace uuid.UUID, in *messageIn) (*single[Message], error) {
	m, err := s.message(ctx, workspace, in.Message)
	if err != nil {
		return nil, err
	}
	return one(in.Matched, showMessage(m))
}

// A Passport is what happened to a message.
type Passport struct {
	MessageID string `json:"message_id" doc:"The message's id."`
	Steps     []Step `json:"steps" nullable:"false"`
}

// A Step is one thing that was done to a message.
type Step struct {
	Step    string         `json:"step" doc:"accept, parse, score, ties, file, fail, judge, retry, release or replay." example:"score"`
	At      time.Time      `json:"at"`
	Micros  int64          `json:"micros" doc:"How long it took, in microseconds."`
	Outcome string         `json:"outcome" example:"unsure"`
	Detail  map[string]any `json:"detail" doc:"What was decided on, by step."`
}

func (s *server) getPassport(ctx context.Context, workspace uuid.UUID, in *messageIn) (*single[Passport], error) {
	m, err := s.message(ctx, workspace, in.Message)
	if err != nil {
		return nil, err
	}
	steps, err := m.Passport()
	if err != nil {
		return nil, err
	}
	p := Passport{MessageID: m.ID.String(), Steps: make([]Step, 0, len(steps))}
	for _, st := range steps {
		st.At = st.At.UTC()
		if st.Detail == nil {
			st.Detail = map[string]any{}
		}
		p.Steps = append(p.Steps, Step(st))
	}
	return one(in.Matched, p)
}

type changeMessageIn struct {
	Message string `path:"message" doc:"The message's id."`
}

// changed is the answer to a POST that changed something.
type changed[T any] struct{ Body T }

func (s *server) retryMessage(ctx context.Context, workspace uuid.UUID, in *changeMessageIn) (*changed[Message], error) {
	id, err := parseID(in.Message)
	if err != nil {
		return nil, err
	}
	m, err := s.pipeline.Retry(ctx, workspace, auth.From(ctx).Actor, id)
	if err != nil {
		return nil, err
	}
	return &changed[Message]{showMessage(m)}, nil
}
