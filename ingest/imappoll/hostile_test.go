package imappoll_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postroom/ingest/imappoll"
	"postroom/ingest/ingesttest"
	"postroom/internal/alert"
)

// A server that keeps to the protocol is polled, so that the tests below mean
// something.
func TestRogueAtRest(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	r.put("INBOX", 1, mails(0, 20)...)
	p := imappoll.New(d.config())
	d.put(p, at(r))
	if _, err := p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil); err != nil {
		t.Fatal(err)
	}
	d.Settled(20)
	d.agrees(p)
}

// A folder that cannot be polled, for whatever reason of the server's, keeps the
// others from nothing, and somebody is told.
func TestOtherFoldersGoOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, verb string
		answer     answer
	}{
		{"no UIDVALIDITY", "SELECT", func(c *caller, tag, args string) bool {
			if !strings.Contains(args, "Spam") {
				return false
			}
			c.folder = "Spam"
			c.say("* 1 EXISTS\r\n* OK [UIDNEXT 2] x\r\n%s OK done", tag)
			return true
		}},
		{"SEARCH refused", "UID SEARCH", func(c *caller, tag, args string) bool {
			if c.folder != "Spam" {
				return false
			}
			c.say("%s NO [SERVERBUG] internal error", tag)
			return true
		}},
		{"UIDs that cannot be", "UID SEARCH", func(c *caller, tag, args string) bool {
			if c.folder != "Spam" {
				return false
			}
			c.say("* SEARCH 0\r\n%s OK done", tag)
			return true
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, r := newRogueDesk(t)
			r.put("INBOX", 1, mails(0, 3)...)
			r.put("Spam", 1, mails(3, 1)...)
			r.on(tt.verb, tt.answer)
			p := imappoll.New(d.config())
			d.put(p, at(r, "INBOX", "Spam"))
			ingesttest.Run(t, p)
			d.Settled(3)
			d.waitAlert(alert.Folder, true)
		})
	}
}

// An INTERNALDATE that no calendar knows is no reason to stop.
func TestOddInternalDate(t *testing.T) {
	t.Parallel()
	for _, date := range []string{"01-Jan-2026 00:00:00 +2400", "01-Jan-0000 00:00:00 +0000", "31-Dec-9999 23:59:59 -1200"} {
		t.Run(date, func(t *testing.T) {
			t.Parallel()
			d, r := newRogueDesk(t)
			r.put("INBOX", 1, mails(0, 3)...)
			r.on("UID FETCH", func(c *caller, tag, args string) bool {
				for u, raw := range r.mails["INBOX"] {
					c.say(`* %d FETCH (UID %d INTERNALDATE "%s" RFC822.SIZE %d BODY[] {%d}`+"\r\n%s)", u, u, date, len(raw), len(raw), raw)
				}
				c.say("%s OK", tag)
				return true
			})
			p := imappoll.New(d.config())
			d.put(p, at(r))
			for range 2 {
				if _, err := p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil); err != nil {
					t.Errorf("PollOnce: %v", err)
				}
			}
			d.Settled(3)
		})
	}
}

// A mail of a size that cannot be is parked; those behind it come.
func TestEndlessLiteral(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"999999999999", "9223372036854775807", "9223372036854775808"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			d, r := newRogueDesk(t)
			d.limits.CommandTime = time.Second
			r.put("INBOX", 1, mails(0, 5)...)
			r.on("UID FETCH", func(c *caller, tag, args string) bool {
				if !inSet(strings.Fields(args)[0], 3) {
					return false
				}
				c.say(`* 3 FETCH (UID 3 BODY[] {%s}`, size)
				for range 200 { // a drip that never is silent
					if _, err := c.Write([]byte("x")); err != nil {
						return true
					}
					time.Sleep(50 * time.Millisecond)
				}
				return true
			})
			p := imappoll.New(d.config())
			d.put(p, at(r))
			ingesttest.Run(t, p)
			d.Settled(4)
			d.waitAlert(alert.Parked, true)
		})
	}
}

// What a server answers under another number, under two, or in part is not taken for
// the mail that was asked for.
func TestConfusedFetch(t *testing.T) {
	t.Parallel()
	const lie = "Subject: lie\r\n\r\nlie\r\n"
	for _, tt := range []struct{ name, format string }{
		{"another number", "* 2 FETCH (UID 77 BODY[] {%d}\r\n%s)"},
		{"no number", "* 2 FETCH (BODY[] {%d}\r\n%s)"},
		{"two numbers", "* 2 FETCH (UID 2 BODY[] {%d}\r\n%s UID 3)"},
		{"a part of it", "* 2 FETCH (UID 2 BODY[HEADER] {%d}\r\n%s)"},
		{"a piece of it", "* 2 FETCH (UID 2 BODY[]<5> {%d}\r\n%s)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, r := newRogueDesk(t)
			r.put("INBOX", 1, mails(0, 5)...)
			r.on("UID FETCH", func(c *caller, tag, args string) bool {
				set, _, _ := strings.Cut(args, " ")
				for _, u := range []uint32{1, 2, 3, 4, 5} {
					switch raw := r.mails["INBOX"][u]; {
					case u == 2 && inSet(set, u):
						c.say(tt.format, len(lie), lie)
					case inSet(set, u):
						c.say("* 9 FETCH (UID %d BODY[] {%d}\r\n%s)", u, len(raw), raw)
					}
				}
				c.say("%s OK done", tag)
				return true
			})
			p := imappoll.New(d.config())
			d.put(p, at(r))
			ingesttest.Run(t, p)
			d.waitAlert(alert.Parked, true)
			for _, m := range d.Settled(4) {
				if m.Subject == "lie" {
					t.Errorf("what is not the mail that was asked for was taken for it")
				}
			}
		})
	}
}

// A server that says that it has IDLE, and refuses it, is polled plainly: it is not
// logged in to again and again.
func TestIdleRefused(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"BAD what", "NO not now"} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			d, r := newRogueDesk(t)
			r.caps = "IMAP4rev1 IDLE"
			r.on("IDLE", func(c *caller, tag, _ string) bool { c.say("%s %s", tag, words); return true })
			d.limits.PollPlain = 50 * time.Millisecond
			p := imappoll.New(d.config())
			d.put(p, at(r))
			ingesttest.Run(t, p)
			for i := range 20 {
				r.put("INBOX", uint32(1+i), mails(i, 1)...)
				d.Settled(1 + i)
			}
			if n := r.logins.Load(); n > 3 {
				t.Errorf("%d logins, want one that lasts", n)
			}
		})
	}
}

// A flood of notices does not make a flood of polls.
func TestIdleFlood(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	r.caps = "IMAP4rev1 IDLE"
	r.put("INBOX", 1, mails(0, 2)...)
	r.on("IDLE", func(c *caller, tag, _ string) bool { c.idle = tag; c.say("+ idling\r\n* 3 EXISTS"); return true })
	var searches atomic.Int64
	r.on("UID SEARCH", func(*caller, string, string) bool { searches.Add(1); return false })
	p := imappoll.New(d.config())
	calm := at(r)
	calm.PollEvery = time.Hour
	d.put(p, calm)
	stop := ingesttest.Run(t, p)
	d.Settled(2)
	begun, before := time.Now(), searches.Load()
	for polls := int64(0); polls < 5; polls = searches.Load() - before {
		if time.Since(begun) > time.Minute {
			t.Fatalf("%d polls in a minute of notices", polls)
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(2 * time.Second)
	polls, took := searches.Load()-before, time.Since(begun)
	stop()
	if float64(polls) > 15*took.Seconds() {
		t.Errorf("%d polls in %v", polls, took)
	}
}

// A mail that drips does not keep the others' mailboxes waiting for memory.
func TestDripHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	d.limits.RoomBytes, d.limits.Silence = 1<<20, 5*time.Second
	r.put("INBOX", 1, mails(0, 1)...)
	dripping := make(chan struct{}, 100)
	r.on("UID FETCH", func(c *caller, tag, args string) bool {
		c.say("* 1 FETCH (UID 1 BODY[] {%d}", 2<<20)
		dripping <- struct{}{}
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return true
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	p := imappoll.New(d.config())
	d.put(p, at(r))
	ingesttest.Run(t, p)
	<-dripping
	other := newRogue(t)
	other.put("INBOX", 1, mails(10, 30)...)
	w, box := d.NewWorkspace("other@rogue.test")
	if err := p.Put(t.Context(), "test", w, box, at(other)); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	d.SettledIn(w, 30)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A poller whose memory is full, or that is told to stop, lets go of the connection
// in the middle of an answer.
func TestLetsGoInTheMiddle(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	d.limits.RoomBytes, d.limits.InFlight = 4<<10, 1 // the second mail waits for the first one's commit
	r.put("INBOX", 1, mails(0, 300)...)
	d.limits.Silence = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	p := imappoll.New(d.config())
	d.put(p, at(r))
	done := make(chan error, 1)
	go func() {
		_, err := p.PollOnce(ctx, d.Workspace, d.Mailbox, nil)
		done <- err
	}()
	for stored := int64(0); stored == 0; {
		l, err := d.Ledger(t.Context(), d.Workspace)
		if err != nil {
			t.Fatal(err)
		}
		stored = l.Stored
	}
	cancel()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the poll hangs")
	}
}

// Whatever a mail says of its return path, it is stored.
func TestOddReturnPath(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	r.put("INBOX", 1, "Return-Path: <a\x00\xff\xfe@b>\r\nSubject: odd\r\n\r\nx\r\n", "", "\x00", "\r\n", strings.Repeat("x", 1<<20))
	p := imappoll.New(d.config())
	d.put(p, at(r))
	if _, err := p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil); err != nil {
		t.Fatal(err)
	}
	d.Settled(5)
	d.agrees(p)
}

// A connection is tested within a time that a person waits, however many folders a
// server has and however odd their names are; and no name stops it.
func TestProbeOfManyFolders(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	var n int
	r.on("LIST", func(c *caller, tag, _ string) bool {
		c.say("* LIST () \"/\" inbox\r\n* LIST (\\Noselect) NIL \"a\\\"b\"")
		for i := range 100_000 {
			c.say(`* LIST () "/" "folder %d"`, i)
		}
		c.say("%s OK done", tag)
		return true
	})
	r.on("STATUS", func(c *caller, tag, args string) bool {
		if n++; n > 3 {
			time.Sleep(200 * time.Millisecond)
		}
		c.say("* STATUS %s (MESSAGES 3)\r\n%s OK done", strings.TrimSuffix(args, " (MESSAGES)"), tag)
		return true
	})
	begun := time.Now()
	probe, err := imappoll.New(d.config()).Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: at(r)})
	if err != nil || !probe.OK() {
		t.Errorf("Test: %+v, %v", probe.Steps, err)
	}
	if took := time.Since(begun); took > 40*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(probe.Folders) == 0 || probe.Folders[0].ToImport != 3 {
		t.Errorf("folders %+v, want the inbox first, with 3 to import", probe.Folders[:min(2, len(probe.Folders))])
	}
}

// A mail that is tried again is not blamed for our memory being full.
func TestRetryWhileMemoryIsFull(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	r.put("INBOX", 1, mails(0, 1)...)
	var given atomic.Bool
	r.on("UID FETCH", func(c *caller, tag, args string) bool {
		if given.Load() || !strings.Contains(args, "BODY") {
			return false
		}
		c.say("%s NO not yet", tag)
		return true
	})
	d.limits.Silence, d.limits.PollPlain = 20*time.Millisecond, 20*time.Millisecond
	p := imappoll.New(d.config())
	d.put(p, at(r))
	ingesttest.Run(t, p)
	d.waitAlert(alert.Parked, true)
	free, err := p.FillRoom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	given.Store(true)
	for why := ""; !strings.Contains(why, "too much mail is in memory"); time.Sleep(10 * time.Millisecond) {
		list, err := p.Reconcile(t.Context(), d.Workspace, d.Mailbox)
		if err != nil || len(list[0].Differences) != 1 {
			t.Fatalf("reconciliation %+v, %v; want one mail set aside", list, err)
		}
		if why = list[0].Differences[0].What; strings.Contains(why, "breaks") {
			t.Fatal(why)
		}
	}
	free()
	d.Settled(1)
}

// Servers that take connections and say nothing keep those of others from nothing,
// however many mailboxes lie there.
func TestSilentServersHurtNobodyElse(t *testing.T) {
	t.Parallel()
	d, r := newRogueDesk(t)
	d.limits.Dials, d.limits.DialWithin = 2, 4*time.Second
	p := imappoll.New(d.config())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	s := at(r)
	s.Port = silent.Addr().(*net.TCPAddr).Port
	for i := range 8 {
		m, err := d.Desk.CreateMailbox(t.Context(), d.Workspace, "test", fmt.Sprintf("silent%d@rogue.test", i), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Put(t.Context(), "test", d.Workspace, m.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	ingesttest.Run(t, p)
	for len(p.Statuses()) < 8 {
		time.Sleep(10 * time.Millisecond)
	}
	s = at(r)
	s.Host = "localhost"
	r.put("INBOX", 1, mails(0, 3)...)
	d.put(p, s)
	begun := time.Now()
	d.Settled(3)
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Folders that are numbered anew again and again are read again, and nothing of
// them is taken twice or lost.
func TestNumbersThatNeverStay(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]func(n int64) string{
		"UIDVALIDITY": func(n int64) string { return fmt.Sprintf("* OK [UIDVALIDITY %d] x\r\n* OK [UIDNEXT 100] x", 100+n) },
		"UIDNEXT":     func(n int64) string { return fmt.Sprintf("* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x", 1+n%2) },
		"none":        func(int64) string { return "* OK [UIDVALIDITY 7] x" },
		"MODSEQ":      func(n int64) string { return fmt.Sprintf("* OK [UIDVALIDITY 7] x\r\n* OK [HIGHESTMODSEQ %d] x", 100-n) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, r := newRogueDesk(t)
			same := "Subject: alarm\n\nthe same words\n"
			r.put("INBOX", 1, append(mails(0, 20), same, same, same)...)
			var n atomic.Int64
			r.on("SELECT", func(c *caller, tag, _ string) bool {
				c.folder = "INBOX"
				c.say("* 23 EXISTS\r\n%s\r\n%s OK done", words(n.Add(1)), tag)
				return true
			})
			p := imappoll.New(d.config())
			d.put(p, at(r))
			for range 6 {
				d.once(p)
			}
			r.put("INBOX", 50, mails(60, 2)...)
			for range 3 {
				d.once(p)
			}
			d.Settled(25)
		})
	}
}
