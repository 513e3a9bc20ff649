package tickets

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const openSQL = `
	insert into ticket (workspace_id, id, number, mailbox_id, subject, status,
		requester_name, requester_email, messages, created_at, updated_at)
	select $1, t.id, t.number, t.mailbox_id, t.subject, 'open', t.name, t.email, t.messages, t.created_at, t.updated_at
	from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::int[], $9::timestamptz[], $10::timestamptz[])
		as t (id, number, mailbox_id, subject, name, email, messages, created_at, updated_at)`

// A reply re-opens, unless it is ours: the desk decides in later rules which other
// mail does not.
const joinSQL = `
	update ticket t set messages = t.messages + j.messages, updated_at = greatest(t.updated_at, j.at),
		status = case when j.reopens then 'open' else t.status end
	from unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::bool[]) as j (id, messages, at, reopens)
	cross join lateral (select x.ctid from ticket x where x.workspace_id = $1 and x.id = j.id offset 0 for no key update) l
	where t.ctid = l.ctid`

const countedSQL = `update ticket_counter set last = $2 where workspace_id = $1`

const postSQL = `
	insert into post (workspace_id, ticket_id, message_id, at, author_name, author_email, evidence, others, ours)
	select $1, p.ticket_id, p.message_id, p.at, p.name, p.email, p.evidence, string_to_array(p.others, ' '), p.ours
	from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[])
		as p (ticket_id, message_id, at, name, email, evidence, others, ours)`

const refSQL = `
	insert into thread_ref (workspace_id, mailbox_id, ref, ticket_id, received)
	select $1, * from unnest($2::uuid[], $3::bytea[], $4::uuid[], $5::bool[])`

const arrivedSQL = `
	update thread_ref set received = true where workspace_id = $1 and mailbox_id = $2 and ref = $3`

// queue adds the statements that write the batch.
func (f *Filer) queue(b *pgx.Batch) {
	f.queueOpened(b)
	f.queueJoined(b)
	n := len(f.posts)
	ticketIDs, messageIDs, ats := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]time.Time, n)
	names, emails, evidence, others := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	ours := make([]bool, n)
	for i, p := range f.posts {
		ours[i] = p.Ours
		others[i] = strings.Join(p.others(), " ") // an address has no space
		ticketIDs[i], messageIDs[i], ats[i] = p.ticket, p.MessageID, p.At
		names[i], emails[i], evidence[i] = p.FromName, p.FromEmail, string(p.evidence)
	}
	b.Queue(postSQL, f.workspace, ticketIDs, messageIDs, ats, names, emails, evidence, others, ours)
	f.queueRefs(b)
	f.queueAlone(b)
}

func (f *Filer) queueRefs(b *pgx.Batch) {
	if n := len(f.fresh); n > 0 {
		boxes, keys, owners, received := make([]uuid.UUID, n), make([][]byte, n), make([]uuid.UUID, n), make([]bool, n)
		for i, k := range f.fresh {
			boxes[i], keys[i], owners[i], received[i] = k.mailbox, k.ref[:], f.known[k].ticket, f.known[k].received
		}
		b.Queue(refSQL, f.workspace, boxes, keys, owners, received)
	}
	for _, k := range f.arrived { // few: parents that came later than their replies
		b.Queue(arrivedSQL, f.workspace, k.mailbox, k.ref[:])
	}
}

func (f *Filer) queueOpened(b *pgx.Batch) {
	n := len(f.opened)
	if n == 0 {
		return
	}
	ids, boxes, numbers, messages := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]int64, n), make([]int32, n)
	subjects, names, emails := make([]string, n), make([]string, n), make([]string, n)
	created, updated := make([]time.Time, n), make([]time.Time, n)
	for i, t := range f.opened {
		ids[i], boxes[i], numbers[i], messages[i] = t.ID, t.MailboxID, t.Number, int32(t.Messages)
		subjects[i], names[i], emails[i] = t.Subject, t.RequesterName, t.RequesterEmail
		created[i], updated[i] = t.CreatedAt, t.UpdatedAt
	}
	b.Queue(countedSQL, f.workspace, f.last)
	b.Queue(openSQL, f.workspace, ids, numbers, boxes, subjects, names, emails, messages, created, updated)
}

func (f *Filer) queueJoined(b *pgx.Batch) {
	if len(f.order) == 0 {
		return
	}
	counts, ats, reopens := make([]int32, len(f.order)), make([]time.Time, len(f.order)), make([]bool, len(f.order))
	for i, id := range f.order {
		t := f.touched[id]
		counts[i], ats[i], reopens[i] = int32(t.messages), t.at, t.reopens
	}
	b.Queue(joinSQL, f.workspace, f.order, counts, ats, reopens)
}
