// Package ingesttest gives tests a whole pipeline on a real database of its own,
// with a workspace and a mailbox to send to.
package ingesttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/internal/vault"
	"postroom/tickets"
)

// A Room is a pipeline with everything that it needs.
type Room struct {
	*ingest.Pipeline
	DB        *postgres.DB
	Desk      *tickets.Desk
	Filter    *classify.Filter
	Vault     *vault.Vault
	Workspace uuid.UUID
	Mailbox   uuid.UUID
	Address   string // of the mailbox

	t   testing.TB
	cfg postgres.Config
}

// New returns a room on a database of its own. Its pipeline does not run before
// Start; change may alter what it is made of.
func New(t testing.TB, change func(*ingest.Config)) *Room {
	t.Helper()
	master, _, err := vault.LoadMaster(vault.Source{Key: vault.NewKey()})
	if err != nil {
		t.Fatalf("master key: %v", err)
	}
	cfg := pgtest.Database(t)
	db, err := postgres.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(db.Close)
	r := &Room{
		t: t, cfg: cfg, DB: db, Desk: tickets.New(db, tickets.SignWith([]byte("the key of a test"))), Vault: vault.New(master, postgres.Keysets{DB: db}),
		Filter: classify.New(db, classify.Config{Secret: []byte("the secret of a test")}),
	}
	r.Pipeline = r.Another(change)
	r.Address = "support@" + strings.ToLower(rand.Text()) + ".test"
	r.Workspace, r.Mailbox = r.NewWorkspace(r.Address)
	return r
}

// Another returns a further pipeline on the room's database, as another process
// would have it.
func (r *Room) Another(change func(*ingest.Config)) *ingest.Pipeline {
	c := ingest.Config{DB: r.DB, Vault: r.Vault, Filter: r.Filter, Desk: r.Desk, Limits: ingest.DefaultLimits, Works: true}
	c.Limits.Poll = 20 * time.Millisecond
	c.Limits.BackoffFirst = 5 * time.Millisecond
	c.Limits.BackoffMost = 20 * time.Millisecond
	if change != nil {
		change(&c)
	}
	return ingest.New(c)
}

// NewWorkspace makes a workspace with one mailbox.
func (r *Room) NewWorkspace(address string) (workspace, mailbox uuid.UUID) {
	r.t.Helper()
	w, err := r.Desk.CreateWorkspace(r.t.Context(), "test", "Test")
	if err != nil {
		r.t.Fatalf("CreateWorkspace: %v", err)
	}
	m, err := r.Desk.CreateMailbox(r.t.Context(), w.ID, "test", address, "")
	if err != nil {
		r.t.Fatalf("CreateMailbox: %v", err)
	}
	return w.ID, m.ID
}

// AsOwner runs one statement under the role that owns the tables, past row-level
// security and grants: for tests that break things.
func (r *Room) AsOwner(sql string, args ...any) {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context())
	c, err := pgx.Connect(ctx, r.cfg.OwnerURL)
	if err == nil {
		_, err = c.Exec(ctx, sql, args...)
		err = errors.Join(err, c.Close(ctx))
	}
	if err != nil {
		r.t.Fatalf("as owner: %s: %v", sql, err)
	}
}

// Hold keeps what orders the changes of workspaces locked, as a long transaction
// would, until free is called.
func (r *Room) Hold(workspaces ...uuid.UUID) (free func()) {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context())
	c, err := pgx.Connect(ctx, r.cfg.OwnerURL)
	if err == nil {
		_, err = c.Exec(ctx, "begin")
	}
	if err == nil {
		_, err = c.Exec(ctx, "select from audit_head where workspace_id = any ($1) for update", workspaces)
	}
	if err != nil {
		r.t.Fatalf("hold workspaces: %v", err)
	}
	free = sync.OnceFunc(func() { _ = c.Close(ctx) }) // its transaction ends with it
	r.t.Cleanup(free)
	return free
}

// Start runs the room's pipeline until the test ends or stop is called.
func (r *Room) Start() (stop func()) { return Run(r.t, r.Pipeline) }

// A Runner is what works until its context ends: a pipeline, or a door to one.
type Runner interface{ Run(context.Context) error }

// Run runs p until the test ends or stop is called.
func Run(t testing.TB, p Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// To is the room's mailbox as a recipient of a mail that was never offered before.
func (r *Room) To() ingest.Recipient {
	return ingest.Recipient{Workspace: r.Workspace, Mailbox: r.Mailbox, Address: r.Address, SourceKey: "test:" + rand.Text()}
}

// Offer is a mail for the room's mailbox.
func (r *Room) Offer(raw string) ingest.Offer {
	return ingest.Offer{
		Raw:      []byte(raw),
		Envelope: ingest.Envelope{Door: ingest.DoorAPI, MailFrom: "anna@example.test"},
		To:       []ingest.Recipient{r.To()},
	}
}

// Send offers mails, which must be accepted.
func (r *Room) Send(raws ...string) {
	r.t.Helper()
	for _, raw := range raws {
		if err := r.Accept(r.t.Context(), r.Offer(raw)); err != nil {
			r.t.Fatalf("Accept: %v", err)
		}
	}
}

// Settled waits until no message of the workspace waits, and returns all of them,
// oldest first. There must be as many as wanted, and the ledger must balance.
func (r *Room) Settled(want int) []ingest.Message {
	r.t.Helper()
	return r.SettledIn(r.Workspace, want)
}

// SettledIn does the same for another workspace.
func (r *Room) SettledIn(workspace uuid.UUID, want int) []ingest.Message {
	r.t.Helper()
	for deadline := time.Now().Add(45 * time.Second); ; { // before a lease runs out
		l, err := r.Ledger(r.t.Context(), workspace)
		if err != nil {
			r.t.Fatalf("Ledger: %v", err)
		}
		waiting := l.Waiting[ingest.Received] + l.Waiting[ingest.Parsed] + l.Waiting[ingest.Scored]
		if waiting == 0 && l.Stored >= int64(want) {
			if !l.Balances() {
				r.t.Errorf("the ledger does not balance: %+v", l)
			}
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("messages still wait: %+v, want %d stored", l, want)
		}
		time.Sleep(2 * time.Millisecond)
	}
	list, err := r.Messages(r.t.Context(), workspace, ingest.MessageFilter{Limit: 10_000})
	if err != nil {
		r.t.Fatalf("Messages: %v", err)
	}
	if len(list) != want {
		r.t.Fatalf("%d messages, want %d", len(list), want)
	}
	slices.Reverse(list)
	return list
}

// Mail writes a simple mail. An empty id or inReplyTo leaves that field out.
func Mail(id, inReplyTo, subject, body string) string {
	s := "From: Anna <anna@example.test>\r\nTo: support@example.test\r\n" +
		"Date: Mon, 02 Nov 2026 10:00:00 +0100\r\nSubject: " + subject + "\r\n"
	if id != "" {
		s += "Message-ID: <" + id + ">\r\n"
	}
	if inReplyTo != "" {
		s += "In-Reply-To: <" + inReplyTo + ">\r\n"
	}
	return s + fmt.Sprintf("\r\n%s\r\n", body)
}
