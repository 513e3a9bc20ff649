package imappoll_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
)

// A terse connection leaves out what opening a folder tells of its state, as
// Courier does: only UIDVALIDITY stays.
type terse struct {
	net.Conn
	in   *bufio.Reader
	rest []byte
}

func dialTerse(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &terse{Conn: c, in: bufio.NewReader(c)}, nil
}

func (c *terse) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		line, err := c.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		}
		if !bytes.HasPrefix(line, []byte("* OK [UIDNEXT")) && !bytes.HasPrefix(line, []byte("* OK [HIGHESTMODSEQ")) {
			c.rest = bytes.ReplaceAll(line, []byte(" CONDSTORE"), nil)
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// newTerse is a desk whose server does not say by itself that it went back to an
// older state.
func newTerse(t *testing.T) (*desk, *imappoll.Poller) {
	t.Helper()
	d := newDesk(t, imaptest.Options{})
	c := d.config()
	c.Dial = dialTerse
	p := imappoll.New(c)
	d.put(p, d.settings())
	return d, p
}

// restore has the server number the folder anew under its old UIDVALIDITY, as if it
// were put back from a backup, after the oldest n mails were deleted.
func (d *desk) restore(p *imappoll.Poller, n int) {
	d.t.Helper()
	a, err := p.Account(d.t.Context(), d.Workspace, d.Mailbox)
	if err != nil {
		d.t.Fatal(err)
	}
	d.server.Stop()
	files := d.files()
	for _, f := range files[:n] {
		if err := os.Remove(f); err != nil {
			d.t.Fatal(err)
		}
	}
	d.server.Renumber(d.user, "INBOX", uint32(a.Folders[0].Validity))
	d.server.Start()
}

// files are the mails of the INBOX, oldest first.
func (d *desk) files() []string {
	d.t.Helper()
	list, err := filepath.Glob(filepath.Join(d.server.Folder(d.user, "INBOX"), "[cn][ue][rw]", "*"))
	if err != nil {
		d.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return list
}

// A server that gives known numbers to other mails under the same UIDVALIDITY
// makes us neither miss nor double a mail, whether it has given out fewer numbers
// than before, as many, or more.
func TestWentBack(t *testing.T) {
	t.Parallel()
	for _, more := range []int{1, 3, 6} {
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			t.Parallel()
			d, p := newTerse(t)
			d.server.Deliver(d.user, "INBOX", mails(0, 9)...)
			d.once(p)
			d.restore(p, 3)
			d.server.Deliver(d.user, "INBOX", mails(9, more)...)
			d.once(p)
			list := d.Settled(9 + more)
			for _, m := range list {
				if m.Stage != ingest.Filed {
					t.Errorf("%q is %s, want it filed", m.Subject, m.Stage)
				}
			}
			if r := d.agrees(p); r[0].OnServer != 6+more {
				t.Errorf("%d mails at the server, want %d", r[0].OnServer, 6+more)
			}
		})
	}
}

// A server that lost its index numbers a folder anew, above what it had, without
// saying so by UIDVALIDITY. Its mails are not taken again.
func TestReappeared(t *testing.T) {
	t.Parallel()
	d, p := newTerse(t)
	d.server.Deliver(d.user, "INBOX", mails(0, 12)...)
	d.once(p)
	a, err := p.Account(t.Context(), d.Workspace, d.Mailbox)
	if err != nil {
		t.Fatal(err)
	}
	d.server.Stop()
	d.server.Renumber(d.user, "INBOX", uint32(a.Folders[0].Validity))
	list := filepath.Join(d.server.Folder(d.user, "INBOX"), "dovecot-uidlist")
	b, err := os.ReadFile(list)
	if err == nil {
		err = os.WriteFile(list, bytes.Replace(b, []byte(" N1 "), []byte(" N13 "), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.server.Start()
	d.server.Deliver(d.user, "INBOX", mails(12, 2)...)
	d.once(p)
	for _, m := range d.Settled(14) {
		if m.Stage != ingest.Filed {
			t.Errorf("%q is %s: it was taken twice", m.Subject, m.Stage)
		}
	}
	if r := d.agrees(p); r[0].OnServer != 14 {
		t.Errorf("%d mails at the server, want 14", r[0].OnServer)
	}
}

// What a server says of a mail may change while the mail stays the same: then
// nothing is read again.
func TestSameMailDescribedOtherwise(t *testing.T) {
	t.Parallel()
	d, p := newTerse(t)
	d.server.Deliver(d.user, "INBOX", mails(0, 3)...)
	d.once(p)
	for _, f := range d.files() {
		at := time.Now().Add(-5 * time.Hour)
		if err := os.Chtimes(f, at, at); err != nil {
			t.Fatal(err)
		}
	}
	d.server.Stop() // it forgets what it knew of the files
	for _, f := range []string{"dovecot.index", "dovecot.index.log", "dovecot.index.cache"} {
		_ = os.Remove(filepath.Join(d.server.Folder(d.user, "INBOX"), f))
	}
	d.server.Start()
	before, err := p.Account(t.Context(), d.Workspace, d.Mailbox)
	if err != nil {
		t.Fatal(err)
	}
	d.once(p)
	d.server.Deliver(d.user, "INBOX", mails(3, 1)...)
	if st := d.once(p); st.Taken != 1 {
		t.Errorf("%d taken, want 1", st.Taken)
	}
	after, err := p.Account(t.Context(), d.Workspace, d.Mailbox)
	if err != nil {
		t.Fatal(err)
	}
	if was, is := before.Folders[0], after.Folders[0]; is.Epoch != was.Epoch || len(is.Witnesses) != 4 || is.Witnesses[0].At.Equal(was.Witnesses[0].At) {
		t.Errorf("epoch %d → %d, witnesses %v → %v; want the same epoch, and the new times", was.Epoch, is.Epoch, was.Witnesses, is.Witnesses)
	}
	d.agrees(p)
}
