package tickets

import (
	"slices"

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
func (a *Arrival) aloneKeys() []threadKey {
	ids := []string{a.MailID}
	ids = append(ids, a.InReplyTo[:min(len(a.InReplyTo), MaxRefs/2)]...)
	ids = append(ids, a.References[max(0, len(a.References)-MaxRefs/2):]...)
	var keys []threadKey
	for _, id := range ids {
		if id != "" {
			keys = append(keys, threadKey{a.MailboxID, refOf(id)})
		}
	}
	return keys
}

// askAlone queues the question which mail of ours the arrivals could call.
func (f *Filer) askAlone(b *pgx.Batch, arrivals []Arrival) {
	var boxes []uuid.UUID
	var refs [][]byte
	for i := range arrivals {
		a := &arrivals[i]
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
		var key []byte
		_, err := pgx.ForEachRow(rows, []any{&box, &key, &message}, func() error {
			k := threadKey{box, ref(key)}
			f.alone[k] = append(f.alone[k], message)
			return nil
		})
		return err
	})
}

// Called are the messages of ours that belonged to no ticket and may belong to one
// on which this batch put something. Their caller sends them here again.
func (f *Filer) Called() []uuid.UUID { return f.called }

// call notes which mail of ours the batch calls.
func (f *Filer) call() {
	for _, p := range f.posts {
		if p.Ours {
			continue
		}
		for _, k := range p.aloneKeys() {
			for _, id := range f.alone[k] {
				f.called = appendOnce(f.called, id)
			}
		}
	}
}

// queueAlone keeps in mind what is on no ticket yet, and no longer what is.
func (f *Filer) queueAlone(b *pgx.Batch) {
	f.call()
	found := slices.Clone(f.called)
	for _, p := range f.posts {
		if p.Ours {
			found = append(found, p.MessageID)
		}
	}
	if len(found) > 0 {
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

// bond is what ties a mail to a ticket: its sender's part there, or of a mail of
// ours the greatest part of those it was sent to.
func (f *Filer) bond(a *Arrival, t *facts) part {
	if !a.Ours {
		return f.partOf(t, a.FromEmail)
	}
	most := none
	for _, o := range a.others() {
		most = max(most, f.partOf(t, o))
	}
	return most
}
