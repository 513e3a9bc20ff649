package tickets

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// open makes a ticket of the arrival's own.
func (f *Filer) open(a *Arrival, c *clues) *facts {
	t := &opened{Ticket: Ticket{
		ID: uuid.Must(uuid.NewV7()), MailboxID: a.MailboxID, Subject: a.Subject, Status: Open,
		RequesterName: a.FromName, RequesterEmail: a.FromEmail,
		Messages: 1, CreatedAt: a.At, UpdatedAt: a.At,
	}}
	switch {
	case a.machine() && len(c.ancestors) > 0:
		t.waits = waitsReport
	case c.topic.Reply && !a.quiet():
		t.waits = waitsAnswer
	}
	f.opened = append(f.opened, t)
	f.byID[t.ID] = t
	fa := &facts{id: t.ID, mailbox: a.MailboxID, waits: t.waits, requester: a.FromEmail, updated: a.At}
	f.tickets[t.ID] = fa
	return fa
}

// join puts the arrival on a ticket that was there before it.
func (f *Filer) join(t *facts, a *Arrival, c *clues) {
	t.updated = later(t.updated, a.At)
	rooted := t.waits == waitsAnswer && !c.topic.Reply && !a.quiet()
	if rooted {
		t.waits = ""
	}
	if o := f.byID[t.id]; o != nil {
		o.Messages++
		o.UpdatedAt = t.updated
		o.waits = t.waits
		return
	}
	to := f.touched[t.id]
	if to == nil {
		to = &touch{}
		f.touched[t.id] = to
		f.order = append(f.order, t.id)
	}
	to.messages++
	to.at = later(to.at, a.At)
	to.reopens = to.reopens || !a.quiet() && !a.Ours
	to.rooted = to.rooted || rooted
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// note takes down what others may find the arrival's ticket by, who takes part
// in it from now on, and where else the same mail is.
func (f *Filer) note(a *Arrival, c *clues, t *facts, fi Filing) {
	if c.own != nil {
		f.noteRef(a.MailboxID, *c.own, t, true)
	}
	ids, subjects := c.kept(a, fi.Opened)
	for _, r := range slices.Concat(ids, subjects) {
		f.noteRef(a.MailboxID, r, t, false)
	}
	if !a.machine() {
		for _, email := range a.others() {
			f.takePart(t, email, addressed)
		}
		if !a.Ours { // else all who write in our name would take part
			f.takePart(t, a.FromEmail, wrote)
		}
	}
	for _, tw := range a.Twins {
		other := f.placed[tw.Message]
		if tw.Ticket != uuid.Nil {
			other = &facts{id: tw.Ticket}
		}
		if other != nil && other.root().id != t.id {
			f.relate(t, other.root(), string(SameMail))
		}
	}
	f.placed[a.MessageID] = t
	f.posts = append(f.posts, post{a, t.id, fi.Evidence, c.own})
}

// noteRef ties a ref to a ticket, unless it is tied to it already.
func (f *Filer) noteRef(mailbox uuid.UUID, r ref, t *facts, received bool) {
	k := threadKey{mailbox, r}
	list := f.known[k]
	for i := range list {
		th := &list[i]
		if th.ticket.root() != t {
			continue
		}
		if received && !th.received {
			th.received = true
			f.arrived = append(f.arrived, refRow{k, th.row, true})
		}
		return
	}
	f.known[k] = append(list, thread{t, t.id, received})
	f.fresh = append(f.fresh, refRow{k, t.id, received})
}

// takePart notes someone's part in a ticket; a greater one stays.
func (f *Filer) takePart(t *facts, email string, p part) {
	m := member{t.id, email}
	f.party[m] = max(f.party[m], p)
}

// partOf is what someone has in a ticket, as far as was asked. Nobody is nobody.
func (f *Filer) partOf(t *facts, email string) part {
	if email == "" {
		return none
	}
	return f.party[member{t.root().id, email}]
}

func findings(list []found) []Finding {
	var all []Finding
	for _, x := range list {
		all = append(all, x.Finding)
	}
	return all
}
