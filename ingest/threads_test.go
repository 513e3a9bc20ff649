package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// A machine's mail is on the ticket that it is about, and a closed ticket stays
// closed; a person's re-opens it.
func TestAutomaticReopensNothing(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("a@x", "", "Lamp", "broken"), mailText("b@x", "ours@desk", "Re: Lamp", "thanks"))
	list := r.Settled(2)
	ticket := *list[0].TicketID
	if ticket != *list[1].TicketID {
		t.Fatal("two tickets, want one")
	}
	status := func(set string) (now string) {
		t.Helper()
		err := r.DB.InWorkspace(t.Context(), r.Workspace, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), "update ticket set status = coalesce(nullif($2, ''), status) where id = $1 returning status", ticket, set).Scan(&now)
		})
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	status("closed")
	r.Send(bounceOf("n1@mx", "ours@desk"), bounceOf("n2@mx", "never@desk"),
		"Auto-Submitted: auto-replied\r\n"+mailText("v@x", "ours@desk", "Automatic reply: Lamp", "away"))
	list = r.Settled(5)
	on := map[string]bool{}
	for _, m := range list[2:] {
		on[m.MailID] = *m.TicketID == ticket
	}
	if !on["n1@mx"] || on["n2@mx"] || !on["v@x"] {
		t.Errorf("on the ticket: %v, want the bounce of ours and the vacation notice, and not the bounce of what is unknown", on)
	}
	if now := status(""); now != "closed" {
		t.Errorf("after a machine's mail the ticket is %s, want closed", now)
	}
	posts, err := r.Desk.Posts(t.Context(), r.Workspace, ticket, uuid.Nil, 10)
	if err != nil || len(posts) != 4 {
		t.Fatalf("posts = %+v, %v", posts, err)
	}
	for _, p := range posts[2:] {
		if p.Machine == "" || p.Weight == 0 {
			t.Errorf("post %+v says nothing of its machine or its weight", p)
		}
	}
	r.Send(mailText("c@x", "a@x", "Re: Lamp", "still broken"))
	r.Settled(6)
	if now := status(""); now != "open" {
		t.Errorf("after a person's mail the ticket is %s, want open", now)
	}
}

// bounceOf writes a report (RFC 3464) on a mail.
func bounceOf(id, original string) string {
	return "From: MAILER-DAEMON@mx.test\r\nTo: support@example.test\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <" + id + ">\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\nFinal-Recipient: rfc822; anna@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n" +
		"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <" + original + ">\r\nSubject: Re: Lamp\r\n\r\n--b--\r\n"
}

// One mail to two mailboxes is on a ticket in each; the two are linked, and their
// threads do not mix.
func TestSameMailIsLinked(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	w := newTown(t, r)
	both := func(raw string) {
		o := r.Offer(raw)
		second := r.To()
		second.Mailbox, second.Address = w.boxes[1].ID, w.boxes[1].Address
		o.To = append(o.To, second)
		if err := r.Accept(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	both(mailText("a@x", "", "To both", "hello"))
	list := r.Settled(2)
	both(mailText("b@x", "a@x", "Re: To both", "again"))
	for _, m := range r.Settled(4)[2:] {
		for _, first := range list {
			if (m.MailboxID == first.MailboxID) != (*m.TicketID == *first.TicketID) {
				t.Errorf("an answer in %s is on %s, and the first mail in %s on %s", m.MailboxID, m.TicketID, first.MailboxID, first.TicketID)
			}
		}
	}
	related, err := r.Desk.Related(t.Context(), r.Workspace, *list[0].TicketID)
	if err != nil || len(related) != 1 || related[0].Ticket != *list[1].TicketID || related[0].Reason != string(tickets.SameMail) {
		t.Errorf("Related() = %+v, %v, want the other mailbox's ticket", related, err)
	}
}

// An address with a token leads to the mailbox that gave it.
func TestRouteOfReplyAddress(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	plus := strings.Replace(r.Address, "support@", "support+eu@", 1)
	m, err := r.Desk.CreateMailbox(t.Context(), r.Workspace, "test", plus, "")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]uuid.UUID{
		r.Desk.ReplyAddress(r.Workspace, r.Address, 7):                  r.Mailbox,
		strings.ToUpper(r.Desk.ReplyAddress(r.Workspace, r.Address, 7)): r.Mailbox,
		r.Desk.ReplyAddress(r.Workspace, plus, 7):                       m.ID,
		strings.Replace(r.Address, "support@", "support+us@", 1):        r.Mailbox,
	} {
		if route, err := r.Route(t.Context(), address); err != nil || route.Mailbox != want {
			t.Errorf("Route(%s) = %v, %v, want %s", address, route, err, want)
		}
	}
	if _, err := r.Route(t.Context(), strings.Replace(r.Address, "support@", "nobody+t.1-a@", 1)); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("Route() of no mailbox = %v, want ErrNotFound", err)
	}
}

// Merging, splitting and undoing while mail comes in: nothing is lost or counted
// twice, and undoing all of it leaves each message where it was.
func TestMovesAtOnce(t *testing.T) {
	t.Parallel()
	const n = 12
	r := ingesttest.New(t, nil)
	r.Start()
	for i := range n {
		r.Send(mailText(fmt.Sprintf("a%d@x", i), "", fmt.Sprint("Matter ", i), "1"), mailText(fmt.Sprintf("b%d@x", i), fmt.Sprintf("a%d@x", i), "x", "2"))
	}
	before := map[uuid.UUID]uuid.UUID{}
	first := r.Settled(2 * n)
	for _, m := range first {
		before[m.ID] = *m.TicketID
	}
	var mu sync.Mutex
	var moves []tickets.Move
	var wg sync.WaitGroup
	try := func(m tickets.Move, err error) {
		mu.Lock()
		defer mu.Unlock()
		var invalid *tickets.InvalidError
		switch {
		case err == nil:
			moves = append(moves, m)
		case !errors.Is(err, tickets.ErrConflict) && !errors.Is(err, tickets.ErrNotFound) && !errors.As(err, &invalid):
			t.Errorf("move: %v", err)
		}
	}
	for i := range n {
		a, b := first[2*i], first[(2*i+3)%(2*n)]
		wg.Go(func() { try(r.Desk.Merge(t.Context(), r.Workspace, "test", *a.TicketID, *b.TicketID)) })
		wg.Go(func() { try(r.Desk.Split(t.Context(), r.Workspace, "test", *b.TicketID, []uuid.UUID{b.ID})) })
		wg.Go(func() {
			if err := r.Accept(t.Context(), r.Offer(mailText(fmt.Sprintf("c%d@x", i), fmt.Sprintf("b%d@x", i), "y", "3"))); err != nil {
				t.Errorf("Accept: %v", err)
			}
		})
	}
	wg.Wait()
	r.Settled(3 * n)
	countsHold(t, r, 3*n)
	for undone := true; undone; {
		undone = false
		for _, m := range moves {
			if now, err := r.Desk.Move(t.Context(), r.Workspace, m.ID); err == nil && now.UndoneAt != nil {
				continue
			}
			if _, err := r.Desk.Undo(t.Context(), r.Workspace, "test", m.ID); err == nil {
				undone = true
			} else if !errors.Is(err, tickets.ErrConflict) {
				t.Fatalf("Undo: %v", err)
			}
		}
	}
	countsHold(t, r, 3*n)
	for _, m := range r.Settled(3 * n) {
		if was, ok := before[m.ID]; ok && *m.TicketID != was {
			t.Errorf("message %s is on %s after all was undone, want %s", m.MailID, m.TicketID, was)
		}
	}
	if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil {
		t.Error(err)
	}
}

// countsHold checks that every post is where its message says, and counted once.
func countsHold(t *testing.T, r *ingesttest.Room, want int) {
	t.Helper()
	var posts, counted, wrong int
	err := r.DB.InWorkspace(t.Context(), r.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `
			select (select count(*) from post), (select sum(messages) from ticket),
				(select count(*) from post p join message m on m.id = p.message_id where m.ticket_id <> p.ticket_id)
				+ (select count(*) from ticket t where t.messages <> (select count(*) from post p where p.ticket_id = t.id))
				+ (select count(*) from ticket t where t.messages > 0 and t.merged_into is not null)`).Scan(&posts, &counted, &wrong)
	})
	if err != nil || posts != want || counted != want || wrong != 0 {
		t.Errorf("%d posts, %d counted, %d wrong, %v; want %d, %d, 0", posts, counted, wrong, err, want, want)
	}
}

// The passport has each evidence with its weight, what held and what did not.
func TestPassportHasEvidence(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("a@x", "", "Lamp", "1"))
	r.Settled(1)
	r.Send("References: <a@x>\r\n" + mailText("b@x", "", "Re: Lamp", "2"))
	m := r.Settled(2)[1]
	steps, err := m.Passport()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(steps[len(steps)-1].Detail["evidence"])
	if err != nil {
		t.Fatal(err)
	}
	var got []tickets.Finding
	if err := json.Unmarshal(raw, &got); err != nil || len(got) != 2 ||
		got[0] != (tickets.Finding{Evidence: tickets.References, Weight: 80, Ticket: *m.TicketID, Joins: true}) ||
		got[1] != (tickets.Finding{Evidence: tickets.Subject, Weight: 40, Ticket: *m.TicketID, Joins: true}) {
		t.Errorf("evidence = %s, %v; want references and subject", raw, err)
	}
	if m.Stage != ingest.Filed {
		t.Errorf("stage = %s", m.Stage)
	}
}
