package tickets

import (
	"crypto/sha256"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Mail that our own people wrote elsewhere joins a ticket and opens none. The mail
// that it answers may come later, though: folders are read one after the other.
// So what belongs to no ticket yet is kept in mind by its Message-IDs, and called
// when mail is filed that has one of them.

const callSQL = `
	select a.mailbox_id, a.ref, a.message_id from unnest($2::uuid[], $3::bytea[]) as q (mailbox_id, ref)
	cross join lateral (
		select x.mailbox_id, x.ref, x.message_id from alone x
		where x.workspace_id = $1 and x.mailbox_id = q.mailbox_id and x.ref = q.ref
		limit 100) a`

const aloneSQL = `
	insert into alone (workspace_id, mailbox_id, ref, message_id)
	select $1, * from unnest($2::uuid[], $3::bytea[], $4::uuid[]) on conflict do nothing`

const notAloneSQL = `delete from alone where workspace_id = $1 and message_id = any ($2)`

// aloneKeys are what an arrival is known by, or speaks of.
func (a Arrival) aloneKeys() []threadKey {
	ids := []string{a.MailID}
	ids = append(ids, a.InReplyTo[:min(len(a.InReplyTo), MaxRefs/2)]...)
	ids = append(ids, a.References[max(0, len(a.References)-MaxRefs/2):]...)
	var keys []threadKey
	for _, id := range ids {
		if id != "" {
			sum := sha256.Sum256([]byte(id))
			keys = append(keys, threadKey{a.MailboxID, [16]byte(sum[:16])})
		}
	}
	return keys
}

// askAlone queues the question which mail of ours the arrivals could call.
func (f *Filer) askAlone(b *pgx.Batch, arrivals []Arrival) {
	var boxes []uuid.UUID
	var refs [][]byte
	for _, a := range arrivals {
		if a.Ours {
			continue
		}
		for _, k := range a.aloneKeys() {
			boxes, refs = append(boxes, k.mailbox), append(refs, k.ref[:])
		}
	}
	if len(refs) == 0 {
		return
	}
	b.Queue(callSQL, f.workspace, boxes, refs).Query(func(rows pgx.Rows) error {
		var box, message uuid.UUID
		var ref []byte
		_, err := pgx.ForEachRow(rows, []any{&box, &ref, &message}, func() error {
			k := threadKey{box, [16]byte(ref)}
			f.alone[k] = append(f.alone[k], message)
			return nil
		})
		return err
	})
}

// Called are the messages of ours that belonged to no ticket and may belong to one
// on which this batch put something. Their caller sends them here again.
func (f *Filer) Called() []uuid.UUID {
	var list []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, p := range f.posts {
		if p.Ours {
			continue
		}
		for _, k := range p.aloneKeys() {
			for _, id := range f.alone[k] {
				if !seen[id] {
					seen[id] = true
					list = append(list, id)
				}
			}
		}
	}
	return list
}

// queueAlone keeps in mind what is on no ticket yet, and no longer what is.
func (f *Filer) queueAlone(b *pgx.Batch) {
	var found []uuid.UUID
	for _, p := range f.posts {
		if p.Ours {
			found = append(found, p.MessageID)
		}
	}
	if found = append(found, f.Called()...); len(found) > 0 {
		b.Queue(notAloneSQL, f.workspace, found)
	}
	var boxes, messages []uuid.UUID
	var refs [][]byte
	for _, a := range f.lone {
		for _, k := range a.aloneKeys() {
			boxes, refs, messages = append(boxes, k.mailbox), append(refs, k.ref[:]), append(messages, a.MessageID)
		}
	}
	if len(refs) > 0 {
		b.Queue(aloneSQL, f.workspace, boxes, refs, messages)
	}
}
