// Package tickets holds the desk: tickets, the threads of messages on them, and
// the rules by which a message opens a ticket or joins one. It keeps its rules
// and their SQL together, writes an audit record in the transaction of each
// change, and knows nothing of how mail arrives or who may ask.
package tickets

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"postroom/internal/postgres"
)

// The four things that a caller may ask of an error.
var (
	ErrNotFound  = errors.New("not found")
	ErrConflict  = errors.New("conflict")
	ErrForbidden = errors.New("forbidden")
)

// An InvalidError says which field of a request cannot be taken, and why.
type InvalidError struct{ Field, Reason string }

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// A ConflictError is an ErrConflict that tells people what stands in the way, and
// what to do.
type ConflictError struct{ Reason string }

func (e *ConflictError) Error() string { return e.Reason }
func (e *ConflictError) Unwrap() error { return ErrConflict }

// A Desk is the tickets of all workspaces in one database.
type Desk struct {
	db   *postgres.DB
	sign signer
	only *precondition // nil: changes are done however the ticket stands
}

// New returns the desk kept in db.
func New(db *postgres.DB, options ...Option) *Desk {
	d := &Desk{db: db}
	for _, o := range options {
		o(d)
	}
	return d
}

// An Option changes what a desk is made of.
type Option func(*Desk)

// SignWith has the desk sign reply addresses and markers with a secret key, and
// know its own. Without it, it gives out none and takes none for evidence.
func SignWith(key []byte) Option { return func(d *Desk) { d.sign.key = key } }

// Status is where a ticket stands.
type Status string

// The states of a ticket.
const (
	Open    Status = "open"    // someone of ours is to act
	Pending Status = "pending" // the customer is
	Closed  Status = "closed"  // nobody is
)

// A Ticket is one conversation with one requester in one mailbox.
type Ticket struct {
	ID             uuid.UUID  `db:"id"`
	Number         int64      `db:"number"` // for people; counted per workspace from 1
	MailboxID      uuid.UUID  `db:"mailbox_id"`
	Subject        string     `db:"subject"`
	Status         Status     `db:"status"`
	RequesterName  string     `db:"requester_name"`
	RequesterEmail string     `db:"requester_email"`
	Messages       int        `db:"messages"`
	CreatedAt      time.Time  `db:"created_at"`
	UpdatedAt      time.Time  `db:"updated_at"`
	MergedInto     *uuid.UUID `db:"merged_into"` // the ticket that has its messages since
}

// A Post is a message in its place on a ticket.
type Post struct {
	MessageID   uuid.UUID `db:"message_id"`
	At          time.Time `db:"at"`
	AuthorName  string    `db:"author_name"`
	AuthorEmail string    `db:"author_email"`
	Evidence    Evidence  `db:"evidence"`
	Weight      int       `db:"weight"`    // of the evidence
	Machine     string    `db:"automatic"` // the kind of machine that wrote it, "" for none
	Hidden      bool      `db:"hidden"`
	Ours        bool      `db:"ours"` // written by our own people
}
