package tickets

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// factColumns are those of facts, of a ticket t.
const factColumns = `t.id, t.number, t.mailbox_id, t.apart, t.waits, t.requester_email, t.updated_at`

// rootOf reaches, by its key, the ticket that has the messages of x.
const rootOf = `
	cross join lateral (
		select ` + factColumns + ` from ticket t
		where t.workspace_id = $1 and t.id = case when x.merged_into is null then x.id else ticket_root($1, x.id) end
		offset 0) t`

// maxKnown bounds on how many tickets a ref is looked up, the latest first: all
// readers of a newsletter refer to the same message. Of a subject, whoever has it,
// it only matters whether few tickets have it.
const (
	maxKnown = 20
	maxAlike = 4
	maxSame  = maxCommon + 1
)

const lookUpSQL = `
	select l.mailbox_id, l.ref, l.ticket_id, l.received, t.* from unnest($2::uuid[], $3::bytea[], $5::int[]) as q (mailbox_id, ref, most)
	cross join lateral (
		select r.mailbox_id, r.ref, r.ticket_id, r.received from thread_ref r
		where r.workspace_id = $1 and r.mailbox_id = q.mailbox_id and r.ref = q.ref
		order by r.ticket_id desc limit q.most) l -- one look-up for each, whatever the statistics say
	cross join lateral (
		select y.id, y.merged_into from ticket y where y.workspace_id = $1 and y.id = l.ticket_id and ($4::timestamptz is null or y.created_at < $4)
		offset 0) x` + rootOf

const numbersSQL = `
	select x.number, x.mailbox_id, t.* from unnest($2::bigint[]) as q (number)
	cross join lateral (
		select y.id, y.number, y.mailbox_id, y.merged_into from ticket y
		where y.number = q.number and y.workspace_id = $1 and ($3::timestamptz is null or y.created_at < $3)
		offset 0) x` + rootOf

// The chain's lock guards the counter, too.
const lastSQL = `select last from ticket_counter where workspace_id = $1`

// LookUp queues the questions for the tickets of all threads that arrivals
// mention. It may be asked of more arrivals than are filed in the end.
func (f *Filer) LookUp(b *pgx.Batch, arrivals []Arrival) {
	if len(arrivals) == 0 {
		return
	}
	b.Queue(lastSQL, f.workspace).QueryRow(func(row pgx.Row) error { return row.Scan(&f.last) })
	f.lookUp(b, arrivals, nil)
	f.askAlone(b, arrivals)
}

// lookUp asks for tickets that were opened before a time, nil for all.
func (f *Filer) lookUp(b *pgx.Batch, arrivals []Arrival, before *time.Time) {
	m := f.mentioned(arrivals)
	if len(m.keys) > 0 {
		b.Queue(lookUpSQL, f.workspace, m.boxes, m.keys, before, m.most).Query(f.learn)
	}
	if len(m.numbers) > 0 {
		b.Queue(numbersSQL, f.workspace, m.numbers, before).Query(f.learnNumbers)
	}
}

// mentions are refs and numbers to be looked up.
type mentions struct {
	boxes   []uuid.UUID
	keys    [][]byte
	most    []int32 // tickets that one key may give
	numbers []int64
}

// mentioned are the refs and numbers that arrivals mention and that were not
// asked for before.
func (f *Filer) mentioned(arrivals []Arrival) (m mentions) {
	asked := map[threadKey]bool{}
	for i := range arrivals {
		a := &arrivals[i]
		c := f.read(a)
		for _, r := range c.asked() {
			k := threadKey{a.MailboxID, r}
			if _, ok := f.known[k]; ok || asked[k] {
				continue
			}
			asked[k] = true
			m.boxes, m.keys, m.most = append(m.boxes, a.MailboxID), append(m.keys, k.ref[:]), append(m.most, c.most(r))
		}
		for _, n := range c.numbers() {
			if f.numbered[n].facts == nil {
				m.numbers = appendOnce(m.numbers, n)
			}
		}
	}
	return m
}

// scan says where the columns of facts go.
func (t *facts) scan() []any {
	return []any{&t.id, &t.number, &t.mailbox, &t.apart, &t.waits, &t.requester, &t.updated}
}

// keep keeps one ticket's facts, once.
func (f *Filer) keep(t facts) *facts {
	if f.tickets[t.id] == nil {
		f.tickets[t.id] = &t
	}
	return f.tickets[t.id]
}

// learn takes in on which tickets refs are known.
func (f *Filer) learn(rows pgx.Rows) error {
	var box, row uuid.UUID
	var key []byte
	var received bool
	var t facts
	_, err := pgx.ForEachRow(rows, append([]any{&box, &key, &row, &received}, t.scan()...), func() error {
		k := threadKey{box, ref(key)}
		f.known[k] = append(f.known[k], thread{f.keep(t), row, received})
		return nil
	})
	return err
}

func (f *Filer) learnNumbers(rows pgx.Rows) error {
	var number int64
	var box uuid.UUID
	var t facts
	_, err := pgx.ForEachRow(rows, append([]any{&number, &box}, t.scan()...), func() error {
		f.numbered[number] = named{f.keep(t), box}
		return nil
	})
	return err
}

// What a machine reports makes nobody take part, nor does writing in our name.
const partySQL = `
	select q.ticket_id, q.email, l.wrote from unnest($2::uuid[], $3::text[]) as q (ticket_id, email)
	cross join lateral (
		select p.author_email = q.email and not p.ours as wrote from post p
		where p.workspace_id = $1 and p.ticket_id = q.ticket_id and not p.hidden
			and p.automatic not in ('bounce', 'feedback')
			and (p.author_email = q.email and not p.ours or q.email = any (p.others))
		order by 1 desc limit 1) l`

// AskParty queues the question whether the people of arrivals take part in the
// tickets that they might join, and reports whether there was one to ask.
func (f *Filer) AskParty(b *pgx.Batch, arrivals []Arrival) bool {
	var ids []uuid.UUID
	var emails []string
	asked := map[member]bool{}
	ask := func(t *facts, email string) {
		m := member{t.id, email}
		if email != "" && !asked[m] && f.party[m] == none {
			asked[m] = true
			ids, emails = append(ids, t.id), append(emails, email)
		}
	}
	for i := range arrivals {
		a := &arrivals[i]
		c := f.read(a)
		for _, t := range f.candidates(a, c) {
			ask(t, a.FromEmail)
			for _, o := range a.others()[:min(len(a.others()), maxAsked)] {
				ask(t, o)
			}
		}
	}
	if len(ids) == 0 {
		return false
	}
	b.Queue(partySQL, f.workspace, ids, emails).Query(func(rows pgx.Rows) error {
		var m member
		var author bool
		_, err := pgx.ForEachRow(rows, []any{&m.ticket, &m.email, &author}, func() error {
			f.party[m] = addressed
			if author {
				f.party[m] = wrote
			}
			return nil
		})
		return err
	})
	return true
}

// maxAsked bounds after how many recipients of one message is asked.
const maxAsked = 10

// candidates are the tickets that the arrival could join if its people take part
// in them.
func (f *Filer) candidates(a *Arrival, c *clues) (list []*facts) {
	for _, r := range c.ancestors {
		for _, th := range f.known[threadKey{a.MailboxID, r.ref}] {
			list = append(list, th.ticket.root())
		}
	}
	for _, n := range c.numbers() {
		if t := f.numbered[n]; t.facts != nil {
			list = append(list, t.root())
		}
	}
	return slices.Concat(list, f.alike(a, c), f.waiting(a, c))
}

// alike are the tickets of people's mail with the arrival's subject that it may
// continue, or that may continue it.
func (f *Filer) alike(a *Arrival, c *clues) (list []*facts) {
	if c.alike == nil {
		return nil
	}
	for _, th := range f.known[threadKey{a.MailboxID, *c.alike}] {
		if t := th.ticket.root(); (c.topic.Reply || t.waits == waitsAnswer) && within(t, a) {
			list = append(list, t)
		}
	}
	return list
}

// waiting are the tickets whose people refer to the arrival, which they had before us.
func (f *Filer) waiting(a *Arrival, c *clues) (list []*facts) {
	if c.own == nil {
		return nil
	}
	for _, th := range f.known[threadKey{a.MailboxID, *c.own}] {
		if !th.received {
			list = append(list, th.ticket.root())
		}
	}
	return list
}

// within reports whether a ticket's subject is still evidence.
func within(t *facts, a *Arrival) bool {
	return a.At.Sub(t.updated).Abs() <= SubjectWindow*24*time.Hour
}
