package imappoll_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/ingest/ingesttest"
)

// measured skips what is a measurement and no test. The first word says which,
// the number how large: POSTROOM_BENCH=import:50000.
func measured(t *testing.T, what string) int {
	t.Helper()
	name, n, _ := strings.Cut(os.Getenv("POSTROOM_BENCH"), ":")
	size, err := strconv.Atoi(n)
	if name != what || err != nil {
		t.Skipf("a measurement: POSTROOM_BENCH=%s:<number>", what)
	}
	return size
}

// letter is a mail of about 5 KB.
func letter(n int) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Return-Path: <anna@example.test>\nReceived: from a.test by b.test; Mon, 02 Nov 2026 10:00:00 +0100\nFrom: Anna <anna@example.test>\nTo: support@example.test\n"+
		"Date: Mon, 02 Nov 2026 10:00:00 +0100\nSubject: letter %d\nMessage-ID: <l%d@import.test>\n\n", n, n)
	r := rand.New(rand.NewPCG(uint64(n), 7))
	for b.Len() < 2000+r.IntN(6000) {
		fmt.Fprintf(&b, "line %x of a letter about %x and %x\n", r.Uint64(), r.Uint32(), r.Uint32())
	}
	return b.String()
}

func self() (cpu time.Duration, peak int64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Maxrss << 10
}

// The first import of a large mailbox, beside mbsync from the same server.
func TestMeasureImport(t *testing.T) {
	n := measured(t, "import")
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	s := d.settings()
	s.Port, s.Security = d.server.TLSPort, imappoll.TLS
	d.put(p, s)
	for i := range n {
		d.server.Deliver(d.user, "INBOX", letter(i))
	}
	d.warm(p) // the server's index, for both alike
	start := time.Now()
	st := d.once(p)
	took := time.Since(start)
	_, peak := self()
	t.Logf("postroom: %d mails durable in %v, %.0f/s; peak memory of the whole test process %d MB", st.Taken, took.Round(time.Millisecond), float64(st.Taken)/took.Seconds(), peak>>20)
	d.mbsync(n)
}

// warm has the server read the folder once.
func (d *desk) warm(p *imappoll.Poller) {
	d.t.Helper()
	if _, err := p.Test(d.t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: d.settings()}); err != nil {
		d.t.Fatal(err)
	}
	if _, err := p.Reconcile(d.t.Context(), d.Workspace, d.Mailbox); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) mbsync(n int) {
	d.t.Helper()
	if _, err := exec.LookPath("mbsync"); err != nil {
		d.t.Log("no mbsync on this machine: apt-get install isync")
		return
	}
	dir := d.t.TempDir()
	rc := fmt.Sprintf("IMAPAccount a\nHost localhost\nPort %d\nUser %s\nPass \"%s\"\nSSLType IMAPS\nCertificateFile %s\nPipelineDepth 50\n\nIMAPStore far\nAccount a\n\n"+
		"MaildirStore near\nPath %s/\nInbox %s/INBOX\nSubFolders Verbatim\n\nChannel c\nFar :far:INBOX\nNear :near:INBOX\nCreate Near\nSync Pull\nSyncState *\n",
		d.server.TLSPort, d.user, imaptest.Password, d.server.CertFile(), dir, dir)
	file := filepath.Join(dir, "rc")
	if err := os.WriteFile(file, []byte(rc), 0o600); err != nil {
		d.t.Fatal(err)
	}
	start := time.Now()
	out, err := exec.Command("mbsync", "-c", file, "-a").CombinedOutput()
	took := time.Since(start)
	if err != nil {
		d.t.Logf("mbsync: %v %s", err, out)
		return
	}
	got := count(filepath.Join(dir, "INBOX"))
	d.t.Logf("mbsync:   %d of %d mails in %v, %.0f/s", got, n, took.Round(time.Millisecond), float64(got)/took.Seconds())
}

// Many idle mailboxes: what each costs, and how long a new mail takes to become a
// ticket.
func TestMeasureIdle(t *testing.T) {
	n := measured(t, "idle")
	d := newDesk(t, imaptest.Options{})
	d.limits.Report, d.limits.Look, d.limits.Lease = imappoll.DefaultLimits.Report, imappoll.DefaultLimits.Look, imappoll.DefaultLimits.Lease
	p := imappoll.New(d.config())
	for i := range n {
		m, err := d.Desk.CreateMailbox(t.Context(), d.Workspace, "test", fmt.Sprintf("box%d@idle.test", i), "")
		if err != nil {
			t.Fatal(err)
		}
		s := d.settings()
		s.Username, s.PollEvery = fmt.Sprintf("u%d", i), 5*time.Minute
		d.server.Folder(s.Username, "INBOX")
		if err := p.Put(t.Context(), "test", d.Workspace, m.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	before := live()
	begun := time.Now()
	ingesttest.Run(t, p)
	for watching := 0; watching < n; time.Sleep(50 * time.Millisecond) {
		watching = 0
		for _, st := range p.Statuses() {
			if st.State == imappoll.Watching {
				watching++
			}
		}
		if time.Since(begun) > 4*time.Minute {
			t.Fatalf("%d of %d watch", watching, n)
		}
	}
	t.Logf("%d mailboxes watched after %v; %d KB of memory each", n, time.Since(begun).Round(time.Millisecond), (live()-before)/int64(n)>>10)
	time.Sleep(2 * time.Second)
	cpu, _ := self()
	time.Sleep(10 * time.Second)
	now, _ := self()
	t.Logf("idle: %v of CPU a mailbox and hour", (now-cpu)*360/time.Duration(n))
	d.arrivals(n)
}

func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// filed reports whether the latest message is that mail, and on a ticket.
func (d *desk) filed(ctx context.Context, subject string) bool {
	list, err := d.Messages(ctx, d.Workspace, ingest.MessageFilter{Limit: 1})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(list) == 1 && list[0].Subject == subject && list[0].Stage == ingest.Filed
}

// arrivals delivers to mailboxes at random and waits for the ticket of each.
func (d *desk) arrivals(n int) {
	d.t.Helper()
	var times []time.Duration
	for i := range 100 {
		subject := fmt.Sprintf("arrival %d", i)
		at := time.Now()
		d.server.Deliver(fmt.Sprintf("u%d", rand.IntN(n)), "INBOX", "Subject: "+subject+"\nMessage-ID: <a"+subject[8:]+"@x.test>\n\nhello\n")
		for found := false; !found; {
			ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
			found = d.filed(ctx, subject)
			cancel()
			if time.Since(at) > 30*time.Second {
				d.t.Fatalf("%s is no ticket after 30 s", subject)
			}
			time.Sleep(2 * time.Millisecond)
		}
		times = append(times, time.Since(at))
	}
	slices.Sort(times)
	d.t.Logf("arrival to ticket: median %v, p99 %v", times[50].Round(time.Millisecond), times[98].Round(time.Millisecond))
}
