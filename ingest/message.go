package ingest

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// A Stage is where a message rests.
type Stage string

// The stages: three in which a message waits, four in which it has ended.
const (
	Received  Stage = "received"  // to be parsed
	Parsed    Stage = "parsed"    // to be scored
	Scored    Stage = "scored"    // to be filed
	Filed     Stage = "filed"     // on a ticket
	Held      Stage = "held"      // quarantined; can be released
	Duplicate Stage = "duplicate" // of a message that is named
	Failed    Stage = "failed"    // dead letter; can be retried
)

// Final reports whether a message in this stage has ended its journey.
func (s Stage) Final() bool {
	switch s {
	case Received, Parsed, Scored:
		return false
	}
	return true
}

// Valid reports whether s is one of the stages.
func (s Stage) Valid() bool {
	switch s {
	case Received, Parsed, Scored, Filed, Held, Duplicate, Failed:
		return true
	}
	return false
}

// A Cause says in one word why a message was held, failed or waits for another
// attempt.
type Cause string

// The causes.
const (
	CauseSpam       Cause = "spam"        // the filter's verdict, or a person's
	CauseOverBudget Cause = "over_budget" // reading it would cost more than one message may
	CauseRetry      Cause = "retry"       // an attempt failed; another follows
	CauseError      Cause = "error"       // the last attempt failed
)

// The doors by which mail comes in.
const (
	DoorSMTP   = "smtp"
	DoorLMTP   = "lmtp"
	DoorAPI    = "api"
	DoorImport = "import"
	DoorIMAP   = "imap"
)

// An Envelope is what the door knows of a mail besides its bytes (RFC 5321
// §2.3.1, and where it came from).
type Envelope struct {
	Door     string `json:"door"`                // one of the Door constants
	MailFrom string `json:"mail_from"`           // reverse-path; "" is the null one
	RcptTo   string `json:"rcpt_to"`             // the recipient that this message is for
	Peer     string `json:"peer,omitempty"`      // address of the client
	Helo     string `json:"helo,omitempty"`      // what it called itself
	TLS      string `json:"tls,omitempty"`       // version and cipher suite, "" when in the clear
	Session  string `json:"session,omitempty"`   // of the door, to be found in its log
	UTF8     bool   `json:"smtp_utf8,omitempty"` // RFC 6531
	File     string `json:"file,omitempty"`      // where in an imported archive it lay
	Folder   string `json:"folder,omitempty"`    // of the IMAP server
	Role     string `json:"role,omitempty"`      // what that folder is: "inbox", "sent" or "junk"
}

// A Step is one entry of a message's passport: what was done, when, how long it
// took, and what came out.
type Step struct {
	Step    string         `json:"step"` // accept, parse, score, file, fail, judge, retry, release, replay
	At      time.Time      `json:"at"`
	Micros  int64          `json:"micros"` // how long it took
	Outcome string         `json:"outcome"`
	Detail  map[string]any `json:"detail,omitempty"`
}

// A Message is one mail as one mailbox received it.
type Message struct {
	ID          uuid.UUID       `db:"id"`
	MailboxID   uuid.UUID       `db:"mailbox_id"`
	SourceKey   string          `db:"source_key"`
	ReceivedAt  time.Time       `db:"received_at"`
	Envelope    Envelope        `db:"envelope"`
	Size        int64           `db:"size"` // octets
	RawHash     []byte          `db:"raw_hash"`
	ContentHash []byte          `db:"content_hash"`
	Stage       Stage           `db:"stage"`
	Attempt     int             `db:"attempt"` // how often work on it was begun
	Trail       json.RawMessage `db:"trail"`
	Subject     string          `db:"subject"`
	FromName    string          `db:"from_name"`
	FromEmail   string          `db:"from_email"`
	MailID      string          `db:"message_id"` // the Message-ID field without its brackets
	SentAt      *time.Time      `db:"sent_at"`
	Verdict     *string         `db:"verdict"` // the filter's
	Judged      *string         `db:"judged"`  // a person's, which goes first
	Score       *float64        `db:"score"`   // 0 ham … 1 spam
	Cause       *Cause          `db:"cause"`
	Reason      *string         `db:"reason"`
	TicketID    *uuid.UUID      `db:"ticket_id"`
	DuplicateOf *uuid.UUID      `db:"duplicate_of"`
	DoneAt      *time.Time      `db:"done_at"`
}
