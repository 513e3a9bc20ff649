package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/tickets"
)

// A Ticket is one conversation with one requester in one mailbox.
type Ticket struct {
	ID        string    `json:"id" doc:"Opaque."`
	Number    int64     `json:"number" doc:"For people; counted per workspace."`
	MailboxID string    `json:"mailbox_id"`
	Subject   string    `json:"subject"`
	Status    string    `json:"status" enum:"open,pending,closed"`
	Requester Address   `json:"requester"`
	Messages  int       `json:"messages" doc:"How many there are to be seen."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func showTicket(t tickets.Ticket) Ticket {
	return Ticket{
		ID: t.ID.String(), Number: t.Number, MailboxID: t.MailboxID.String(), Subject: t.Subject, Status: string(t.Status),
		Requester: Address{t.RequesterName, t.RequesterEmail}, Messages: t.Messages,
		CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
}

// A Post is a message in its place on a ticket.
type Post struct {
	MessageID string    `json:"message_id" doc:"The message's id."`
	At        time.Time `json:"at"`
	Author    Address   `json:"author"`
	Evidence  string    `json:"evidence" enum:"opened,reply-address,about,in-reply-to,references,parent,body-marker,subject-number,subject,moved" doc:"Why it is on this ticket."`
	Weight    int       `json:"weight" doc:"Of that evidence: 0 to 100."`
	Automatic string    `json:"automatic" enum:",bounce,feedback,auto-reply,receipt,list" doc:"The kind of machine that wrote it; empty for mail that a person may have written."`
	Hidden    bool      `json:"hidden" doc:"Taken off the ticket as spam."`
	Ours      bool      `json:"ours" doc:"An agent's: it was found in a folder of sent mail."`
}

func showPost(p tickets.Post) Post {
	return Post{
		p.MessageID.String(), p.At.UTC(), Address{p.AuthorName, p.AuthorEmail},
		string(p.Evidence), p.Weight, p.Machine, p.Hidden, p.Ours,
	}
}

type listTicketsIn struct {
	PageIn
	Status  string `query:"status" enum:"open,pending,closed" doc:"Only tickets that stand so."`
	Mailbox string `query:"mailbox" doc:"Only tickets of this mailbox, by its id."`
}

type ticketIn struct {
	Matched
	Ticket string `path:"ticket" doc:"The ticket's id or its number."`
}

type listPostsIn struct {
	PageIn
	Ticket string `path:"ticket" doc:"The ticket's id or its number."`
}

func (s *server) addTickets() {
	tags := []string{"tickets"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-tickets", Method: http.MethodGet, Path: "/tickets", Tags: tags,
		Summary: "List tickets", Description: "The latest touched first.",
	}, s.listTickets)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-ticket", Method: http.MethodGet, Path: "/tickets/{ticket}", Tags: tags,
		Summary: "Read a ticket", Description: "A ticket that was merged is answered with 307 and the place of the one that has its messages now.",
	}, s.getTicket)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-ticket-messages", Method: http.MethodGet, Path: "/tickets/{ticket}/messages", Tags: tags,
		Summary: "List a ticket's messages", Description: "In the order of their arrival, hidden ones included.",
	}, s.listPosts)
}

func (s *server) listTickets(ctx context.Context, workspace uuid.UUID, in *listTicketsIn) (*pageOut[Ticket], error) {
	after, err := in.ticket()
	if err != nil {
		return nil, err
	}
	mailbox, err := filterID("mailbox", in.Mailbox)
	if err != nil {
		return nil, err
	}
	list, err := s.desk.Tickets(ctx, workspace, tickets.Filter{
		Status: given(tickets.Status(in.Status)), Mailbox: mailbox, After: after, Limit: in.Size + 1,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showTicket, ticketPlace), nil
}

// ticket finds a ticket by its id or by its number.
func (s *server) ticket(ctx context.Context, workspace uuid.UUID, named string) (tickets.Ticket, error) {
	if n, err := strconv.ParseInt(named, 10, 64); err == nil && n > 0 && strconv.FormatInt(n, 10) == named {
		return s.desk.TicketByNumber(ctx, workspace, n)
	}
	id, err := parseID(named)
	if err != nil {
		return tickets.Ticket{}, err
	}
	return s.desk.Ticket(ctx, workspace, id)
}

func (s *server) getTicket(ctx context.Context, workspace uuid.UUID, in *ticketIn) (*ticketOut, error) {
	t, err := s.ticket(ctx, workspace, in.Ticket)
	if err != nil {
		return nil, err
	}
	if t.MergedInto != nil {
		at := placeOf(workspace, "tickets", *t.MergedInto)
		return &ticketOut{Status: http.StatusTemporaryRedirect, Location: at, Body: showTicket(t)}, nil
	}
	out, err := one(in.Matched, showTicket(t))
	if err != nil {
		return nil, err
	}
	return &ticketOut{Status: out.Status, ETag: out.ETag, Body: out.Body}, nil
}

// ticketOut is a ticket, or where it went.
type ticketOut struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location" doc:"Where the ticket is that this one was merged into."`
	Body     Ticket
}

// placeOf is the path of something in a workspace.
func placeOf(workspace uuid.UUID, kind string, id uuid.UUID) string {
	return prefix + "/workspaces/" + workspace.String() + "/" + kind + "/" + id.String()
}

// standing finds a ticket as ticket does, and where that one was merged the one
// that has its messages.
func (s *server) standing(ctx context.Context, workspace uuid.UUID, named string) (tickets.Ticket, error) {
	t, err := s.ticket(ctx, workspace, named)
	if err != nil || t.MergedInto == nil {
		return t, err
	}
	return s.desk.Ticket(ctx, workspace, *t.MergedInto)
}

func (s *server) listPosts(ctx context.Context, workspace uuid.UUID, in *listPostsIn) (*pageOut[Post], error) {
	after, err := in.id()
	if err != nil {
		return nil, err
	}
	if after == nil {
		after = &uuid.Nil
	}
	t, err := s.standing(ctx, workspace, in.Ticket)
	if err != nil {
		return nil, err
	}
	list, err := s.desk.Posts(ctx, workspace, t.ID, *after, in.Size+1)
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showPost, func(p tickets.Post) string { return p.MessageID.String() }), nil
}
