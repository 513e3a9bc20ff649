package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// conversations is how many are made up, and seed what they are made from.
const (
	conversations = 500
	seed          = 20261122
)

// A town is three mailboxes and the people who write to them.
type town struct {
	*rand.Rand
	boxes  []tickets.Mailbox
	mails  []posted
	of     map[string]string   // sender → their conversation
	talks  map[string]talk     // by name
	quoted map[string][]string // conversation → the Message-IDs that it has
}

type talk struct {
	customer, subject string
	box               int
}

// A posted mail goes to one of the mailboxes, or to two.
type posted struct {
	raw   string
	boxes []int
}

// A letter is a mail in the making.
type letter struct {
	from, to, cc, id, inReplyTo, subject, text string
	references                                 []string
}

func (l letter) String() string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	field("From", l.from)
	field("To", l.to)
	field("Cc", l.cc)
	field("Subject", l.subject)
	field("Message-ID", angle(l.id))
	field("In-Reply-To", angle(l.inReplyTo))
	var refs []string
	for _, r := range l.references {
		refs = append(refs, angle(r))
	}
	field("References", strings.Join(refs, "\r\n "))
	field("Date", "Mon, 02 Nov 2026 10:00:00 +0100")
	return b.String() + "\r\n" + l.text + "\r\n"
}

func angle(id string) string {
	if id == "" {
		return ""
	}
	return "<" + id + ">"
}

var answerPrefixes = []string{"Re: ", "RE: ", "AW: ", "Antw: ", "SV: ", "RE[2]: ", "Re: AW: ", "回复：", "Odp: ", "RE : "}

// sameSubjects are what many people write who have nothing to do with each other.
var sameSubjects = []string{"Order", "Question", "Invoice", "Hello", "Lamp arrived broken"}

// converse makes up one conversation. Some are of one person, some of two; what
// our side answered was never received and is referred to all the same.
func (w *town) converse(n int) {
	name := fmt.Sprintf("talk-%d", n)
	customer, colleague := fmt.Sprintf("c%d@one.test", n), fmt.Sprintf("k%d@one.test", n)
	w.of[customer], w.of[colleague] = name, name
	box := w.IntN(3)
	subject := fmt.Sprintf("Matter %d", n)
	if w.IntN(3) == 0 {
		subject = sameSubjects[w.IntN(len(sameSubjects))]
	}
	w.talks[name] = talk{customer, subject, box}
	boxes := []int{box}
	if w.IntN(12) == 0 {
		boxes = append(boxes, (box+1)%3)
	}
	two := w.IntN(3) == 0
	kind := w.IntN(5)
	var chain []string // of ids, our answers included
	for i := range 2 + w.IntN(5) {
		id := fmt.Sprintf("m%d.%d@one.test", n, i)
		l := letter{from: customer, to: w.boxes[box].Address, id: id, subject: subject, text: fmt.Sprintf("%s, part %d", name, i)}
		if two {
			l.cc = colleague
			if i > 0 && w.IntN(3) == 0 {
				l.from, l.cc = colleague, customer
			}
		}
		if i > 0 {
			w.answer(&l, kind, i, chain)
		}
		w.mails = append(w.mails, posted{l.String(), boxes})
		if l.id != "" {
			chain = append(chain, l.id)
			w.quoted[name] = append(w.quoted[name], l.id)
		}
		if w.IntN(2) == 0 {
			chain = append(chain, fmt.Sprintf("ours%d.%d@desk.test", n, i))
		}
		if kind == 4 && i == 1 {
			subject = fmt.Sprintf("Another matter %d", n)
		}
	}
}

// answer has a letter refer to those before it, as the many programs do.
func (w *town) answer(l *letter, kind, i int, chain []string) {
	l.subject = answerPrefixes[w.IntN(len(answerPrefixes))] + l.subject
	nearest := chain[len(chain)-1]
	switch kind {
	case 0, 4: // as it should be; in 4 the subject changes
		l.inReplyTo, l.references = nearest, chain
	case 1: // Outlook of old
		l.inReplyTo = nearest
	case 2: // cut in the middle
		l.references = []string{chain[0], nearest}
	case 3: // nothing but the subject, and at times not even an id of its own
		if i%2 == 1 {
			l.id = ""
		}
	}
}

// intrude makes up a stranger who quotes what belongs to a conversation.
func (w *town) intrude(n int, name string, number int64) {
	t := w.talks[name]
	stranger := fmt.Sprintf("s%d@evil.test", n)
	w.of[stranger] = fmt.Sprintf("stranger-%d", n)
	ids := w.quoted[name]
	l := letter{from: stranger, to: w.boxes[t.box].Address, id: fmt.Sprintf("s%d@evil.test", n), subject: "Mine", text: "let me in"}
	kind := w.IntN(5)
	if w.IntN(3) == 0 && kind != 3 {
		l.cc = t.customer // who may be drawn in, but whose own mail must not
	}
	switch kind {
	case 0:
		l.subject = "Re: " + t.subject
	case 1:
		l.inReplyTo = ids[w.IntN(len(ids))]
	case 2:
		l.references = ids
		l.subject = "Re: " + t.subject
	case 3:
		l.id = ids[w.IntN(len(ids))]
		l.subject = "Fwd: " + t.subject
	case 4:
		l.subject = fmt.Sprintf("Re: [#%d] %s", number, t.subject)
		l.text = fmt.Sprintf("[t.%d-aaaaaaaaaaaaaaaa] support+t.%d-aaaaaaaaaaaaaaaa@x.test", number, number)
	}
	w.mails = append(w.mails, posted{l.String(), []int{t.box}})
}

// deliver offers every mail twice, all in random order, many at once.
func (w *town) deliver(t *testing.T, r *ingesttest.Room) (sent int) {
	t.Helper()
	all := slices.Concat(w.mails, w.mails)
	w.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	w.mails = nil
	next := make(chan posted)
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			for p := range next {
				o := r.Offer(p.raw)
				o.To = nil
				for _, b := range p.boxes {
					to := r.To()
					to.Mailbox, to.Address = w.boxes[b].ID, w.boxes[b].Address
					o.To = append(o.To, to)
				}
				if err := r.Accept(t.Context(), o); err != nil {
					t.Errorf("Accept: %v", err)
				}
			}
		})
	}
	for _, p := range all {
		next <- p
		sent += len(p.boxes)
	}
	close(next)
	wg.Wait()
	return sent
}

// newTown opens two more mailboxes.
func newTown(t *testing.T, r *ingesttest.Room) *town {
	t.Helper()
	for _, name := range []string{"billing", "sales"} {
		if _, err := r.Desk.CreateMailbox(t.Context(), r.Workspace, "test", name+r.Address[len("support"):], ""); err != nil {
			t.Fatal(err)
		}
	}
	boxes, err := r.Desk.Mailboxes(t.Context(), r.Workspace)
	if err != nil {
		t.Fatal(err)
	}
	return &town{
		Rand: rand.New(rand.NewPCG(seed, 0)), boxes: boxes,
		of: map[string]string{}, talks: map[string]talk{}, quoted: map[string][]string{},
	}
}

// A place is a conversation in a mailbox, which has a ticket of its own.
type place struct {
	talk string
	box  uuid.UUID
}

// check holds the filed messages against who wrote them: each conversation on one
// ticket in each mailbox, and no ticket with two.
func (w *town) check(t *testing.T, list []ingest.Message) map[place]uuid.UUID {
	t.Helper()
	ticketOf, talkOf := map[place]uuid.UUID{}, map[uuid.UUID]place{}
	apart, mixed := 0, 0
	for _, m := range list {
		if m.Stage == ingest.Duplicate {
			continue
		}
		if m.Stage != ingest.Filed {
			t.Fatalf("message %q of %s ended as %s", m.Subject, m.FromEmail, m.Stage)
		}
		p := place{w.of[m.FromEmail], m.MailboxID}
		if have, ok := ticketOf[p]; ok && have != *m.TicketID {
			apart++
			t.Logf("%s is on %s and %s (%q)", p.talk, have, m.TicketID, m.Subject)
		}
		if have, ok := talkOf[*m.TicketID]; ok && have != p {
			mixed++
			t.Logf("ticket %s has %s and %s (%q)", m.TicketID, have.talk, p.talk, m.Subject)
		}
		ticketOf[p], talkOf[*m.TicketID] = *m.TicketID, p
	}
	if apart+mixed > 0 {
		t.Errorf("%d messages are apart from their conversation, %d on another's ticket; want none", apart, mixed)
	}
	return ticketOf
}

// Conversations as they come: broken and missing references, missing ids, changed
// subjects, three mailboxes, strangers who quote ids, numbers and subjects; all in
// random order, and all twice.
func TestConversations(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	w := newTown(t, r)
	for n := range conversations {
		w.converse(n)
	}
	for n := range conversations / 2 {
		w.intrude(n, fmt.Sprintf("talk-%d", w.IntN(conversations)), int64(1+w.IntN(conversations)))
	}
	sent := w.deliver(t, r)
	ticketOf := w.check(t, r.Settled(sent))

	for n := range conversations {
		w.goOn(t, r, n, ticketOf)
	}
	for n := range conversations / 2 {
		w.intrude(conversations+n, fmt.Sprintf("talk-%d", w.IntN(conversations)), int64(1+w.IntN(conversations)))
	}
	sent += w.deliver(t, r)
	w.check(t, r.Settled(sent))
	w.checkTickets(t, r)
	if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil {
		t.Error(err)
	}
}

// goOn has a conversation go on by what we have given out: the reply address, the
// marker in our mail, the ticket's number.
func (w *town) goOn(t *testing.T, r *ingesttest.Room, n int, ticketOf map[place]uuid.UUID) {
	t.Helper()
	name := fmt.Sprintf("talk-%d", n)
	talk := w.talks[name]
	box := w.boxes[talk.box]
	ticket, err := r.Desk.Ticket(t.Context(), r.Workspace, ticketOf[place{name, box.ID}])
	if err != nil {
		t.Fatal(err)
	}
	l := letter{from: talk.customer, to: box.Address, id: fmt.Sprintf("on%d@one.test", n), subject: "quite another thing", text: name + " goes on"}
	switch w.IntN(4) {
	case 0: // somebody to whom our mail was passed on
		l.from = fmt.Sprintf("f%d@elsewhere.test", n)
		w.of[l.from] = name
		l.to = r.Desk.ReplyAddress(r.Workspace, box.Address, ticket.Number)
	case 1:
		l.text = "yes\r\n> " + r.Desk.Marker(r.Workspace, ticket.Number) + "\r\n"
	case 2:
		l.subject = fmt.Sprintf("quite another thing [#%d]", ticket.Number)
	case 3:
		l.subject = "AW: " + talk.subject
	}
	w.mails = append(w.mails, posted{l.String(), []int{talk.box}})
}

// checkTickets counts each ticket's posts, and finds the strangers' marked.
func (w *town) checkTickets(t *testing.T, r *ingesttest.Room) {
	t.Helper()
	list, err := r.Desk.Tickets(t.Context(), r.Workspace, tickets.Filter{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	related, strangers := 0, 0
	for _, ticket := range list {
		posts, err := r.Desk.Posts(t.Context(), r.Workspace, ticket.ID, uuid.Nil, 1000)
		if err != nil || len(posts) != ticket.Messages || ticket.MergedInto != nil {
			t.Errorf("ticket %d says it has %d messages and has %d, %v", ticket.Number, ticket.Messages, len(posts), err)
		}
		if strings.HasSuffix(ticket.RequesterEmail, "@evil.test") {
			strangers++
			if others, err := r.Desk.Related(t.Context(), r.Workspace, ticket.ID); err == nil && len(others) > 0 {
				related++
			}
		}
	}
	t.Logf("%d tickets; %d of %d strangers' are marked as related", len(list), related, strangers)
	if related < strangers/3 {
		t.Errorf("%d of %d strangers' tickets are marked as related, want most of those who quote what was there", related, strangers)
	}
}
