package ui

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"postroom/classify"
	"postroom/ingest"
	"postroom/tickets"
)

// evil is what a sender may put anywhere.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`

func id() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func samplePage() page {
	return page{Title: evil, Nav: "held", Workspace: &tickets.Workspace{ID: id(), Name: evil}, SignedIn: true, Query: evil, Style: "/s", Icon: "/i", Here: "/here"}
}

func sampleMessage(stage ingest.Stage) ingest.Message {
	cause, reason, spam, other := ingest.CauseSpam, evil, "spam", id()
	return ingest.Message{
		ID: id(), MailboxID: id(), ReceivedAt: time.Now(), Stage: stage, Subject: evil, FromName: evil, FromEmail: evil,
		Envelope: ingest.Envelope{Door: "smtp", MailFrom: evil, RcptTo: evil, Helo: evil}, SourceKey: evil, RawHash: []byte{1},
		Cause: &cause, Reason: &reason, Judged: &spam, DuplicateOf: &other, TicketID: &other,
		Trail: json.RawMessage(`[{"step":"parse","outcome":"read","detail":{"defects":[{"kind":"date"}]}},{"step":"score","outcome":"spam","detail":{"p":0.99,"reason":"<b>"}}]`),
	}
}

func sampleContent() content {
	return content{
		To: []string{evil}, MoreTo: 1000, Cut: true, Automatic: "Delivery report",
		Blocks:    []block{{evil, own, 1, false}, {evil, answered, 1, false}, {evil, quoted, 9, false}, {evil, forwarded, 9, true}, {evil, signature, 9, false}},
		Origin:    &origin{Words: "Passes on a mail that says it is by", Name: evil, Email: evil, Sent: evil, Subject: evil, Text: evil, Cut: true},
		Reports:   []report{{Address: evil, Words: evil, Failed: true, Hard: true, Status: evil, Reply: evil, Said: evil}},
		Formatted: &formatted{Path: "/formatted", Frame: "mail-1", Height: 200, Images: 3, Trackers: 2},
		Files: []file{
			{Name: evil, Type: evil, Real: "application/x-elf", Runs: true, Size: 5, Path: "/parts/1"},
			{Name: evil, Type: evil, Size: 5, Path: "/parts/2", Picture: true, Inline: true},
		},
		MoreFiles: 3,
	}
}

// samples are all pages, in the states that they can have, of people who mean
// harm.
func samples(t *testing.T) map[string]func(io.Writer) error {
	t.Helper()
	v := parseViews()
	ticket := tickets.Ticket{ID: id(), Number: 7, Subject: evil, Status: tickets.Open, RequesterName: evil, RequesterEmail: evil, Messages: 2, UpdatedAt: time.Now()}
	undo := samplePage()
	undo.Said = &said{Message: sampleMessage(ingest.Held), Was: classify.Ham}
	steps, err := stepsOf(sampleMessage(ingest.Held))
	if err != nil {
		t.Fatal(err)
	}
	c, original := sampleContent(), sampleMessage(ingest.Filed)
	score := scoreOf(classify.Score{P: 0.9, Reason: evil, LogOdds: 0.3, Contributions: []classify.Contribution{{Kind: classify.KindToken, Token: evil, LogOdds: 0.3}}})
	post := postView{Post: tickets.Post{MessageID: id(), At: time.Now(), AuthorName: evil, AuthorEmail: evil, Evidence: tickets.Opened}, content: c}
	hidden, unreadable := post, post
	hidden.Hidden, unreadable.Unreadable = true, true
	ledger := ingest.Ledger{Accepted: 3, Stored: 2, Filed: 2, Waiting: map[ingest.Stage]int64{ingest.Received: 1}}
	return map[string]func(io.Writer) error{
		"sign in": func(w io.Writer) error { return v.signIn.execute(w, signInPage{page: page{}, Next: evil, Wrong: true}) },
		"workspaces": func(w io.Writer) error {
			return v.workspaces.execute(w, workspacesPage{page: page{}, Workspaces: []tickets.Workspace{{Name: evil}}})
		},
		"none": func(w io.Writer) error { return v.workspaces.execute(w, workspacesPage{}) },
		"tickets": func(w io.Writer) error {
			return v.tickets.execute(w, ticketsPage{page: samplePage(), Tickets: []tickets.Ticket{ticket}, Next: "/next"})
		},
		"no tickets": func(w io.Writer) error {
			return v.tickets.execute(w, ticketsPage{page: samplePage(), First: true, Mailboxes: []tickets.Mailbox{{Address: evil}}})
		},
		"no mailbox": func(w io.Writer) error { return v.tickets.execute(w, ticketsPage{page: samplePage(), First: true}) },
		"ticket": func(w io.Writer) error {
			return v.ticket.execute(w, ticketPage{page: undo, Ticket: ticket, Mailbox: evil, Related: []tickets.Relation{{Subject: evil, Reason: evil}}, Posts: []postView{post, hidden, unreadable}, First: true, Next: "/n"})
		},
		"search": func(w io.Writer) error {
			return v.search.execute(w, searchPage{page: samplePage(), Messages: []ingest.Message{sampleMessage(ingest.Filed)}})
		},
		"nothing": func(w io.Writer) error { return v.search.execute(w, searchPage{page: samplePage()}) },
		"held": func(w io.Writer) error {
			return v.stopped.execute(w, stoppedPage{page: undo, stoppedKind: heldList, Messages: []ingest.Message{sampleMessage(ingest.Held)}})
		},
		"failed": func(w io.Writer) error {
			return v.stopped.execute(w, stoppedPage{page: samplePage(), stoppedKind: failedList, Messages: []ingest.Message{sampleMessage(ingest.Failed)}})
		},
		"duplicates": func(w io.Writer) error {
			return v.stopped.execute(w, stoppedPage{page: samplePage(), stoppedKind: duplicateList, Messages: []ingest.Message{sampleMessage(ingest.Duplicate)}})
		},
		"none held": func(w io.Writer) error {
			return v.stopped.execute(w, stoppedPage{page: samplePage(), stoppedKind: heldList, First: true})
		},
		"message": func(w io.Writer) error {
			return v.message.execute(w, messagePage{page: undo, Message: sampleMessage(ingest.Held), Ticket: &ticket, Original: &original, Steps: steps, Content: &c, Score: score})
		},
		"unreadable": func(w io.Writer) error {
			return v.message.execute(w, messagePage{page: samplePage(), Message: sampleMessage(ingest.Failed)})
		},
		"ledger": func(w io.Writer) error {
			return v.ledger.execute(w, ledgerPage{page: samplePage(), Ledger: ledger, Parts: partsOf(ledger), Busy: "x", Refused: []ingest.Refused{{Door: "smtp", Cause: evil, Count: 1}}})
		},
		"error": func(w io.Writer) error {
			return v.fault.execute(w, errorPage{page: page{}, fault: faultOf(io.EOF), RequestID: evil})
		},
	}
}

// TestViews executes every template with what its page really gets, and looks for
// a way out of the text.
func TestViews(t *testing.T) {
	t.Parallel()
	for name, execute := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := execute(&b); err != nil {
				t.Fatal(err)
			}
			html := b.String()
			for _, out := range []string{"<script", "<img src=x", "onerror=alert(1)>", " style=", "ZgotmplZ"} {
				if i := strings.Index(html, out); i >= 0 {
					t.Errorf("the page holds %q: …%s…", out, html[max(0, i-80):min(len(html), i+80)])
				}
			}
			if !strings.HasSuffix(strings.TrimSpace(html), "</html>") {
				t.Errorf("the page does not end: …%s", html[max(0, len(html)-100):])
			}
		})
	}
}
