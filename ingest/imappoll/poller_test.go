package imappoll_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/ingest/ingesttest"
)

// A desk is a pipeline with a poller and a server whose user is the mailbox's.
type desk struct {
	*ingesttest.Room
	t      *testing.T
	server *imaptest.Dovecot
	user   string
	limits imappoll.Limits
}

func newDesk(t *testing.T, o imaptest.Options) *desk {
	t.Helper()
	d := &desk{t: t, server: imaptest.NewDovecot(t, o), Room: ingesttest.New(t, nil), user: "anna"}
	d.limits = imappoll.DefaultLimits
	d.limits.BackoffFirst, d.limits.BackoffMost = 20*time.Millisecond, 100*time.Millisecond
	d.limits.Look, d.limits.Report, d.limits.Lease = 50*time.Millisecond, 50*time.Millisecond, 2*time.Second
	d.Start()
	return d
}

func (d *desk) config() imappoll.Config {
	c := imappoll.Config{DB: d.DB, Vault: d.Vault, Pipeline: d.Pipeline, Limits: d.limits}
	if d.server != nil {
		c.Roots = d.server.Roots
	}
	return c
}

func (d *desk) settings() imappoll.Settings {
	return imappoll.Settings{
		Server:   imappoll.Server{Host: "127.0.0.1", Port: d.server.Port, Security: imappoll.None, Auth: imappoll.Password, Username: d.user},
		Password: imaptest.Password, PollEvery: time.Second, Enabled: true,
	}
}

func (d *desk) put(p *imappoll.Poller, s imappoll.Settings) {
	d.t.Helper()
	if err := p.Put(d.t.Context(), "test", d.Workspace, d.Mailbox, s); err != nil {
		d.t.Fatalf("Put: %v", err)
	}
}

// once polls the mailbox in the foreground.
func (d *desk) once(p *imappoll.Poller) imappoll.Status {
	d.t.Helper()
	st, err := p.PollOnce(d.t.Context(), d.Workspace, d.Mailbox, nil)
	if err != nil {
		d.t.Fatalf("PollOnce: %v\n%s", err, d.said())
	}
	return st
}

// said is the server's log, where it keeps one.
func (d *desk) said() string {
	if d.server == nil {
		return ""
	}
	return d.server.Log()
}

// mails are simple mails with different ids.
func mails(from, n int) []string {
	var list []string
	for i := range n {
		id := fmt.Sprintf("m%d@imap.test", from+i)
		list = append(list, strings.ReplaceAll(ingesttest.Mail(id, "", "mail "+id, "hello "+strings.Repeat("x", i%500)), "\r\n", "\n"))
	}
	return list
}

// agrees fails the test unless server and ledger agree.
func (d *desk) agrees(p *imappoll.Poller) []imappoll.Reconciliation {
	d.t.Helper()
	list, err := p.Reconcile(d.t.Context(), d.Workspace, d.Mailbox)
	if err != nil {
		d.t.Fatalf("Reconcile: %v", err)
	}
	for _, r := range list {
		if !r.Agrees() || r.Pending != 0 {
			d.t.Errorf("server and ledger differ: %+v", r)
		}
	}
	return list
}

func TestPollOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	d.put(p, d.settings())
	d.server.Deliver(d.user, "INBOX", mails(0, 450)...)
	if st := d.once(p); st.Taken != 450 || st.State != imappoll.Watching {
		t.Errorf("after the first poll: %+v, want 450 taken", st)
	}
	if st := d.once(p); st.Taken != 0 {
		t.Errorf("the second poll took %d, want none", st.Taken)
	}
	d.server.Deliver(d.user, "INBOX", mails(450, 3)...)
	if st := d.once(p); st.Taken != 3 {
		t.Errorf("the third poll took %d, want 3", st.Taken)
	}
	list := d.Settled(453)
	for _, m := range list {
		if m.Stage != ingest.Filed || m.Envelope.Door != ingest.DoorIMAP || m.Envelope.Folder != "INBOX" {
			t.Fatalf("message %+v, want filed from INBOX", m)
		}
	}
	if r := d.agrees(p); r[0].OnServer != 453 || r[0].Stored != 453 {
		t.Errorf("reconciliation %+v, want 453 everywhere", r[0])
	}
}

// A folder that is numbered anew is recognised by content: nothing twice, nothing
// missed, and what came meanwhile is taken.
func TestUIDValidity(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	d.put(p, d.settings())
	same := "Subject: alarm\n\nthe same words, no id, no date\n"
	d.server.Deliver(d.user, "INBOX", append(mails(0, 30), same, same)...)
	d.once(p)
	d.Settled(32)
	d.server.Renumber(d.user, "INBOX", 77)
	d.server.Deliver(d.user, "INBOX", append(mails(30, 2), same)...)
	if st := d.once(p); st.Taken != 3 {
		t.Errorf("numbered anew: %d taken, want the 3 that are new", st.Taken)
	}
	d.Settled(35)
	d.agrees(p)
	// The same UIDVALIDITY, and lower UIDs: a server put back from a backup.
	d.server.Renumber(d.user, "INBOX", 77)
	d.server.Deliver(d.user, "INBOX", mails(32, 1)...)
	d.once(p)
	d.Settled(36)
	d.agrees(p)
}

// Many pollers on one database take nothing twice and wait for nobody.
func TestWatch(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	a, b := imappoll.New(d.config()), imappoll.New(d.config())
	d.put(a, d.settings())
	ingesttest.Run(t, a)
	stop := ingesttest.Run(t, b)
	d.server.Deliver(d.user, "INBOX", mails(0, 5)...)
	d.Settled(5)
	for i := range 5 {
		at := time.Now()
		d.server.Deliver(d.user, "INBOX", mails(5+i, 1)...)
		d.Settled(6 + i)
		if took := time.Since(at); took > 5*time.Second {
			t.Errorf("a new mail took %v", took)
		}
	}
	stop()
	d.server.Deliver(d.user, "INBOX", mails(10, 1)...)
	d.Settled(11)
	d.agrees(a)
}

// Two processes share the mailboxes evenly, and one takes over from the other.
func TestShare(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	a, b := imappoll.New(d.config()), imappoll.New(d.config())
	for i := range 6 {
		m, err := d.Desk.CreateMailbox(t.Context(), d.Workspace, "test", fmt.Sprintf("box%d@share.test", i), "")
		if err != nil {
			t.Fatal(err)
		}
		s := d.settings()
		s.Username = fmt.Sprintf("u%d", i)
		if err := a.Put(t.Context(), "test", d.Workspace, m.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: one polls %d, the other %d", what, len(a.Statuses()), len(b.Statuses()))
			}
		}
	}
	ingesttest.Run(t, a)
	wait("alone", func() bool { return len(a.Statuses()) == 6 })
	stop := ingesttest.Run(t, b)
	wait("together", func() bool { return len(a.Statuses()) == 3 && len(b.Statuses()) == 3 })
	stop()
	wait("alone again", func() bool { return len(a.Statuses()) == 6 })
}
