package ui

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"postroom/ingest"
	"postroom/tickets"
)

type ticketsPage struct {
	page
	Status    tickets.Status // "" for all
	Tickets   []tickets.Ticket
	Mailboxes []tickets.Mailbox
	First     bool   // the first page of the list
	Next      string // URL of the next one
}

// Statuses are the tabs above the list.
func (ticketsPage) Statuses() []tickets.Status {
	return []tickets.Status{tickets.Open, tickets.Pending, tickets.Closed}
}

func (p *pages) listTickets(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	q := r.URL.Query()
	data := ticketsPage{page: p.page(r, "Tickets", &ws, "tickets"), Status: tickets.Status(q.Get("status"))}
	f := tickets.Filter{Limit: pageSize + 1, After: readPlace(q.Get("after"))}
	data.First = f.After == nil
	if data.Status != "" {
		f.Status = &data.Status
	}
	var err error
	if data.Tickets, err = p.desk.Tickets(r.Context(), ws.ID, f); err != nil {
		return err
	}
	if len(data.Tickets) == 0 { // the empty page says where mail can be sent
		if data.Mailboxes, err = p.desk.Mailboxes(r.Context(), ws.ID); err != nil {
			return err
		}
	}
	if len(data.Tickets) > pageSize {
		data.Tickets = data.Tickets[:pageSize]
		data.Next = nextPage(r.URL, writePlace(data.Tickets[pageSize-1]))
	}
	p.views.tickets.show(w, r, http.StatusOK, data)
	return nil
}

// nextPage is the URL of a list that goes on behind a place.
func nextPage(u *url.URL, after string) string {
	q := u.Query()
	q.Del("said")
	q.Set("after", after)
	return u.Path + "?" + q.Encode()
}

func writePlace(t tickets.Ticket) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(t.UpdatedAt.UnixMicro(), 10) + " " + t.ID.String()))
}

// readPlace reads a place in the list; one that cannot be read is the beginning.
func readPlace(s string) *tickets.Place {
	b, err := base64.RawURLEncoding.DecodeString(s)
	at, id, _ := strings.Cut(string(b), " ")
	micros, aerr := strconv.ParseInt(at, 10, 64)
	parsed, ierr := uuid.Parse(id)
	if cmp.Or(err, aerr, ierr) != nil {
		return nil
	}
	return &tickets.Place{UpdatedAt: time.UnixMicro(micros).UTC(), ID: parsed}
}

// postsPerPage bounds how many mails are read for one page.
const postsPerPage = 20

type ticketPage struct {
	page
	Ticket  tickets.Ticket
	Mailbox string // its address
	Posts   []postView
	Related []tickets.Relation
	First   bool
	Next    string
}

// A postView is a message on a ticket, with what it says.
type postView struct {
	tickets.Post
	content
	Unreadable bool // its bytes could not be read now
}

func (p *pages) showTicket(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	ctx := r.Context()
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return tickets.ErrNotFound
	}
	t, err := p.desk.TicketByNumber(ctx, ws.ID, number)
	if err != nil {
		return err
	}
	if t.MergedInto != nil {
		http.Redirect(w, r, workspacePath(ws)+"/tickets/by-id/"+t.MergedInto.String(), http.StatusSeeOther)
		return nil
	}
	after, err := uuid.Parse(r.URL.Query().Get("after"))
	if err != nil {
		after = uuid.Nil
	}
	posts, err := p.desk.Posts(ctx, ws.ID, t.ID, after, postsPerPage+1)
	if err != nil {
		return err
	}
	data := ticketPage{page: p.page(r, subject(t.Subject), &ws, "tickets"), Ticket: t, First: after == uuid.Nil}
	if len(posts) > postsPerPage {
		posts = posts[:postsPerPage]
		data.Next = nextPage(r.URL, posts[postsPerPage-1].MessageID.String())
	}
	for _, post := range posts {
		data.Posts = append(data.Posts, p.post(ctx, ws.ID, post))
	}
	if data.Mailbox, err = p.mailboxAddress(ctx, ws.ID, t.MailboxID); err != nil {
		return err
	}
	if data.Related, err = p.desk.Related(ctx, ws.ID, t.ID); err != nil {
		return err
	}
	if data.Said, err = p.said(r, ws); err != nil {
		return err
	}
	p.views.ticket.show(w, r, http.StatusOK, data)
	return nil
}

// findTicket leads from a ticket's id, which does not change, to its page, whose
// number people know.
func (p *pages) findTicket(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	id, err := parseID(r.PathValue("ticket"))
	if err != nil {
		return err
	}
	t, err := p.desk.Ticket(r.Context(), ws.ID, id)
	if err != nil {
		return err
	}
	http.Redirect(w, r, workspacePath(ws)+"/tickets/"+strconv.FormatInt(t.Number, 10), http.StatusSeeOther)
	return nil
}

// post reads what a message on a ticket says. One that cannot be read leaves the
// others to be seen.
func (p *pages) post(ctx context.Context, workspace uuid.UUID, post tickets.Post) postView {
	v := postView{Post: post}
	if post.Hidden {
		return v
	}
	c, err := p.pipeline.Content(ctx, workspace, post.MessageID)
	if err != nil {
		v.Unreadable = true
		return v
	}
	v.content = contentOf(c, messagePath(workspace, post.MessageID))
	return v
}

func (p *pages) mailboxAddress(ctx context.Context, workspace, id uuid.UUID) (string, error) {
	list, err := p.desk.Mailboxes(ctx, workspace)
	if err != nil {
		return "", err
	}
	for _, m := range list {
		if m.ID == id {
			return m.Address, nil
		}
	}
	return "", nil
}

type searchPage struct {
	page
	Messages []ingest.Message
	First    bool
	Next     string
}

func (p *pages) search(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	data := searchPage{page: p.page(r, "Search", &ws, "search"), First: r.URL.Query().Get("after") == ""}
	data.Query = strings.TrimSpace(r.URL.Query().Get("q"))
	if data.Query != "" {
		var err error
		f := ingest.MessageFilter{Query: &data.Query}
		if data.Messages, data.Next, err = p.messages(r, ws, f); err != nil {
			return err
		}
	}
	p.views.search.show(w, r, http.StatusOK, data)
	return nil
}

// messages reads the page of a list of messages that the request asks for.
func (p *pages) messages(r *http.Request, ws tickets.Workspace, f ingest.MessageFilter) (list []ingest.Message, next string, err error) {
	if id, err := uuid.Parse(r.URL.Query().Get("after")); err == nil {
		f.Before = &id
	}
	f.Limit = pageSize + 1
	if list, err = p.pipeline.Messages(r.Context(), ws.ID, f); err != nil {
		return nil, "", err
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		next = nextPage(r.URL, list[pageSize-1].ID.String())
	}
	return list, next, nil
}
