package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// from offers a mail that lay in a folder with a role.
func from(t *testing.T, r *ingesttest.Room, role, raw string) {
	t.Helper()
	o := r.Offer(raw)
	o.Envelope.Door, o.Envelope.Role, o.Envelope.Learn = ingest.DoorIMAP, role, strings.HasSuffix(role, "+learn")
	o.Envelope.Role = strings.TrimSuffix(role, "+learn")
	if err := r.Accept(t.Context(), o); err != nil {
		t.Fatalf("Accept: %v", err)
	}
}

// sentMail is a reply as the Sent folder keeps it.
func sentMail(id, inReplyTo string) string {
	s := mailText(id, inReplyTo, "Re: Lamp", "We are on it.")
	s = strings.Replace(s, "From: Anna <anna@example.test>", "From: Support <support@example.test>", 1)
	return strings.Replace(s, "To: support@example.test", "To: anna@example.test", 1)
}

func posts(t *testing.T, r *ingesttest.Room, ticket uuid.UUID) []tickets.Post {
	t.Helper()
	list, err := r.Desk.Posts(t.Context(), r.Workspace, ticket, uuid.Nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func ticketOf(t *testing.T, r *ingesttest.Room, m ingest.Message) tickets.Ticket {
	t.Helper()
	if m.TicketID == nil {
		t.Fatalf("message %q is on no ticket: %s %v", m.MailID, m.Stage, *m.Reason)
	}
	tk, err := r.Desk.Ticket(t.Context(), r.Workspace, *m.TicketID)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// A reply that was written elsewhere joins its ticket as ours, changes neither its
// status nor its requester, and what the customer answers to it finds the ticket.
func TestSentJoins(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("c1@x", "", "Lamp", "It is broken."))
	first := r.Settled(1)[0]
	r.AsOwner("update ticket set status = 'closed' where id = $1", *first.TicketID)
	from(t, r, "sent", sentMail("s1@us", "c1@x"))
	list := r.Settled(2)
	if m := list[1]; m.Stage != ingest.Filed || m.Verdict != nil || m.Score != nil || *m.TicketID != *first.TicketID {
		t.Fatalf("the reply: %s, verdict %v, ticket %v: want filed on %s and never scored", m.Stage, m.Verdict, m.TicketID, *first.TicketID)
	}
	tk := ticketOf(t, r, list[1])
	if tk.Status != tickets.Closed || tk.RequesterEmail != "anna@example.test" || tk.Messages != 2 {
		t.Errorf("ticket = %+v: want it closed, Anna's, with two messages", tk)
	}
	if p := posts(t, r, tk.ID); len(p) != 2 || p[0].Ours || !p[1].Ours || p[1].AuthorEmail != "support@example.test" {
		t.Errorf("posts = %+v: want the second to be ours", p)
	}
	r.Send(mailText("c2@x", "s1@us", "Re: Re: Lamp", "Thank you."))
	if m := r.Settled(3)[2]; ticketOf(t, r, m).ID != tk.ID || ticketOf(t, r, m).Status != tickets.Open {
		t.Errorf("the answer to the reply is on another ticket, or does not re-open its own")
	}
	if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil {
		t.Errorf("audit: %v", err)
	}
}

// What we sent and what belongs to no ticket is held, with its cause, until mail
// comes to which it belongs; in whichever order.
func TestSentBeforeItsTicket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, id, inReplyTo string }{
		{"the mail that it answers", "c1@x", ""},
		{"an answer to it", "c2@x", "s1@us"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := ingesttest.New(t, nil)
			r.Start()
			from(t, r, "sent", sentMail("s1@us", "c1@x"))
			m := r.Settled(1)[0]
			if m.Stage != ingest.Held || *m.Cause != ingest.CauseSent || *m.Reason != "sent from this mailbox, and on no ticket" {
				t.Fatalf("%s %v %v: want held as sent", m.Stage, m.Cause, m.Reason)
			}
			r.Send(mailText("other@x", "", "Something else", "Hello."))
			if m := r.Settled(2)[0]; m.Stage != ingest.Held {
				t.Fatalf("mail that has nothing to do with it released it: %s", m.Stage)
			}
			r.Send(mailText(tt.id, tt.inReplyTo, "Lamp", "It is broken."))
			waitFor(t, "the reply to join", func() bool { return r.Settled(3)[0].Stage == ingest.Filed })
			list := r.Settled(3)
			if ticketOf(t, r, list[0]).ID != ticketOf(t, r, list[2]).ID || ticketOf(t, r, list[2]).RequesterEmail != "anna@example.test" {
				t.Errorf("reply and mail are on different tickets, or the ticket is not the customer's")
			}
			if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil {
				t.Errorf("audit: %v", err)
			}
		})
	}
}

// A ticket that is split off is the customer's, even when our own mail came first.
func TestSentSplitOff(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	from(t, r, "sent", sentMail("s1@us", "c1@x"))
	r.Settled(1)
	r.Send(mailText("c1@x", "", "Lamp", "It is broken."))
	r.Send(mailText("c2@x", "c1@x", "Re: Lamp", "And the bulb, too."))
	waitFor(t, "the reply to join", func() bool { return r.Settled(3)[0].Stage == ingest.Filed })
	list := r.Settled(3)
	m, err := r.Desk.Split(t.Context(), r.Workspace, "bea", *list[0].TicketID, []uuid.UUID{list[0].ID, list[2].ID})
	if err != nil {
		t.Fatal(err)
	}
	tk, err := r.Desk.Ticket(t.Context(), r.Workspace, m.Target)
	if err != nil || tk.RequesterEmail != "anna@example.test" || tk.Messages != 2 {
		t.Errorf("the new ticket is %+v, %v: want Anna's, with two messages", tk, err)
	}
}

// A person may file what was sent as they file any mail.
func TestSentReleased(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	from(t, r, "sent", sentMail("s1@us", ""))
	m := r.Settled(1)[0]
	if _, err := r.Judge(t.Context(), r.Workspace, "anna", m.ID, classify.Ham); err != nil {
		t.Fatal(err)
	}
	if m = r.Settled(1)[0]; m.Stage != ingest.Filed {
		t.Errorf("released, it is %s (%v)", m.Stage, *m.Reason)
	}
}

// Whoever writes in our name takes no part in tickets on which we wrote: a
// reference to a message that nobody saw is no evidence between them.
func TestSentMakesNobodyTakePart(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("c1@x", "unseen@x", "Lamp", "It is broken."))
	r.Settled(1)
	lena := func(id, inReplyTo string) string {
		return strings.Replace(sentMail(id, inReplyTo), "support@example.test", "lena@example.test", 1)
	}
	from(t, r, "sent", lena("s1@us", "c1@x"))
	if list := r.Settled(2); list[1].Stage != ingest.Filed {
		t.Fatalf("Lena's reply is %s", list[1].Stage)
	}
	r.Send(lena("f1@x", "unseen@x"))
	list := r.Settled(3)
	if ticketOf(t, r, list[2]).ID == ticketOf(t, r, list[0]).ID {
		t.Error("a mail in our name joined by a reference to a message that nobody has seen")
	}
}

// What lay in a junk folder is held as spam; a person's word releases it, and the
// same mail in the inbox is filed.
func TestJunk(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	raw := mailText("j1@x", "", "Win", "a lot")
	from(t, r, "junk", raw)
	m := r.Settled(1)[0]
	if m.Stage != ingest.Held || *m.Cause != ingest.CauseSpam || *m.Reason != "lay in the junk folder" {
		t.Fatalf("%s %v %v: want held as spam", m.Stage, m.Cause, m.Reason)
	}
	from(t, r, "inbox", raw)
	list := r.Settled(2)
	if list[1].Stage != ingest.Filed {
		t.Errorf("moved to the inbox, it is %s (%v)", list[1].Stage, *list[1].Reason)
	}
	from(t, r, "junk", raw)
	if list = r.Settled(3); list[2].Stage != ingest.Duplicate {
		t.Errorf("moved to junk again, it is %s (%v)", list[2].Stage, *list[2].Reason)
	}
	from(t, r, "junk", mailText("j2@x", "", "Bill", "attached"))
	list = r.Settled(4)
	if _, err := r.Judge(t.Context(), r.Workspace, "anna", list[3].ID, classify.Ham); err != nil {
		t.Fatal(err)
	}
	if m := r.Settled(4)[3]; m.Stage != ingest.Filed {
		t.Errorf("released, it is %s (%v)", m.Stage, *m.Reason)
	}
}

// Junk is learned only where that is asked for, not from what a person has judged,
// and not while spam outweighs ham.
func TestJunkLearned(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	from(t, r, "junk", mailText("j0@x", "", "Win", "a lot"))
	r.Settled(1)
	if st, err := r.Filter.Status(t.Context(), r.Workspace); err != nil || st.Spam != 0 {
		t.Fatalf("Status() = %+v, %v: want nothing learned unasked", st, err)
	}
	n := classify.MinSpam + 5
	for i := range n {
		from(t, r, "junk+learn", mailText(uuid.NewString(), "", "Win", strings.Repeat("more ", i+1)))
	}
	list := r.Settled(n + 1)
	learned := func() int {
		st, err := r.Filter.Status(t.Context(), r.Workspace)
		if err != nil {
			t.Fatal(err)
		}
		return st.Spam
	}
	waitFor(t, "the filter to learn", func() bool { return learned() == classify.MinSpam })
	var actors []string
	if err := r.DB.InWorkspace(t.Context(), r.Workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), "select distinct actor || ' ' || source || ' ' || verdict from classify_event")
		if err == nil {
			actors, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	}); err != nil || len(actors) != 1 || actors[0] != "junk folder auto spam" {
		t.Errorf("journal = %q, %v", actors, err)
	}
	if _, err := r.Judge(t.Context(), r.Workspace, "anna", list[1].ID, classify.Ham); err != nil {
		t.Fatal(err)
	}
	if got := learned(); got != classify.MinSpam-1 {
		t.Errorf("a person's word left %d spam, want %d", got, classify.MinSpam-1)
	}
}
