package tickets

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

// Whoever has a mail of ours can name it: nobody guesses a Message-ID or makes up a token. Whom we have written to, and
// whose mail was good before, is known by a From field that anybody can write, so it is worth less. Who asks decides what
// follows.

// HistoryOf is how many of a sender's latest mails tell how good they are.
const HistoryOf = 20

// Ties are what connects a message with the workspace besides its words.
type Ties struct {
	Token     bool // it was sent to an address, or quotes a text, that bears a token of ours
	Answers   bool // it names the Message-ID of a mail that our own people sent
	Written   bool // our own people have written to its sender
	Ham, Spam int  // of its sender's latest mails before it on tickets: held for ham by filter or people; judged spam
}

// history is what is known of a sender before a message.
type history struct {
	own       bool // the address is one of the workspace's own mailboxes: anybody writes it who forges
	ham, spam int
}

// A tieLookUp asks for the ties of arrivals.
type tieLookUp struct {
	sent      map[ref]bool
	histories map[uuid.UUID]history // by message
}

const (
	sentSQL = `
	select s.ref from unnest($2::bytea[]) as q (ref)
	cross join lateral (select x.ref from sent_ref x where x.workspace_id = $1 and x.ref = q.ref offset 0) s`
	historySQL = `
	select q.id, exists (select from mailbox b where b.address = q.email and b.workspace_id = $1), h.ham, h.spam
	from unnest($2::uuid[], $3::text[]) as q (id, email)
	cross join lateral (
		select count(*) filter (where coalesce(m.judged, m.verdict) = 'ham' and not p.hidden) as ham,
			count(*) filter (where m.judged = 'spam') as spam
		from (
			select y.message_id, y.hidden from post y
			where y.author_email = q.email and y.workspace_id = $1 and y.message_id < q.id
				and not y.ours and y.automatic not in ('bounce', 'feedback')
			order by y.message_id desc limit $4) p
		cross join lateral (
			select x.judged, x.verdict from message x where x.workspace_id = $1 and x.id = p.message_id offset 0) m) h`
)

// AskTies queues the question for the ties of arrivals.
func (f *Filer) AskTies(b *pgx.Batch, arrivals []Arrival) {
	if len(arrivals) == 0 {
		return
	}
	f.ties = tieLookUp{sent: map[ref]bool{}, histories: map[uuid.UUID]history{}}
	var refs [][]byte
	var ids []uuid.UUID
	var emails []string
	for i := range arrivals {
		a := &arrivals[i]
		for _, r := range f.read(a).ancestors {
			refs = append(refs, r.ref[:])
		}
		if a.FromEmail != "" {
			r := sentTo(a.FromEmail)
			refs, ids, emails = append(refs, r[:]), append(ids, a.MessageID), append(emails, a.FromEmail)
		}
	}
	b.Queue(sentSQL, f.workspace, refs).Query(func(rows pgx.Rows) error {
		var r []byte
		_, err := pgx.ForEachRow(rows, []any{&r}, func() error {
			f.ties.sent[ref(r)] = true
			return nil
		})
		return err
	})
	b.Queue(historySQL, f.workspace, ids, emails, HistoryOf).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var h history
		_, err := pgx.ForEachRow(rows, []any{&id, &h.own, &h.ham, &h.spam}, func() error {
			f.ties.histories[id] = h
			return nil
		})
		return err
	})
}

// Ties returns what AskTies has found out about an arrival.
func (f *Filer) Ties(a *Arrival) Ties {
	c := f.read(a)
	t := Ties{Token: len(c.addressed)+len(c.marked) > 0}
	t.Answers = slices.ContainsFunc(c.ancestors, func(r refEvidence) bool { return f.ties.sent[r.ref] })
	if h := f.ties.histories[a.MessageID]; !h.own && a.FromEmail != "" {
		t.Written, t.Ham, t.Spam = f.ties.sent[sentTo(a.FromEmail)], h.ham, h.spam
	}
	return t
}

// Ties looks one message's ties up.
func (d *Desk) Ties(ctx context.Context, workspace uuid.UUID, a Arrival) (Ties, error) {
	f := d.NewFiler(workspace, nil)
	err := d.db.InConvoy(ctx, workspace, func(c *postgres.Convoy) error {
		f.AskTies(c.Batch, []Arrival{a})
		return nil
	})
	if err != nil {
		return Ties{}, fmt.Errorf("ties of message %s: %w", a.MessageID, err)
	}
	return f.Ties(&a), nil
}

// sentTo stands for mail of ours to somebody.
func sentTo(email string) ref { return refOf("to", email) }

const sentRefSQL = `
	insert into sent_ref (workspace_id, ref, message_id)
	select $1, * from unnest($2::bytea[], $3::uuid[]) on conflict do nothing`

// queueSent keeps what mail of ours can be named by, and whom it was sent to. A machine's answers make nobody known.
func (f *Filer) queueSent(b *pgx.Batch) {
	sent := slices.Clone(f.lone)
	for _, p := range f.posts {
		sent = append(sent, p.Arrival)
	}
	first := map[ref]uuid.UUID{}
	for _, a := range sent {
		if !a.Ours || a.Automatic != "" {
			continue
		}
		var refs []ref
		if c := f.read(a); c.own != nil {
			refs = append(refs, *c.own)
		}
		for _, o := range a.others() {
			refs = append(refs, sentTo(o))
		}
		for _, r := range refs {
			if _, ok := first[r]; !ok {
				first[r] = a.MessageID
			}
		}
	}
	if len(first) == 0 {
		return
	}
	var keys [][]byte
	for r := range first {
		keys = append(keys, bytes.Clone(r[:]))
	}
	slices.SortFunc(keys, bytes.Compare)
	ids := make([]uuid.UUID, len(keys))
	for i, k := range keys {
		ids[i] = first[ref(k)]
	}
	b.Queue(sentRefSQL, f.workspace, keys, ids)
}
