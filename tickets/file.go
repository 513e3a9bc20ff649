package tickets

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// MaxRefs bounds how many Message-IDs of one message are indexed: its own, the
// one it answers, and of its references the first and the last ones.
const MaxRefs = 32

// MaxOthers bounds how many recipients of one message are kept.
const MaxOthers = 50

// An Arrival is an accepted message on its way to a ticket.
type Arrival struct {
	MessageID  uuid.UUID // of our message row
	MailboxID  uuid.UUID
	At         time.Time
	Subject    string
	FromName   string
	FromEmail  string
	Others     []string // whom it was sent to besides, lower case; at most MaxOthers are kept
	MailID     string   // its Message-ID field, "" when it has none
	InReplyTo  []string // Message-IDs
	References []string // Message-IDs, oldest first
	Ours       bool     // our own people wrote it elsewhere: it may join a ticket, and opens none
}

// A Filing says on which ticket an arrival ended, and why.
type Filing struct {
	TicketID uuid.UUID // zero for mail of ours that belongs to none
	Number   int64     // of a ticket that was opened; 0 when joined
	Opened   bool
	Evidence Evidence
}

type threadKey struct {
	mailbox uuid.UUID
	ref     [16]byte
}

// thread is what is known of a Message-ID: its ticket, and whether a message with
// that id has been received or only been referred to.
type thread struct {
	ticket   uuid.UUID
	received bool
}

// A member is someone who wrote on a ticket, or was written to there.
type member struct {
	ticket uuid.UUID
	email  string
}

// A Filer puts one batch of arrivals on tickets of their workspace, each on the
// ticket that its references name or on a new one. Its caller has opened the
// workspace's audit chain in the same transaction, so no other filing runs beside
// it. It speaks to the database by what it queues: LookUp and AskParty ask, and
// once their answers are there File decides and writes.
type Filer struct {
	workspace uuid.UUID
	chain     *audit.Chain
	last      int64                 // number of the workspace's latest ticket
	known     map[threadKey]*thread // thread references, those of the batch included
	party     map[member]bool       // who takes part in which ticket, as far as was asked
	fresh     []threadKey           // added by this batch
	arrived   []threadKey           // referred to before, received by this batch
	opened    []*Ticket
	byID      map[uuid.UUID]*Ticket // opened by this batch
	touched   map[uuid.UUID]*touch  // joined by this batch
	order     []uuid.UUID           // of touched: rows are always locked in this order
	posts     []post
	alone     map[threadKey][]uuid.UUID // mail of ours that waits for its ticket, as far as was asked
	lone      []Arrival                 // mail of ours in this batch that belongs to no ticket
}

type touch struct {
	messages int
	at       time.Time
	reopens  bool
}

type post struct {
	Arrival
	ticket   uuid.UUID
	evidence Evidence
}

// NewFiler returns a filer that records what it does in chain.
func NewFiler(workspace uuid.UUID, chain *audit.Chain) *Filer {
	return &Filer{
		workspace: workspace, chain: chain,
		known: map[threadKey]*thread{}, party: map[member]bool{},
		byID: map[uuid.UUID]*Ticket{}, touched: map[uuid.UUID]*touch{}, alone: map[threadKey][]uuid.UUID{},
	}
}

// File puts arrivals on tickets in the order given and queues what is to be
// written, the chain's records not included: the caller may add to the chain.
func (f *Filer) File(b *pgx.Batch, arrivals []Arrival) ([]Filing, error) {
	if len(arrivals) == 0 {
		return nil, nil
	}
	filings := make([]Filing, len(arrivals))
	for i, a := range arrivals {
		filings[i] = f.place(a)
	}
	f.number()
	for i, a := range arrivals {
		if t := f.byID[filings[i].TicketID]; t != nil {
			filings[i].Number = t.Number
		}
		if filings[i].TicketID == uuid.Nil {
			continue
		}
		if err := f.record(a, filings[i]); err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
	}
	f.queue(b)
	return filings, nil
}

// refs returns what a message's thread can be known by, its own id first, and
// what each would be evidence of.
func refs(a Arrival) (all [][16]byte, evidence []Evidence) {
	seen := map[string]bool{}
	add := func(id string, e Evidence) {
		if id == "" || seen[id] || len(all) >= MaxRefs {
			return
		}
		seen[id] = true
		sum := sha256.Sum256([]byte(id))
		all = append(all, [16]byte(sum[:16]))
		evidence = append(evidence, e)
	}
	add(a.MailID, Parent)
	for _, id := range a.InReplyTo {
		add(id, InReplyTo)
	}
	// Latest first: the nearest ancestor is the best evidence.
	for i := len(a.References) - 1; i >= 0; i-- {
		if len(all) == MaxRefs-1 {
			i = 0 // the last place is for the thread's root
		}
		add(a.References[i], References)
	}
	return all, evidence
}

const lookUpSQL = `
	select l.* from unnest($2::uuid[], $3::bytea[]) as q (mailbox_id, ref)
	cross join lateral (
		select r.mailbox_id, r.ref, r.ticket_id, r.received from thread_ref r
		where r.workspace_id = $1 and r.mailbox_id = q.mailbox_id and r.ref = q.ref
		offset 0) l -- one look-up for each, whatever the statistics say`

// The chain's lock guards the counter, too.
const lastSQL = `select last from ticket_counter where workspace_id = $1`

// LookUp queues the questions for the tickets of all threads that arrivals
// mention. It may be asked of more arrivals than are filed in the end.
func (f *Filer) LookUp(b *pgx.Batch, arrivals []Arrival) {
	var boxes []uuid.UUID
	var keys [][]byte
	for _, a := range arrivals {
		all, _ := refs(a)
		for _, r := range all {
			boxes, keys = append(boxes, a.MailboxID), append(keys, r[:])
		}
	}
	if len(arrivals) > 0 {
		b.Queue(lastSQL, f.workspace).QueryRow(func(row pgx.Row) error { return row.Scan(&f.last) })
	}
	if len(keys) > 0 {
		b.Queue(lookUpSQL, f.workspace, boxes, keys).Query(f.learn)
	}
	f.askAlone(b, arrivals)
}

// learn takes in which thread references are known.
func (f *Filer) learn(rows pgx.Rows) error {
	var box, ticket uuid.UUID
	var ref []byte
	var received bool
	_, err := pgx.ForEachRow(rows, []any{&box, &ref, &ticket, &received}, func() error {
		f.known[threadKey{box, [16]byte(ref)}] = &thread{ticket, received}
		return nil
	})
	return err
}

const partySQL = `
	select q.ticket_id, q.email from unnest($2::uuid[], $3::text[]) as q (ticket_id, email)
	cross join lateral (
		select from post p where p.workspace_id = $1 and p.ticket_id = q.ticket_id and not p.hidden
			and (p.author_email = q.email and not p.ours or q.email = any (p.others))
		limit 1) l`

// AskParty queues the question whether the senders of arrivals take part in the
// tickets that they might join, and reports whether there was one to ask.
func (f *Filer) AskParty(b *pgx.Batch, arrivals []Arrival) bool {
	var ids []uuid.UUID
	var emails []string
	asked := map[member]bool{}
	for _, a := range arrivals {
		all, _ := refs(a)
		for _, r := range all {
			th := f.known[threadKey{a.MailboxID, r}]
			if th == nil || a.FromEmail == "" || asked[member{th.ticket, a.FromEmail}] {
				continue
			}
			asked[member{th.ticket, a.FromEmail}] = true
			ids, emails = append(ids, th.ticket), append(emails, a.FromEmail)
		}
	}
	if len(ids) == 0 {
		return false
	}
	b.Queue(partySQL, f.workspace, ids, emails).Query(func(rows pgx.Rows) error {
		var m member
		_, err := pgx.ForEachRow(rows, []any{&m.ticket, &m.email}, func() error {
			f.party[m] = true
			return nil
		})
		return err
	})
	return true
}

// place decides where one arrival belongs and notes the consequences.
func (f *Filer) place(a Arrival) Filing {
	all, evidence := refs(a)
	filing := Filing{Evidence: Opened, Opened: true}
	// What the message itself says of its ancestors comes before what others said
	// of it: its own id (first in the list) is asked last.
	for i := range all {
		j := i
		if a.MailID != "" {
			j = (i + 1) % len(all)
		}
		th := f.known[threadKey{a.MailboxID, all[j]}]
		if th == nil || !f.holds(evidence[j], th, a) {
			continue
		}
		filing = Filing{TicketID: th.ticket, Evidence: evidence[j]}
		break
	}
	if filing.Opened && a.Ours {
		f.lone = append(f.lone, a)
		return Filing{}
	}
	if filing.Opened {
		filing.TicketID = f.open(a)
	} else {
		f.join(filing.TicketID, a)
	}
	f.remember(a, all, filing.TicketID)
	if !a.Ours { // else all who write in our name would take part
		f.party[member{filing.TicketID, a.FromEmail}] = true
	}
	for _, o := range a.others() {
		f.party[member{filing.TicketID, o}] = true
	}
	f.posts = append(f.posts, post{a, filing.TicketID, filing.Evidence})
	return filing
}

// holds reports whether a reference is evidence that a belongs on its ticket. One
// to a message that was received is. One to a message that nobody here has seen is
// only between people who take part in the ticket: all who answer a newsletter
// refer to the same unseen message, and they are strangers. Its own id, which the
// ticket's people referred to before it came, is evidence too: they had it. But an
// id that was received before is reused or forged.
func (f *Filer) holds(e Evidence, th *thread, a Arrival) bool {
	if e == Parent {
		return !th.received
	}
	return th.received || a.FromEmail != "" && f.party[member{th.ticket, a.FromEmail}]
}

func (a Arrival) others() []string { return a.Others[:min(len(a.Others), MaxOthers)] }

// remember ties every id of the message that no ticket has yet to this one.
func (f *Filer) remember(a Arrival, all [][16]byte, ticket uuid.UUID) {
	for i, r := range all {
		k := threadKey{a.MailboxID, r}
		own := i == 0 && a.MailID != ""
		switch th := f.known[k]; {
		case th == nil:
			f.known[k] = &thread{ticket, own}
			f.fresh = append(f.fresh, k)
		case own && !th.received:
			th.received = true
			f.arrived = append(f.arrived, k)
		}
	}
}

func (f *Filer) open(a Arrival) uuid.UUID {
	t := &Ticket{
		ID: uuid.Must(uuid.NewV7()), MailboxID: a.MailboxID, Subject: a.Subject, Status: Open,
		RequesterName: a.FromName, RequesterEmail: a.FromEmail,
		Messages: 1, CreatedAt: a.At, UpdatedAt: a.At,
	}
	f.opened = append(f.opened, t)
	f.byID[t.ID] = t
	return t.ID
}

func (f *Filer) join(id uuid.UUID, a Arrival) {
	if t := f.byID[id]; t != nil {
		t.Messages++
		t.UpdatedAt = later(t.UpdatedAt, a.At)
		return
	}
	if f.touched[id] == nil {
		f.touched[id] = &touch{}
		f.order = append(f.order, id)
	}
	f.touched[id].messages++
	f.touched[id].at = later(f.touched[id].at, a.At)
	f.touched[id].reopens = f.touched[id].reopens || !a.Ours
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// number gives the opened tickets the next numbers of their workspace.
func (f *Filer) number() {
	for _, t := range f.opened {
		f.last++
		t.Number = f.last
	}
}

func (f *Filer) record(a Arrival, fi Filing) error {
	action := "ticket.join"
	detail := map[string]any{"message": a.MessageID, "evidence": fi.Evidence}
	if fi.Opened {
		action = "ticket.open"
		detail["number"] = fi.Number
	}
	return f.chain.Add(audit.Entry{Actor: "pipeline", Action: action, Target: "ticket:" + fi.TicketID.String(), Detail: detail})
}
