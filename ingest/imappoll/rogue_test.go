package imappoll_test

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postroom/ingest/imappoll"
	"postroom/ingest/ingesttest"
)

// A rogue is a mail server that keeps to the protocol except where a test has it
// answer otherwise.
type rogue struct {
	port   int
	caps   string
	logins atomic.Int64

	mu      sync.Mutex
	mails   map[string]map[uint32]string // by folder
	answers map[string]answer            // by command, as "UID FETCH"
}

// An answer answers a command; what it leaves to the server it reports by false.
type answer func(c *caller, tag, args string) bool

// A caller is one connection to a rogue.
type caller struct {
	net.Conn
	in     *bufio.Reader
	folder string
	idle   string // the tag of an IDLE under way
}

func (c *caller) say(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", args...) }

// newRogue serves until the test ends.
func newRogue(t *testing.T) *rogue {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rogue{
		port: ln.Addr().(*net.TCPAddr).Port, caps: "IMAP4rev1 UIDPLUS",
		mails: map[string]map[uint32]string{"INBOX": {}}, answers: map[string]answer{},
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wg.Go(func() { r.serve(&caller{Conn: conn, in: bufio.NewReader(conn)}) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return r
}

func (r *rogue) serve(c *caller) {
	defer func() { _ = c.Close() }()
	c.say("* OK ready")
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		verb, args, _ := strings.Cut(rest, " ")
		if verb = strings.ToUpper(verb); verb == "UID" {
			second, more, _ := strings.Cut(args, " ")
			verb, args = "UID "+strings.ToUpper(second), more
		}
		r.mu.Lock()
		own := r.answers[verb]
		r.mu.Unlock()
		if own == nil || !own(c, tag, args) {
			r.plain(c, tag, verb, args)
		}
	}
}

// plain answers as a server ought to.
func (r *rogue) plain(c *caller, tag, verb, args string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Sorted(maps.Keys(r.mails[c.folder]))
	switch verb {
	case "CAPABILITY":
		c.say("* CAPABILITY %s", r.caps)
	case "LOGIN":
		r.logins.Add(1)
	case "SELECT", "EXAMINE":
		c.folder = strings.Trim(strings.Fields(args)[0], `"`)
		list = slices.Sorted(maps.Keys(r.mails[c.folder]))
		next := uint32(1)
		if len(list) > 0 {
			next = list[len(list)-1] + 1
		}
		c.say("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x", len(list), next)
	case "UID SEARCH":
		c.say("* SEARCH%s", spaced(list))
	case "UID FETCH":
		r.fetch(c, list, args)
	case "IDLE":
		c.idle = tag
		c.say("+ idling")
		return
	case "":
		if tag != "DONE" || c.idle == "" {
			c.say("* BAD what")
			return
		}
		tag, c.idle = c.idle, ""
	}
	c.say("%s OK done", tag)
}

func spaced(list []uint32) string {
	var b strings.Builder
	for _, u := range list {
		fmt.Fprintf(&b, " %d", u)
	}
	return b.String()
}

func (r *rogue) fetch(c *caller, list []uint32, args string) {
	set, items, _ := strings.Cut(args, " ")
	for i, u := range list {
		if !inSet(set, u) {
			continue
		}
		raw := r.mails[c.folder][u]
		if strings.Contains(items, "BODY") {
			c.say(`* %d FETCH (UID %d INTERNALDATE "02-Nov-2026 10:00:00 +0100" RFC822.SIZE %d BODY[] {%d}`+"\r\n%s)", i+1, u, len(raw), len(raw), raw)
		} else {
			c.say(`* %d FETCH (UID %d INTERNALDATE "02-Nov-2026 10:00:00 +0100" RFC822.SIZE %d)`, i+1, u, len(raw))
		}
	}
}

func inSet(set string, u uint32) bool {
	for part := range strings.SplitSeq(set, ",") {
		a, b, _ := strings.Cut(part, ":")
		from, _ := strconv.ParseUint(a, 10, 32)
		to, _ := strconv.ParseUint(cmp.Or(b, a), 10, 32)
		if uint64(u) >= from && uint64(u) <= to {
			return true
		}
	}
	return false
}

// put lays mails into a folder, numbered from there on.
func (r *rogue) put(folder string, from uint32, raws ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mails[folder] == nil {
		r.mails[folder] = map[uint32]string{}
	}
	for i, raw := range raws {
		r.mails[folder][from+uint32(i)] = raw
	}
}

// on has a command answered otherwise from now on.
func (r *rogue) on(verb string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[verb] = a
}

// newRogueDesk is a desk whose mailbox lies at a rogue.
func newRogueDesk(t *testing.T) (*desk, *rogue) {
	t.Helper()
	d := &desk{t: t, Room: ingesttest.New(t, nil), user: "anna"}
	d.limits = imappoll.DefaultLimits
	d.limits.BackoffFirst, d.limits.BackoffMost = 20*time.Millisecond, 100*time.Millisecond
	d.limits.Look, d.limits.Report, d.limits.Lease = 50*time.Millisecond, 50*time.Millisecond, 2*time.Second
	d.limits.RetryFirst, d.limits.RetryMost = time.Millisecond, 20*time.Millisecond
	d.Start()
	return d, newRogue(t)
}

// at are the settings for a mailbox at a rogue.
func at(r *rogue, folders ...string) imappoll.Settings {
	s := imappoll.Settings{
		Server:   imappoll.Server{Host: "127.0.0.1", Port: r.port, Security: imappoll.None, Auth: imappoll.Password, Username: "anna"},
		Password: "secret", PollEvery: time.Second, Enabled: true,
	}
	for _, f := range folders {
		s.Folders = append(s.Folders, imappoll.FolderSetting{Name: f})
	}
	return s
}
