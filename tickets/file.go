package tickets

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// An Arrival is an accepted message on its way to a ticket.
type Arrival struct {
	MessageID  uuid.UUID // of our message row
	MailboxID  uuid.UUID
	At         time.Time // of its arrival; what its Date says decides nothing
	Subject    string
	FromName   string
	FromEmail  string   // lower case
	Others     []string // whom it was sent to besides us, lower case; at most MaxOthers are kept
	SentTo     []string // all addresses that it was sent to, lower case: one may hold a token of ours
	Text       string   // its readable text, in which a marker of ours may be quoted
	MailID     string   // its Message-ID field, "" when it has none
	InReplyTo  []string // Message-IDs
	References []string // Message-IDs, oldest first
	Automatic  string   // the kind of machine that wrote it, as package mail names them; "" for none
	Original   string   // the Message-ID that a machine says it reports on
	Twins      []Twin   // the same mail in other mailboxes
	Ours       bool     // our own people wrote it elsewhere: it may join a ticket, and opens none
}

// A Twin is the same mail as another mailbox of the workspace received it.
type Twin struct {
	Message uuid.UUID
	Ticket  uuid.UUID // zero when it is filed in the same batch
}

// A Filing says on which ticket an arrival ended, and why.
type Filing struct {
	TicketID uuid.UUID // zero for mail of ours that belongs to none
	Number   int64     // of a ticket that was opened; 0 when joined
	Opened   bool
	Evidence Evidence
	Weight   int
	Findings []Finding // all evidence that it had, the heaviest first
}

type threadKey struct {
	mailbox uuid.UUID
	ref
}

// A thread says that a ref is known on a ticket.
type thread struct {
	ticket   *facts    // as it stands now
	row      uuid.UUID // the ticket that the row names: it may have been merged since
	received bool      // a message with this id is there; else it is only referred to
}

// facts are what the rules need to know of a ticket.
type facts struct {
	id        uuid.UUID
	number    int64 // 0: opened by this batch
	mailbox   uuid.UUID
	apart     bool   // a person has sorted it
	waits     string // for what it is about: "answer" or "report"; "" when it does not
	requester string
	updated   time.Time
	into      *facts // merged by this batch
}

// What a ticket may wait for.
const (
	waitsAnswer = "answer" // it was opened by an answer to a message that is not here
	waitsReport = "report" // it was opened by a machine's report on one
)

// root follows the merging that this batch has done.
func (t *facts) root() *facts {
	for t.into != nil {
		t = t.into
	}
	return t
}

// A named ticket is one whose number was mentioned; it may have been merged since.
type named struct {
	*facts
	mailbox uuid.UUID // of the ticket with that number
}

// A member is someone who wrote on a ticket, or was written to there.
type member struct {
	ticket uuid.UUID
	email  string
}

// A part is what someone has in a ticket.
type part byte

const (
	none      part = iota
	addressed      // a person of the ticket wrote to them
	wrote
)

// A Filer puts one batch of arrivals on tickets of their workspace, each on the
// ticket for which its evidence holds or on a new one (docs/threads.md). Its
// caller has opened the workspace's audit chain in the same transaction, so no
// other filing runs beside it. It speaks to the database by what it queues:
// LookUp and AskParty ask, and once their answers are there File decides and writes.
type Filer struct {
	workspace uuid.UUID
	chain     *audit.Chain
	sign      signer
	clues     map[uuid.UUID]*clues
	last      int64                     // number of the workspace's latest ticket
	tickets   map[uuid.UUID]*facts      // as far as was asked
	numbered  map[int64]named           // likewise
	known     map[threadKey][]thread    // refs, those of the batch included
	party     map[member]part           // who takes part in which ticket, as far as was asked
	placed    map[uuid.UUID]*facts      // message of this batch → its ticket
	alone     map[threadKey][]uuid.UUID // mail of ours that waits for its ticket, as far as was asked
	called    []uuid.UUID               // of that, what this batch may bring its ticket
	ties      tieLookUp                 // as far as was asked
	writes
}

// writes are what a batch has decided and is to write.
type writes struct {
	opened  []*opened
	byID    map[uuid.UUID]*opened
	touched map[uuid.UUID]*touch // joined
	order   []uuid.UUID          // of touched: rows are always locked in this order
	posts   []post
	lone    []*Arrival // mail of ours that belongs to no ticket
	fresh   []refRow
	arrived []refRow // referred to before, received now
	merges  []merging
	related []relation
	twice   map[relation]bool // noted already
}

type opened struct {
	Ticket
	waits string
}

type touch struct {
	messages int
	at       time.Time
	reopens  bool
	rooted   bool // what its opener answered has come
}

type post struct {
	*Arrival
	ticket   uuid.UUID
	evidence Evidence
	own      *ref
}

type refRow struct {
	threadKey
	ticket   uuid.UUID
	received bool
}

type merging struct {
	id             uuid.UUID
	source, target *facts
}

type relation struct {
	ticket, other uuid.UUID
	reason        string
}

// NewFiler returns a filer for a batch, which records what it does in chain.
func (d *Desk) NewFiler(workspace uuid.UUID, chain *audit.Chain) *Filer {
	return &Filer{
		workspace: workspace, chain: chain, sign: d.sign, clues: map[uuid.UUID]*clues{},
		tickets: map[uuid.UUID]*facts{}, numbered: map[int64]named{},
		known: map[threadKey][]thread{}, party: map[member]part{}, placed: map[uuid.UUID]*facts{},
		alone: map[threadKey][]uuid.UUID{}, writes: newWrites(),
	}
}

func newWrites() writes {
	return writes{byID: map[uuid.UUID]*opened{}, touched: map[uuid.UUID]*touch{}, twice: map[relation]bool{}}
}

// read returns what an arrival says of where it belongs.
func (f *Filer) read(a *Arrival) *clues {
	c := f.clues[a.MessageID]
	if c == nil {
		c = f.sign.read(f.workspace, a)
		f.clues[a.MessageID] = c
	}
	return c
}

// File puts arrivals on tickets in the order given and queues what is to be
// written, the chain's records not included: the caller may add to the chain.
func (f *Filer) File(b *pgx.Batch, arrivals []Arrival) ([]Filing, error) {
	if len(arrivals) == 0 {
		return nil, nil
	}
	filings := make([]Filing, len(arrivals))
	for i := range arrivals {
		filings[i] = f.place(&arrivals[i])
	}
	f.number()
	for i := range arrivals {
		if filings[i].TicketID == uuid.Nil {
			continue
		}
		if t := f.byID[filings[i].TicketID]; filings[i].Opened {
			filings[i].Number = t.Number
		}
		if err := f.record(&arrivals[i], filings[i]); err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
	}
	for _, m := range f.merges {
		if err := f.chain.Add(mergeEntry("pipeline", m.id, m.source.id, m.target.id)); err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
	}
	for i, a := range arrivals {
		if t := f.placed[a.MessageID]; t != nil {
			filings[i].TicketID = t.root().id
		}
	}
	f.queue(b)
	return filings, nil
}

// number gives the opened tickets the next numbers of their workspace.
func (f *Filer) number() {
	for _, t := range f.opened {
		f.last++
		t.Number = f.last
	}
}

func (f *Filer) record(a *Arrival, fi Filing) error {
	action := "ticket.join"
	detail := map[string]any{"message": a.MessageID, "evidence": fi.Evidence, "weight": fi.Weight}
	if fi.Opened {
		action = "ticket.open"
		detail["number"] = fi.Number
	}
	var related []uuid.UUID
	for _, r := range f.related {
		if r.ticket == fi.TicketID {
			related = append(related, r.other)
		}
	}
	if fi.Opened && len(related) > 0 {
		detail["related"] = related
	}
	return f.chain.Add(audit.Entry{Actor: "pipeline", Action: action, Target: "ticket:" + fi.TicketID.String(), Detail: detail})
}
