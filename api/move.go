package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/tickets"
)

// A Move is messages put from one ticket on another. It can be undone.
type Move struct {
	ID       string     `json:"id" doc:"Opaque."`
	Kind     string     `json:"kind" enum:"merge,split" doc:"merge: all messages of the source, which leads to the target since; split: some of them, for which the target was opened."`
	SourceID string     `json:"source_id" doc:"The ticket that had the messages."`
	TargetID string     `json:"target_id" doc:"The ticket that got them."`
	Messages []string   `json:"messages" nullable:"false" doc:"The messages' ids."`
	Actor    string     `json:"actor" doc:"Who did it; pipeline when mail itself showed that two tickets are one conversation."`
	At       time.Time  `json:"at"`
	UndoneAt *time.Time `json:"undone_at"`
}

func showMove(m tickets.Move) Move {
	out := Move{
		ID: m.ID.String(), Kind: m.Kind, SourceID: m.Source.String(), TargetID: m.Target.String(),
		Messages: make([]string, 0, len(m.Messages)), Actor: m.Actor, At: m.At.UTC(), UndoneAt: utc(m.UndoneAt),
	}
	for _, id := range m.Messages {
		out.Messages = append(out.Messages, id.String())
	}
	return out
}

// A Related ticket may have to do with another one.
type Related struct {
	TicketID  string    `json:"ticket_id"`
	Number    int64     `json:"number"`
	MailboxID string    `json:"mailbox_id"`
	Subject   string    `json:"subject"`
	Status    string    `json:"status" enum:"open,pending,closed"`
	Reason    string    `json:"reason" doc:"same mail: one mail was received for both; else the evidence that did not suffice to join: subject-number, subject, in-reply-to, references, body-marker, …"`
	At        time.Time `json:"at"`
}

func showRelated(r tickets.Relation) Related {
	return Related{r.Ticket.String(), r.Number, r.Mailbox.String(), r.Subject, string(r.Status), r.Reason, r.At.UTC()}
}

// IfTicket asks for a change only if the ticket is as the caller has seen it.
type IfTicket struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the ticket that you have seen, of an undoing the move's target; if it is another by now nothing is done and the answer is 412."`
}

// desk is the desk for a change of that ticket.
func (in IfTicket) desk(s *server, ticket uuid.UUID) *tickets.Desk {
	if in.IfMatch == "" {
		return s.desk
	}
	return s.desk.If(ticket, func(now tickets.Ticket) error { return unchanged(in.IfMatch, showTicket(now)) })
}

type mergeIn struct {
	IfTicket
	Ticket string `path:"ticket" doc:"The ticket's id or its number."`
	Body   struct {
		Into string `json:"into" doc:"The id or number of the ticket that gets the messages." example:"42"`
	}
}

type splitIn struct {
	IfTicket
	Ticket string `path:"ticket" doc:"The ticket's id or its number."`
	Body   struct {
		Messages []string `json:"messages" minItems:"1" maxItems:"1000" nullable:"false" doc:"The ids of the messages that leave; one must stay."`
	}
}

type unthreadIn struct {
	IfTicket
	Ticket  string `path:"ticket" doc:"The id or number of the ticket that it is to leave."`
	Message string `path:"message" doc:"The message's id."`
}

type moveIn struct {
	IfTicket
	Move string `path:"move" doc:"The move's id."`
}

type onTicketIn struct {
	PageIn
	Ticket string `path:"ticket" doc:"The ticket's id or its number."`
}

func (s *server) addMoves() {
	tags := []string{"tickets"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-related-tickets", Method: http.MethodGet, Path: "/tickets/{ticket}/related", Tags: tags,
		Summary: "List possibly related tickets", Description: "The latest found first, at most 50.",
	}, s.listRelated)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-ticket-moves", Method: http.MethodGet, Path: "/tickets/{ticket}/moves", Tags: tags,
		Summary: "List what was moved from or to a ticket", Description: "Oldest first, undone moves included.",
	}, s.listMoves)
	addIn(s, auth.Judge, huma.Operation{
		OperationID: "merge-ticket", Method: http.MethodPost, Path: "/tickets/{ticket}/merge", Tags: tags,
		Summary: "Merge a ticket into another", Description: "All its messages go there, later answers to them too, and its number leads there. The same again changes nothing.", Errors: []int{412},
	}, s.mergeTicket)
	addIn(s, auth.Judge, huma.Operation{
		OperationID: "split-ticket", Method: http.MethodPost, Path: "/tickets/{ticket}/split", Tags: tags,
		Summary: "Split messages off a ticket", Description: "They go to a new ticket, and later answers to them too. The same again changes nothing.", Errors: []int{412},
	}, s.splitTicket)
	addIn(s, auth.Judge, huma.Operation{
		OperationID: "unthread-message", Method: http.MethodPost, Path: "/tickets/{ticket}/messages/{message}/unthread", Tags: tags,
		Summary: "Take a message off a ticket where it does not belong", Description: "It goes to a new ticket, and later answers to it too. The same again changes nothing.", Errors: []int{412},
	}, s.unthreadMessage)
	addIn(s, auth.Judge, huma.Operation{
		OperationID: "undo-move", Method: http.MethodPost, Path: "/moves/{move}/undo", Tags: tags,
		Summary: "Undo a merging or splitting", Description: "The messages go back, of a split with all that followed them. Undoing again changes nothing.", Errors: []int{412},
	}, s.undoMove)
}

func (s *server) listRelated(ctx context.Context, workspace uuid.UUID, in *onTicketIn) (*pageOut[Related], error) {
	after, err := in.id()
	if err != nil {
		return nil, err
	}
	t, err := s.standing(ctx, workspace, in.Ticket)
	if err != nil {
		return nil, err
	}
	list, err := s.desk.Related(ctx, workspace, t.ID)
	if err != nil {
		return nil, err
	}
	if after != nil {
		for len(list) > 0 && list[0].Ticket != *after {
			list = list[1:]
		}
		list = list[min(1, len(list)):]
	}
	return pageOf(ctx, in.Size, list, showRelated, func(r tickets.Relation) string { return r.Ticket.String() }), nil
}

func (s *server) listMoves(ctx context.Context, workspace uuid.UUID, in *onTicketIn) (*pageOut[Move], error) {
	after, err := in.id()
	if err != nil {
		return nil, err
	}
	if after == nil {
		after = &uuid.Nil
	}
	t, err := s.ticket(ctx, workspace, in.Ticket)
	if err != nil {
		return nil, err
	}
	list, err := s.desk.Moves(ctx, workspace, t.ID, *after, in.Size+1)
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showMove, func(m tickets.Move) string { return m.ID.String() }), nil
}

func (s *server) mergeTicket(ctx context.Context, workspace uuid.UUID, in *mergeIn) (*changed[Move], error) {
	source, err := s.ticket(ctx, workspace, in.Ticket)
	if err != nil {
		return nil, err
	}
	target, err := s.ticket(ctx, workspace, in.Body.Into)
	if err != nil {
		return nil, err
	}
	m, err := in.desk(s, source.ID).Merge(ctx, workspace, auth.From(ctx).Actor, source.ID, target.ID)
	if errors.Is(err, tickets.ErrConflict) {
		err = &tickets.ConflictError{Reason: fmt.Sprintf("Ticket %d is merged into another ticket already. Merge that one, or undo the merging first; the ticket's moves name it.", source.Number)}
	}
	return moved(m, err)
}

func (s *server) splitTicket(ctx context.Context, workspace uuid.UUID, in *splitIn) (*changed[Move], error) {
	ids := make([]uuid.UUID, len(in.Body.Messages))
	for i, m := range in.Body.Messages {
		id, err := parseID(m)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return s.split(ctx, workspace, offTicket{in.IfTicket, in.Ticket, ids})
}

func (s *server) unthreadMessage(ctx context.Context, workspace uuid.UUID, in *unthreadIn) (*changed[Move], error) {
	id, err := parseID(in.Message)
	if err != nil {
		return nil, err
	}
	return s.split(ctx, workspace, offTicket{in.IfTicket, in.Ticket, []uuid.UUID{id}})
}

// offTicket is messages that are to leave a ticket.
type offTicket struct {
	IfTicket
	ticket   string // its id or number
	messages []uuid.UUID
}

func (s *server) split(ctx context.Context, workspace uuid.UUID, off offTicket) (*changed[Move], error) {
	t, err := s.ticket(ctx, workspace, off.ticket)
	if err != nil {
		return nil, err
	}
	return moved(off.desk(s, t.ID).Split(ctx, workspace, auth.From(ctx).Actor, t.ID, off.messages))
}

func (s *server) undoMove(ctx context.Context, workspace uuid.UUID, in *moveIn) (*changed[Move], error) {
	id, err := parseID(in.Move)
	if err != nil {
		return nil, err
	}
	m, err := s.desk.Move(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	return moved(in.desk(s, m.Target).Undo(ctx, workspace, auth.From(ctx).Actor, id))
}

func moved(m tickets.Move, err error) (*changed[Move], error) {
	if err != nil {
		return nil, err
	}
	return &changed[Move]{showMove(m)}, nil
}
