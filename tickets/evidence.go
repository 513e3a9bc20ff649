package tickets

import "github.com/google/uuid"

// Evidence is why a message is on its ticket, or may have to do with another.
type Evidence string

// The evidence that a message can have; docs/threads.md tells the rules.
const (
	Opened       Evidence = "opened"         // it refers to nothing known: the ticket is its own
	ReplyAddress Evidence = "reply-address"  // it was sent to the address that we gave for replies, signed token included
	About        Evidence = "about"          // a machine reports on a message of the ticket (RFC 3464, RFC 5965)
	InReplyTo    Evidence = "in-reply-to"    // RFC 5322 §3.6.4: it answers a message of the ticket, or one that it refers to
	References   Evidence = "references"     // RFC 5322 §3.6.4: the same by an earlier message of the thread
	Parent       Evidence = "parent"         // messages of the ticket came earlier and refer to this one
	BodyMarker   Evidence = "body-marker"    // its text quotes a signed token of ours
	Number       Evidence = "subject-number" // its subject names the ticket's number
	Subject      Evidence = "subject"        // its subject is the ticket's, within SubjectWindow
	Moved        Evidence = "moved"          // a person put it there
)

// weights say how much each evidence is worth beside the others; what joins, joins
// by its heaviest.
var weights = map[Evidence]int{
	ReplyAddress: 100, Moved: 100, About: 95, InReplyTo: 90, References: 80, Parent: 70, BodyMarker: 60, Number: 50, Subject: 40, Opened: 0,
}

// hint is the weight of evidence that does not hold, most often because its
// sender takes no part in the ticket: enough to call two tickets related.
const hint = 10

// SubjectWindow is for how many days after a ticket's latest message its subject
// is evidence.
const SubjectWindow = 14

// A Finding is one evidence that an arrival had.
type Finding struct {
	Evidence Evidence  `json:"evidence"`
	Weight   int       `json:"weight"`
	Ticket   uuid.UUID `json:"ticket"`
	Joins    bool      `json:"joins"`         // it sufficed to join that ticket
	But      string    `json:"but,omitempty"` // why it did not
}

// Why evidence does not hold.
const (
	butStranger = "the sender takes no part in that ticket"
	butDrawnIn  = "the sender was only written to there, and writes to nobody who wrote there"
	butMailbox  = "that ticket belongs to another mailbox"
)

// SameMail is why tickets are related that received one mail in two mailboxes; it
// joins nothing.
const SameMail Evidence = "same mail"
