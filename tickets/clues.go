package tickets

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// MaxRefs bounds how many Message-IDs of one message are indexed: its own, the
// one it answers, and of its references the first and the last ones.
const MaxRefs = 32

// MaxOthers bounds how many recipients of one message are kept.
const MaxOthers = 50

// maxSubjectPeople bounds for how many people of one message its subject is kept.
const maxSubjectPeople = 10

// The kinds of automatic mail that the rules tell apart, as package mail has them.
const (
	bounce   = "bounce"
	feedback = "feedback"
	receipt  = "receipt"
	vacation = "auto-reply"
)

// A ref is what threads are looked up by: the first half of a SHA-256. All that
// is ever asked is whether two are the same.
type ref [16]byte

func refOf(parts ...string) ref {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return ref(sum[:16])
}

// clues are what an arrival says of where it belongs.
type clues struct {
	own       *ref // its Message-ID
	ancestors []refEvidence
	addressed []int64 // tickets named by tokens in the addresses it was sent to
	marked    []int64 // the same in its text
	topic     Topic
	alike     *ref // its subject, with its sender; nil for mail of ours, on whose tickets we all write
	same      *ref // its subject, whoever sent it; likewise
}

type refEvidence struct {
	ref
	Evidence
}

// machine reports whether what wrote the message is no person's: its sender takes
// part in nothing, and its subject says nothing.
func (a *Arrival) machine() bool { return a.Automatic == bounce || a.Automatic == feedback }

// quiet reports whether a machine wrote it, so that it re-opens nothing.
func (a *Arrival) quiet() bool {
	return a.machine() || a.Automatic == receipt || a.Automatic == vacation
}

// others are the recipients that are kept.
func (a *Arrival) others() []string { return a.Others[:min(len(a.Others), MaxOthers)] }

func (s signer) read(workspace uuid.UUID, a *Arrival) *clues {
	c := &clues{topic: ReadSubject(a.Subject), marked: s.numbers(workspace, a.Text)}
	for _, to := range a.SentTo {
		local, _, _ := strings.Cut(to, "@")
		if _, tag, ok := strings.Cut(local, "+"); ok && len(c.addressed) < maxTokens {
			for _, n := range s.numbers(workspace, tag) {
				c.addressed = appendOnce(c.addressed, n)
			}
		}
	}
	c.readIDs(a)
	if c.topic.Text == "" || a.machine() || a.Ours {
		return c
	}
	if a.FromEmail != "" {
		r := subjectRef(c.topic.Text, a.FromEmail)
		c.alike = &r
	}
	if c.topic.Reply {
		r := subjectRef(c.topic.Text, "")
		c.same = &r
	}
	return c
}

// subjectRef stands for a subject of a person, or of anybody. All of one subject
// begin alike, so that they lie on one page of the index: a message is looked up,
// and found later, by several of them.
func subjectRef(text, email string) ref {
	r, subject := refOf("subject", text, email), refOf("subject", text)
	copy(r[:4], subject[:4])
	return r
}

// readIDs takes in the Message-IDs that the arrival has and refers to, at most
// MaxRefs of them, the nearest ancestor first.
func (c *clues) readIDs(a *Arrival) {
	seen := map[string]bool{"": true}
	if a.MailID != "" {
		r := refOf(a.MailID)
		c.own = &r
		seen[a.MailID] = true
	}
	left := MaxRefs - 1
	add := func(id string, e Evidence) {
		if seen[id] || left <= 0 {
			return
		}
		seen[id] = true
		left--
		c.ancestors = append(c.ancestors, refEvidence{refOf(id), e})
	}
	if a.Original != "" {
		add(a.Original, About)
	}
	for _, id := range a.InReplyTo {
		add(id, InReplyTo)
	}
	for i := len(a.References) - 1; i >= 0; i-- {
		if left == 1 {
			i = 0 // the last place is for the thread's root
		}
		add(a.References[i], References)
	}
	if a.machine() { // whatever a report refers to is what it is about
		for i := range c.ancestors {
			c.ancestors[i].Evidence = About
		}
	}
}

// asked are the refs that are looked up for the arrival.
func (c *clues) asked() []ref {
	list := make([]ref, 0, len(c.ancestors)+3)
	for _, r := range []*ref{c.own, c.alike, c.same} {
		if r != nil {
			list = append(list, *r)
		}
	}
	for _, a := range c.ancestors {
		list = append(list, a.ref)
	}
	return list
}

// most is on how many tickets a ref is looked up.
func (c *clues) most(r ref) int32 {
	switch {
	case c.same != nil && r == *c.same:
		return maxSame
	case c.alike != nil && r == *c.alike:
		return maxAlike
	}
	return maxKnown
}

// numbers are the tickets that the arrival names, each once.
func (c *clues) numbers() []int64 {
	list := slices.Concat(c.addressed, c.marked)
	if c.topic.Number != 0 {
		list = append(list, c.topic.Number)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// kept are the refs by which others find this arrival's ticket: its ids, and its
// subject with each of its people; the subject alone where it opens the ticket.
func (c *clues) kept(a *Arrival, opened bool) (ids, subjects []ref) {
	for _, x := range c.ancestors {
		ids = append(ids, x.ref)
	}
	if c.topic.Text == "" || a.machine() {
		return ids, nil
	}
	if opened {
		subjects = append(subjects, subjectRef(c.topic.Text, ""))
	}
	if c.alike != nil {
		subjects = append(subjects, *c.alike)
	}
	for _, o := range a.others()[:min(len(a.others()), maxSubjectPeople)] {
		subjects = append(subjects, subjectRef(c.topic.Text, o))
	}
	return ids, subjects
}
