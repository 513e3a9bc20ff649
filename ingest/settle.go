package ingest

import (
	"time"

	"github.com/google/uuid"

	"postroom/classify"
)

// sameWithin is how far apart two mails may be received that are the same to the
// last octet and carry neither Message-ID nor Date: a device that reports the
// same words every day means a new event each time.
const sameWithin = time.Hour

// judgedReason is why a message is held whatever the filter says of it.
const judgedReason = "marked as spam by a person"

// An identity is what makes two messages one. Mail to us is never the same as what
// was held from a folder of sent mail or of junk: to be moved out of there is news.
type identity struct {
	mailbox uuid.UUID
	content [32]byte
	aside   bool
}

// twins are the earlier messages of an identity: the first and the latest.
type twins struct {
	first, last uuid.UUID
	lastAt      time.Time
}

// settle decides where a message ends that no earlier stage has ended: it is a
// duplicate, held as spam, or to be filed. It is called again when the
// transaction has to be tried again.
func (j *job) settle(known map[identity]*twins) {
	if j.end = j.decided; j.end.stage != "" {
		return
	}
	who := identity{mailbox: j.mailbox, content: j.contentHash}
	t := known[who]
	if who.aside = j.aside(); who.aside && t == nil {
		t = known[who]
	}
	switch {
	case t != nil && t.first != j.id && j.same(t):
		j.end = ending{stage: Duplicate, duplicateOf: j.twin(t), reason: "the same mail was received before"}
		return
	case j.judged == classify.Spam:
		j.end = ending{stage: Held, cause: CauseSpam, reason: judgedReason}
	case j.judged == "" && j.score.Verdict == classify.Spam:
		j.end = ending{stage: Held, cause: CauseSpam, reason: j.score.Reason}
	case j.judged == "" && j.envelope.Role == RoleJunk:
		j.end = ending{stage: Held, cause: CauseSpam, reason: junkReason}
	default:
		j.end = ending{stage: Filed}
	}
	remember(known, who, j.id, j.receivedAt)
}

// remember adds a message to those of its identity; they come oldest first.
func remember(known map[identity]*twins, who identity, id uuid.UUID, at time.Time) {
	t := known[who]
	if t == nil {
		t = &twins{first: id}
		known[who] = t
	}
	t.last, t.lastAt = id, at
}

// anonymous reports whether a mail carries nothing that tells it from another
// with the same words.
func (j *job) anonymous() bool {
	return j.mail == nil || j.mail.MessageID == "" && j.mail.Date.IsZero()
}

// same reports whether a mail with the content of an earlier one is that one
// again. Mail that carries an identity of its own always is.
func (j *job) same(t *twins) bool {
	return !j.anonymous() || j.receivedAt.Sub(t.lastAt).Abs() < sameWithin
}

// twin is the message that this one repeats.
func (j *job) twin(t *twins) uuid.UUID {
	if j.anonymous() {
		return t.last
	}
	return t.first
}
