package imappoll

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"postroom/tickets"
)

// Security is how the connection to a server is protected.
type Security string

// The protections. None is for servers on this very machine.
const (
	TLS      Security = "tls"
	STARTTLS Security = "starttls"
	None     Security = "none"
)

// Auth is how we log in.
type Auth string

// The ways to log in.
const (
	Password Auth = "password"
	OAuth    Auth = "oauth" // OAUTHBEARER (RFC 7628), or XOAUTH2
)

// After is what is done at the server with a mail that is ours for certain.
type After string

// What may be done.
const (
	Keep   After = "keep"
	Move   After = "move"
	Delete After = "delete"
)

// Role is what a folder holds.
type Role string

// The roles.
const (
	Inbox Role = "inbox"
	Sent  Role = "sent" // replies that were written elsewhere
	Junk  Role = "junk"
)

// A Server is where a mailbox is polled, and as whom.
type Server struct {
	Host     string   `db:"host"`
	Port     int      `db:"port"`
	Security Security `db:"security"`
	Auth     Auth     `db:"auth"`
	Username string   `db:"username"`
}

// Settings are how a mailbox is polled.
type Settings struct {
	Server
	Password  string        `db:"-"`          // "" when it is to stay as it is
	Since     *time.Time    `db:"since"`      // of what lies there at first only mail received after this is taken; nil: everything
	MarkSeen  bool          `db:"mark_seen"`  // once the mail is stored
	After     After         `db:"after"`      // and Grace after that
	MoveTo    string        `db:"move_to"`    // a folder, with Move
	Grace     time.Duration `db:"grace"`      // from the commit to the move or deletion
	PollEvery time.Duration `db:"poll_every"` // where the server has IDLE this is only the safety net
	Enabled   bool          `db:"enabled"`
	Folders   []FolderSetting
}

// A FolderSetting is a folder to be polled.
type FolderSetting struct {
	Name  string `db:"name"` // as the server calls it; INBOX is every server's
	Role  Role   `db:"role"`
	Learn bool   `db:"learn"` // of a junk folder: what lies there is learned as spam, weakly
}

// Bounds of what may be set.
const (
	maxFolders   = 50
	maxFolder    = 500 // octets of a folder's name
	minPollEvery = time.Second
	maxPollEvery = 24 * time.Hour
	maxGrace     = 366 * 24 * time.Hour
)

// check brings settings into their normal form, or returns an
// *tickets.InvalidError.
func (s *Settings) check() error {
	if err := s.Server.check(); err != nil {
		return err
	}
	if s.After == "" {
		s.After = Keep
	}
	if s.PollEvery == 0 {
		s.PollEvery = time.Minute
	}
	invalid := func(field, format string, args ...any) error {
		return &tickets.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case s.Auth == OAuth && s.Password != "":
		return invalid("password", "the mailbox logs in with the provider's consent; leave the password out")
	case !slices.Contains([]After{Keep, Move, Delete}, s.After):
		return invalid("after", "%q is neither keep, move nor delete", s.After)
	case s.After == Move && !folderName(s.MoveTo):
		return invalid("move_to", "name the folder that mails are to be moved to")
	case s.Grace < 0 || s.Grace > maxGrace:
		return invalid("grace", "it must lie between 0 and %d days", maxGrace/(24*time.Hour))
	case s.PollEvery < minPollEvery || s.PollEvery > maxPollEvery:
		return invalid("poll_every", "it must lie between %s and %s", minPollEvery, maxPollEvery)
	}
	return s.checkFolders()
}

func (s *Settings) checkFolders() error {
	if len(s.Folders) == 0 {
		s.Folders = []FolderSetting{{Name: "INBOX", Role: Inbox}}
	}
	if len(s.Folders) > maxFolders {
		return &tickets.InvalidError{Field: "folders", Reason: fmt.Sprintf("there are more than %d", maxFolders)}
	}
	seen := map[string]bool{}
	for i := range s.Folders {
		f := &s.Folders[i]
		if strings.EqualFold(f.Name, "INBOX") {
			f.Name = "INBOX" // RFC 3501 §5.1
		}
		if f.Role == "" {
			f.Role = Inbox
		}
		switch {
		case !folderName(f.Name):
			return &tickets.InvalidError{Field: "folders", Reason: fmt.Sprintf("%q is not the name of a folder", f.Name)}
		case seen[f.Name]:
			return &tickets.InvalidError{Field: "folders", Reason: fmt.Sprintf("%q is there twice", f.Name)}
		case s.After == Move && f.Name == s.MoveTo:
			return &tickets.InvalidError{Field: "move_to", Reason: fmt.Sprintf("%q is polled itself: mails moved there would be taken again", f.Name)}
		case !slices.Contains([]Role{Inbox, Sent, Junk}, f.Role):
			return &tickets.InvalidError{Field: "folders", Reason: fmt.Sprintf("%q is neither inbox, sent nor junk", f.Role)}
		case f.Learn && f.Role != Junk:
			return &tickets.InvalidError{Field: "folders", Reason: fmt.Sprintf("%q is no junk folder: spam cannot be learned from it", f.Name)}
		}
		seen[f.Name] = true
	}
	return nil
}

func folderName(s string) bool {
	return s != "" && len(s) <= maxFolder && !strings.ContainsFunc(s, unicode.IsControl)
}

func (s *Server) check() error {
	s.Host = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s.Host), "."))
	if s.Security == "" {
		s.Security = TLS
	}
	if s.Port == 0 {
		s.Port = map[Security]int{TLS: 993, STARTTLS: 143, None: 143}[s.Security]
	}
	if s.Auth == "" {
		s.Auth = Password
	}
	bad := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("/@[]", r)
	}
	switch {
	case s.Host == "" || len(s.Host) > 253 || strings.ContainsFunc(s.Host, bad):
		return &tickets.InvalidError{Field: "host", Reason: fmt.Sprintf("%q is not the name of a host", s.Host)}
	case s.Port < 1 || s.Port > 65535:
		return &tickets.InvalidError{Field: "port", Reason: fmt.Sprintf("%d is not a port", s.Port)}
	case !slices.Contains([]Security{TLS, STARTTLS, None}, s.Security):
		return &tickets.InvalidError{Field: "security", Reason: fmt.Sprintf("%q is neither tls nor starttls", s.Security)}
	case s.Security == None && !loopback(s.Host):
		return &tickets.InvalidError{Field: "security", Reason: "without encryption only a server on this machine is polled; choose tls or starttls"}
	case s.Auth != Password && s.Auth != OAuth:
		return &tickets.InvalidError{Field: "auth", Reason: fmt.Sprintf("%q is neither password nor oauth", s.Auth)}
	case s.Username == "" || len(s.Username) > 500 || strings.ContainsFunc(s.Username, unicode.IsControl):
		return &tickets.InvalidError{Field: "username", Reason: "it is empty, too long, or holds a control character"}
	}
	return nil
}

// loopback reports whether a host is certainly this machine. Where it is dialled
// is looked at again once connected.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// An Account is a mailbox that is polled, as it stands.
type Account struct {
	Workspace uuid.UUID
	Mailbox   uuid.UUID
	Address   string
	Settings
	Status
	Folders []Folder

	password string
	version  int
	fence    int64
}

// State is what a poller is doing.
type State string

// The states.
const (
	Unbegun    State = "new"         // nobody has begun
	Connecting State = "connecting"  //
	CatchingUp State = "catching_up" // taking what has gathered
	Watching   State = "watching"    // all is taken
	Waiting    State = "waiting"     // something failed; it tries again
	Refused    State = "refused"     // the server does not let us in
)

// Status is how polling goes.
type Status struct {
	State    State      `db:"state"`
	StateAt  time.Time  `db:"state_at"`  // since when
	PolledAt *time.Time `db:"polled_at"` // when everything was taken last
	Backlog  int64      `db:"backlog"`   // mails seen and not yet taken
	Taken    int64      `db:"taken"`     // since it was set up
	Failures int        `db:"failures"`  // one after the other
	Reason   string     `db:"reason"`    // of the last failure
	Held     bool       `db:"held"`      // some process polls it
}

// A Folder is a folder as it stands.
type Folder struct {
	ID        uuid.UUID  `db:"id"`
	Name      string     `db:"name"`
	Role      Role       `db:"role"`
	Learn     bool       `db:"learn"`
	Validity  int64      `db:"validity"` // UIDVALIDITY; 0: never seen
	Epoch     int        `db:"epoch"`
	Adopting  bool       `db:"adopting"`
	LastUID   int64      `db:"last_uid"`
	ModSeq    int64      `db:"modseq"`
	Witnesses []Witness  `db:"witnesses"`
	CheckedAt *time.Time `db:"checked_at"`
	OnServer  int64      `db:"on_server"` // UIDs there at the last check
	InLedger  int64      `db:"in_ledger"` // and how many of them are accounted for
}
