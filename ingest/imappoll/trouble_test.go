package imappoll_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/ingest/ingesttest"
	"postroom/internal/alert"
	"postroom/internal/postgres/pgtest"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// A mail that the server cannot read stops nobody: it is retried, parked with its
// reason and an alert, and taken once it can be read.
func TestBadUID(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("makes a mail unreadable for the server, which takes root")
	}
	d := newDesk(t, imaptest.Options{})
	d.limits.RetryFirst, d.limits.RetryMost = time.Millisecond, 50*time.Millisecond
	p := imappoll.New(d.config())
	d.put(p, d.settings())
	d.server.Deliver(d.user, "INBOX", mails(0, 5)...)
	d.server.Deliver(d.user, "INBOX", "Subject: bad\n\nsecret\n")
	dir := d.server.Folder(d.user, "INBOX")
	bad := find(t, dir, "Subject: bad")
	d.server.Deliver(d.user, "INBOX", mails(5, 5)...)
	if err := errors.Join(os.Chown(bad, 0, 0), os.Chmod(bad, 0o600)); err != nil {
		t.Fatal(err)
	}
	stop := ingesttest.Run(t, p)
	d.Settled(10)
	d.waitAlert(alert.Parked, true)
	stop()
	list, err := p.Reconcile(t.Context(), d.Workspace, d.Mailbox)
	if err != nil || list[0].SetAside != 1 || list[0].Stored != 10 || list[0].OnServer != 11 {
		t.Errorf("reconciliation %+v, %v; want one set aside", list, err)
	}
	bad = find(t, dir, "Subject: bad")
	if err := errors.Join(os.Chown(bad, 65534, 65534), os.Chmod(bad, 0o600)); err != nil {
		t.Fatal(err)
	}
	ingesttest.Run(t, p)
	d.Settled(11)
	d.agrees(p)
}

// find returns the file of a Maildir that holds a text.
func find(t *testing.T, dir, text string) string {
	t.Helper()
	for _, sub := range []string{"new", "cur"} {
		files, _ := filepath.Glob(filepath.Join(dir, sub, "*"))
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), text) {
				return f
			}
		}
	}
	t.Fatalf("no mail with %q", text)
	return ""
}

// What is done at the server is what was asked for, and only after the commit.
func TestAfterwards(t *testing.T) {
	t.Parallel()
	for _, after := range []imappoll.After{imappoll.Keep, imappoll.Move, imappoll.Delete} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, imaptest.Options{NoIdle: after == imappoll.Move}) // without MOVE either
			p := imappoll.New(d.config())
			s := d.settings()
			s.MarkSeen, s.After, s.Grace = true, after, time.Second
			if after == imappoll.Move {
				s.MoveTo = "Done"
				d.server.Folder(d.user, "Done")
			}
			d.put(p, s)
			d.server.Deliver(d.user, "INBOX", mails(0, 4)...)
			d.once(p)
			d.Settled(4)
			dir := d.server.Folder(d.user, "INBOX")
			if n := count(dir); n != 4 {
				t.Errorf("%d mails in the folder right after the poll, want all 4", n)
			}
			if n := seen(dir); n != 4 {
				t.Errorf("%d mails marked as seen, want 4", n)
			}
			time.Sleep(1100 * time.Millisecond) // the grace period
			d.once(p)
			want := map[imappoll.After]int{imappoll.Keep: 4}[after]
			if n := count(dir); n != want {
				t.Errorf("%s: %d mails in the folder after the grace period, want %d", after, n, want)
			}
			if n := count(d.server.Folder(d.user, "Done")); after == imappoll.Move && n != 4 {
				t.Errorf("%d mails moved, want 4", n)
			}
			d.once(p)
			d.Settled(4)
		})
	}
}

func count(dir string) int {
	a, _ := filepath.Glob(filepath.Join(dir, "new", "*"))
	b, _ := filepath.Glob(filepath.Join(dir, "cur", "*"))
	return len(a) + len(b)
}

func seen(dir string) int {
	a, _ := filepath.Glob(filepath.Join(dir, "cur", "*:2,*S*"))
	return len(a)
}

// From now on means from now on, by the time of arrival at the server; what lay
// there before is accounted for.
func TestSince(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	s := d.settings()
	now := time.Now()
	s.Since = &now
	d.put(p, s)
	d.server.Deliver(d.user, "INBOX", mails(0, 6)...)
	dir := d.server.Folder(d.user, "INBOX")
	files, _ := filepath.Glob(filepath.Join(dir, "new", "*"))
	for i, f := range files[:4] {
		old := now.Add(-time.Duration(1+i*i*30) * time.Hour)
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if st := d.once(p); st.Taken != 2 {
		t.Errorf("%d taken, want the 2 that are new", st.Taken)
	}
	if r := d.agrees(p); r[0].Before != 4 || r[0].Stored != 2 {
		t.Errorf("reconciliation %+v, want 4 before and 2 stored", r[0])
	}
	d.server.Renumber(d.user, "INBOX", 99)
	if st := d.once(p); st.Taken != 0 {
		t.Errorf("numbered anew: %d taken, want none", st.Taken)
	}
	if r := d.agrees(p); r[0].Before != 4 || r[0].Stored != 2 {
		t.Errorf("reconciliation %+v, want 4 before and 2 stored", r[0])
	}
}

// Every way to connect works, and none that is not safe.
func TestSecurity(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	d.server.Deliver(d.user, "INBOX", mails(0, 1)...)
	for _, s := range []imappoll.Server{
		{Host: "127.0.0.1", Port: d.server.TLSPort, Security: imappoll.TLS},
		{Host: "localhost", Port: d.server.Port, Security: imappoll.STARTTLS},
	} {
		set := d.settings()
		s.Auth, s.Username = imappoll.Password, d.user
		set.Server = s
		d.put(p, set)
		d.once(p)
	}
	d.Settled(1)
	set := d.settings()
	set.Host = "192.0.2.1"
	var invalid *tickets.InvalidError
	if err := p.Put(t.Context(), "test", d.Workspace, d.Mailbox, set); !errors.As(err, &invalid) {
		t.Errorf("in the clear to another machine: %v, want *tickets.InvalidError", err)
	}
	c := d.config()
	c.Roots = nil // the system does not know the test's certificate
	set = d.settings()
	set.Port, set.Security = d.server.TLSPort, imappoll.TLS
	d.put(p, set)
	if _, err := imappoll.New(c).PollOnce(t.Context(), d.Workspace, d.Mailbox, nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v, want an error that says so", err)
	}
}

// A wrong password is an alert at once; a server that is away one after two
// intervals; both go when it works again.
func TestAlerts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	d.limits.LateSlack = 500 * time.Millisecond
	p := imappoll.New(d.config())
	s := d.settings()
	s.Password = "wrong"
	d.put(p, s)
	ingesttest.Run(t, p)
	d.waitAlert(alert.Refused, true)
	d.put(p, d.settings())
	d.waitAlert(alert.Refused, false)
	d.server.Stop()
	d.waitAlert(alert.Late, true)
	if p.Ready() == "" {
		t.Error("Ready says nothing of a mailbox that is late")
	}
	d.server.Start()
	d.server.Deliver(d.user, "INBOX", mails(0, 1)...)
	d.Settled(1)
	d.waitAlert(alert.Late, false)
}

// Several folders, one of which is not there.
func TestFolders(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{NoIdle: true})
	p := imappoll.New(d.config())
	s := d.settings()
	s.Folders = []imappoll.FolderSetting{{Name: "INBOX"}, {Name: "Spam", Role: imappoll.Junk}, {Name: "Nowhere"}}
	d.put(p, s)
	d.server.Deliver(d.user, "INBOX", mails(0, 2)...)
	d.server.Deliver(d.user, "Spam", mails(2, 2)...)
	ingesttest.Run(t, p)
	d.waitAlert(alert.Folder, true)
	roles := map[string]int{}
	for _, m := range d.Settled(4) {
		roles[m.Envelope.Role]++
	}
	if roles["inbox"] != 2 || roles["junk"] != 2 {
		t.Errorf("roles %v, want two of each", roles)
	}
	s.Folders = s.Folders[:2]
	d.put(p, s)
	d.waitAlert(alert.Folder, false)
	d.agrees(p)
}

// A folder that is not there costs the others neither their connection nor the news
// that the server tells.
func TestOthersAreWatched(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	s := d.settings()
	s.Folders, s.PollEvery = []imappoll.FolderSetting{{Name: "INBOX"}, {Name: "Nowhere"}}, time.Hour
	d.put(p, s)
	if _, err := p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil); err == nil || !strings.Contains(err.Error(), "Nowhere") {
		t.Errorf("PollOnce() = %v, want it to name the folder that is not there", err)
	}
	d.server.Deliver(d.user, "INBOX", mails(0, 2)...)
	ingesttest.Run(t, p)
	d.waitAlert(alert.Folder, true)
	d.Settled(2)
	d.server.Deliver(d.user, "INBOX", mails(2, 2)...)
	d.Settled(4)
	if n := strings.Count(d.server.Log(), "Login: user=<"+d.user+">"); n != 2 {
		t.Errorf("it logged in %d times, want twice, by PollOnce and by Run:\n%s", n, d.server.Log())
	}
}

// A row that the ledger lost is found by the check and taken again; the mail is
// recognised.
func TestCheckMends(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	d.limits.CheckEvery = time.Millisecond
	p := imappoll.New(d.config())
	d.put(p, d.settings())
	d.server.Deliver(d.user, "INBOX", mails(0, 5)...)
	d.once(p)
	d.Settled(5)
	d.AsOwner("delete from imap_uid where uid = 3")
	list, err := p.Reconcile(t.Context(), d.Workspace, d.Mailbox)
	if err != nil || list[0].Agrees() || list[0].Differences[0].UID != 3 {
		t.Errorf("reconciliation %+v, %v; want a difference at UID 3", list, err)
	}
	d.once(p)
	for _, m := range d.Settled(5) {
		if m.Stage != ingest.Filed {
			t.Errorf("message %s is %s", m.Subject, m.Stage)
		}
	}
	d.agrees(p)
}

// Who ends a mailbox's polling and who deals with its alert at the same moment do
// not stand in each other's way: both lock the audit's chain first.
func TestDropWhileAlertIsClosed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	d.put(p, d.settings())
	raise := func(tx pgx.Tx) error {
		return alert.Raise(t.Context(), tx, d.Workspace, alert.Alert{Kind: alert.Late, Target: "mailbox:" + d.Mailbox.String(), What: "x", Advice: "y"})
	}
	if err := d.DB.InWorkspace(t.Context(), d.Workspace, raise); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	err := d.DB.InWorkspace(t.Context(), d.Workspace, func(tx pgx.Tx) error {
		if _, err := audit.Open(t.Context(), tx, d.Workspace); err != nil {
			return err
		}
		go func() { done <- p.Drop(t.Context(), "test", d.Workspace, d.Mailbox) }()
		pgtest.Blocked(t, d.DB)
		return raise(tx)
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Errorf("both at once: %v", err)
	}
	d.waitAlert(alert.Late, false)
}
