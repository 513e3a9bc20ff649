package tickets

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// Limits of what one arrival can bring about.
const (
	maxRelated = 5 // tickets that it is related to
	maxMerged  = 5 // tickets that it brings together
	maxCommon  = 3 // tickets with its subject, beyond which that says nothing
)

// found is a finding with the ticket it is about.
type found struct {
	Finding
	*facts
}

// place decides where one arrival belongs and notes the consequences.
func (f *Filer) place(a *Arrival) Filing {
	c := f.read(a)
	list := f.weigh(a, c)
	chosen := choose(list)
	if chosen == nil && a.Ours {
		f.lone = append(f.lone, a)
		return Filing{Findings: findings(list)}
	}
	filing := Filing{Evidence: Opened, Opened: chosen == nil, Findings: findings(list)}
	var t *facts
	if chosen == nil {
		t = f.open(a, c)
	} else {
		filing.Evidence, filing.Weight = chosen.Evidence, chosen.Weight
		t = f.bringTogether(a, chosen.facts, list)
		f.join(t, a, c)
	}
	f.takeReports(a, c, t)
	filing.TicketID = t.id
	for _, x := range list {
		if x.Evidence != Subject || !x.Joins {
			f.relate(t, x.facts.root(), string(x.Evidence))
		}
	}
	f.note(a, c, t, filing)
	return filing
}

// weigh finds all evidence that an arrival has, the heaviest first.
func (f *Filer) weigh(a *Arrival, c *clues) []found {
	var list []found
	add := func(e Evidence, t *facts, but string) {
		t = t.root()
		if slices.ContainsFunc(list, func(x found) bool { return x.facts == t && x.Evidence == e }) {
			return
		}
		x := found{Finding{Evidence: e, Weight: weights[e], Ticket: t.id, Joins: but == "", But: but}, t}
		if !x.Joins {
			x.Weight = hint
		}
		list = append(list, x)
	}
	name := func(e Evidence, number int64, excused bool) {
		t := f.numbered[number]
		if t.facts == nil {
			return
		}
		but := f.stranger(a, t.facts, excused)
		if t.mailbox != a.MailboxID && t.root().mailbox != a.MailboxID {
			but = butMailbox
		}
		add(e, t.facts, but)
	}
	for _, n := range c.addressed {
		name(ReplyAddress, n, true)
	}
	f.weighIDs(a, c, add)
	for _, n := range c.marked {
		name(BodyMarker, n, a.machine())
	}
	if !a.machine() {
		name(Number, c.topic.Number, false)
	}
	f.weighSubject(a, c, slices.ContainsFunc(list, func(x found) bool { return x.Joins }), add)
	slices.SortStableFunc(list, func(x, y found) int { return cmp.Compare(y.Weight, x.Weight) })
	return list
}

// stranger says why evidence that only people of the ticket can have does not
// hold, if it does not. Our own people write on tickets of any people.
func (f *Filer) stranger(a *Arrival, t *facts, excused bool) string {
	if excused || a.Ours || f.partOf(t, a.FromEmail) != none {
		return ""
	}
	return butStranger
}

// weighIDs finds the evidence of Message-IDs. That a stranger refers to a message
// which was received is worth a hint. A message that nobody here has seen may be
// a newsletter, and all who answer it are strangers to each other. Of several
// tickets on which an id is known, one where the sender has written comes first:
// into the others somebody else may have drawn them.
func (f *Filer) weighIDs(a *Arrival, c *clues, add func(Evidence, *facts, string)) {
	for _, r := range c.ancestors {
		known := slices.Clone(f.known[threadKey{a.MailboxID, r.ref}])
		slices.SortStableFunc(known, func(x, y thread) int {
			return cmp.Or(cmp.Compare(f.bond(a, y.ticket), f.bond(a, x.ticket)), order(x.received, y.received))
		})
		for _, th := range known {
			t := th.ticket.root()
			but := f.stranger(a, t, r.Evidence == About && a.machine())
			if but == "" && !th.received && !a.machine() && !f.among(a, t) {
				but = butDrawnIn
			}
			if (but == "" || th.received) && (a.machine() || t.waits != waitsReport) {
				add(r.Evidence, t, but)
			}
		}
	}
	waiting := f.waiting(a, c)
	for _, t := range waiting {
		if t.waits == waitsReport {
			continue
		}
		switch { // those who refer to it had it before us: it is from one of them or to one
		case f.among(a, t) && !a.machine():
			add(Parent, t, "")
		case len(waiting) <= maxCommon:
			add(Parent, t, butStranger)
		}
	}
}

// among reports whether a mail is from someone who wrote on a ticket, or to one.
// Whom they have only written to, a stranger may have drawn in.
func (f *Filer) among(a *Arrival, t *facts) bool {
	return f.partOf(t, a.FromEmail) == wrote ||
		slices.ContainsFunc(a.others(), func(o string) bool { return f.partOf(t, o) == wrote })
}

// order puts what is true first.
func order(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

// weighSubject finds the evidence of a subject: that of a person of the ticket
// holds, a stranger's is a hint where few tickets have it.
func (f *Filer) weighSubject(a *Arrival, c *clues, joins bool, add func(Evidence, *facts, string)) {
	mine := f.alike(a, c)
	slices.SortStableFunc(mine, func(x, y *facts) int {
		return cmp.Or(cmp.Compare(f.partOf(y, a.FromEmail), f.partOf(x, a.FromEmail)), y.updated.Compare(x.updated))
	})
	for _, t := range mine {
		if f.among(a, t) {
			add(Subject, t, "")
			joins = true
		}
	}
	if c.same == nil || joins {
		return
	}
	var theirs []*facts
	for _, th := range f.known[threadKey{a.MailboxID, *c.same}] {
		if t := th.ticket.root(); within(t, a) {
			theirs = appendOnce(theirs, t)
		}
	}
	if len(theirs) <= maxCommon {
		for _, t := range theirs {
			add(Subject, t, butStranger)
		}
	}
}

// choose returns the evidence by which the arrival joins a ticket, nil for none.
// What it says of itself comes before what others say of it, unless the two
// tickets must stay apart.
func choose(list []found) *found {
	var own, others *found
	for i := range list {
		x := &list[i]
		switch {
		case !x.Joins:
		case x.Evidence == Parent && others == nil:
			others = x
		case x.Evidence != Parent && own == nil:
			own = x
		}
	}
	if own == nil || others != nil && others.Weight > own.Weight && (own.apart || others.apart) {
		return others
	}
	return own
}

// bringTogether merges tickets that the arrival shows to be one conversation, and
// returns the one that is left. A ticket whose people refer to the arrival would
// not have been opened, had it come in time. Of two that its sender opened, both
// are one if it names both as its ancestors, or if one is an answer with its
// subject that has waited for the other.
func (f *Filer) bringTogether(a *Arrival, t *facts, list []found) *facts {
	merged := 0
	for _, x := range list {
		other := x.facts.root()
		if !x.Joins || other == t || t.apart || other.apart || merged == maxMerged {
			continue
		}
		switch x.Evidence {
		case Parent:
		case InReplyTo, References:
			if t.requester != a.FromEmail || other.requester != a.FromEmail {
				continue
			}
		case Subject:
			if other.waits != waitsAnswer || t.requester != a.FromEmail || other.requester != a.FromEmail {
				continue
			}
		default:
			continue
		}
		merged++
		if older(other, t) {
			other, t = t, other
		}
		f.merge(other, t)
	}
	return t
}

// older reports whether a ticket was opened before another. Those of this batch
// have no number yet, but their ids are in order.
func older(x, y *facts) bool {
	if x.number != 0 && y.number != 0 {
		return x.number < y.number
	}
	if x.number == 0 && y.number == 0 {
		return slices.Compare(x.id[:], y.id[:]) < 0
	}
	return x.number != 0
}

// takeReports brings to the arrival's ticket the reports of machines that came
// earlier and are about it, or about one that it refers to.
func (f *Filer) takeReports(a *Arrival, c *clues, t *facts) {
	if a.machine() {
		return
	}
	for _, r := range c.asked() {
		for _, th := range f.known[threadKey{a.MailboxID, r}] {
			if other := th.ticket.root(); other.waits == waitsReport && other != t && !other.apart && !t.apart {
				f.merge(other, t)
			}
		}
	}
}

// merge notes that all of source is on target from now on.
func (f *Filer) merge(source, target *facts) {
	source.into = target
	for m, p := range f.party {
		if m.ticket == source.id {
			f.takePart(target, m.email, p)
		}
	}
	if source.updated.After(target.updated) {
		target.updated = source.updated
	}
	f.merges = append(f.merges, merging{uuid.Must(uuid.NewV7()), source, target})
}

// relate notes that two tickets may have to do with each other.
func (f *Filer) relate(t, other *facts, reason string) {
	r := relation{t.id, other.id, reason}
	key := relation{ticket: t.id, other: other.id}
	if t == other || f.twice[key] {
		return
	}
	n := 0
	for _, have := range f.related {
		if have.ticket == t.id {
			n++
		}
	}
	if n < maxRelated {
		f.twice[key] = true
		f.related = append(f.related, r)
	}
}
