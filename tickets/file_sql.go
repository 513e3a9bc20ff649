package tickets

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const openSQL = `
	insert into ticket (workspace_id, id, number, mailbox_id, subject, status,
		requester_name, requester_email, messages, created_at, updated_at, waits)
	select $1, t.id, t.number, t.mailbox_id, t.subject, 'open', t.name, t.email, t.messages, t.created_at, t.updated_at, t.waits
	from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::int[], $9::timestamptz[], $10::timestamptz[], $11::text[])
		as t (id, number, mailbox_id, subject, name, email, messages, created_at, updated_at, waits)`

// A person's mail re-opens; a machine's, or ours, leaves the ticket as it stands.
const joinSQL = `
	update ticket t set messages = t.messages + j.messages, updated_at = greatest(t.updated_at, j.at),
		status = case when j.reopens then 'open' else t.status end,
		waits = case when j.rooted then '' else t.waits end
	from unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::bool[], $6::bool[]) as j (id, messages, at, reopens, rooted)
	cross join lateral (select x.ctid from ticket x where x.workspace_id = $1 and x.id = j.id offset 0 for no key update) l
	where t.ctid = l.ctid`

const countedSQL = `update ticket_counter set last = $2 where workspace_id = $1`

const postSQL = `
	insert into post (workspace_id, ticket_id, message_id, at, author_name, author_email, evidence, others, weight, automatic, ref, ours)
	select $1, p.ticket_id, p.message_id, p.at, p.name, p.email, p.evidence, string_to_array(p.others, ' '), p.weight, p.automatic, p.ref, p.ours
	from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::text[], $11::bytea[], $12::bool[])
		as p (ticket_id, message_id, at, name, email, evidence, others, weight, automatic, ref, ours)`

// Who else was written to is not looked up before, so their refs may be there.
const refSQL = `
	insert into thread_ref (workspace_id, mailbox_id, ref, ticket_id, received)
	select $1, * from unnest($2::uuid[], $3::bytea[], $4::uuid[], $5::bool[])
	on conflict do nothing`

const arrivedSQL = `
	update thread_ref set received = true where workspace_id = $1 and mailbox_id = $2 and ref = $3 and ticket_id = $4`

const relateSQL = `
	insert into ticket_related (workspace_id, ticket_id, other_id, reason, at)
	select $1, r.a, r.b, r.reason, $5
	from unnest($2::uuid[], $3::uuid[], $4::text[]) as q (ticket_id, other_id, reason)
	cross join lateral (values (q.ticket_id, q.other_id, q.reason), (q.other_id, q.ticket_id, q.reason)) as r (a, b, reason)
	on conflict do nothing`

// queue adds the statements that write the batch.
func (f *Filer) queue(b *pgx.Batch) {
	f.queueOpened(b)
	f.queueJoined(b)
	f.queuePosts(b)
	f.queueRefs(b)
	f.queueAlone(b)
	f.queueSent(b)
	for _, m := range f.merges {
		queueMove(b, f.workspace, move{id: m.id, kind: Merge, source: m.source.id, target: m.target.id, actor: "pipeline"})
	}
	if n := len(f.related); n > 0 {
		ids, others, reasons := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n)
		for i, r := range f.related {
			ids[i], others[i], reasons[i] = r.ticket, r.other, r.reason
		}
		b.Queue(relateSQL, f.workspace, ids, others, reasons, time.Now().UTC())
	}
	f.writes = newWrites()
}

func (f *Filer) queuePosts(b *pgx.Batch) {
	n := len(f.posts)
	ticketIDs, messageIDs, ats := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]time.Time, n)
	names, emails, evidence, others := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	worth, automatic, own, ours := make([]int32, n), make([]string, n), make([][]byte, n), make([]bool, n)
	for i, p := range f.posts {
		others[i] = strings.Join(p.others(), " ") // an address has no space
		ticketIDs[i], messageIDs[i], ats[i] = p.ticket, p.MessageID, p.At
		names[i], emails[i], evidence[i] = p.FromName, p.FromEmail, string(p.evidence)
		worth[i], automatic[i], ours[i] = int32(weights[p.evidence]), p.Automatic, p.Ours
		if p.own != nil {
			own[i] = p.own[:]
		}
	}
	b.Queue(postSQL, f.workspace, ticketIDs, messageIDs, ats, names, emails, evidence, others, worth, automatic, own, ours)
}

func (f *Filer) queueRefs(b *pgx.Batch) {
	if n := len(f.fresh); n > 0 {
		boxes, keys, owners, received := make([]uuid.UUID, n), make([][]byte, n), make([]uuid.UUID, n), make([]bool, n)
		for i, r := range f.fresh {
			boxes[i], keys[i], owners[i], received[i] = r.mailbox, r.ref[:], r.ticket, r.received
		}
		b.Queue(refSQL, f.workspace, boxes, keys, owners, received)
	}
	for _, r := range f.arrived { // few: parents that came later than their replies
		b.Queue(arrivedSQL, f.workspace, r.mailbox, r.ref[:], r.ticket)
	}
}

func (f *Filer) queueOpened(b *pgx.Batch) {
	n := len(f.opened)
	if n == 0 {
		return
	}
	ids, boxes, numbers, messages := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]int64, n), make([]int32, n)
	subjects, names, emails, waits := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	created, updated := make([]time.Time, n), make([]time.Time, n)
	for i, t := range f.opened {
		ids[i], boxes[i], numbers[i], messages[i] = t.ID, t.MailboxID, t.Number, int32(t.Messages)
		subjects[i], names[i], emails[i], waits[i] = t.Subject, t.RequesterName, t.RequesterEmail, t.waits
		created[i], updated[i] = t.CreatedAt, t.UpdatedAt
	}
	b.Queue(countedSQL, f.workspace, f.last)
	b.Queue(openSQL, f.workspace, ids, numbers, boxes, subjects, names, emails, messages, created, updated, waits)
}

func (f *Filer) queueJoined(b *pgx.Batch) {
	n := len(f.order)
	if n == 0 {
		return
	}
	counts, ats, reopens, rooted := make([]int32, n), make([]time.Time, n), make([]bool, n), make([]bool, n)
	for i, id := range f.order {
		t := f.touched[id]
		counts[i], ats[i], reopens[i], rooted[i] = int32(t.messages), t.at, t.reopens, t.rooted
	}
	b.Queue(joinSQL, f.workspace, f.order, counts, ats, reopens, rooted)
}
