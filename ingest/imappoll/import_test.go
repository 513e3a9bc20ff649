package imappoll_test

import (
	"bytes"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
)

// A tally counts the mails that a server sends.
type tally struct {
	mu   sync.Mutex
	sent int
}

// conn counts what one connection carries, line by line.
func (y *tally) conn() io.Writer { return &tallied{tally: y} }

type tallied struct {
	*tally
	line []byte
}

func (c *tallied) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n') + 1
		if i == 0 {
			c.line = append(c.line, rest...)
			break
		}
		c.line = append(c.line, rest[:i]...)
		if bytes.HasPrefix(c.line, []byte("* ")) && bytes.Contains(c.line, []byte(" FETCH (UID")) && bytes.Contains(c.line, []byte(" BODY[] {")) {
			c.mu.Lock()
			c.sent++
			c.mu.Unlock()
		}
		c.line, rest = c.line[:0], rest[i:]
	}
	return len(p), nil
}

func (y *tally) count() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.sent
}

// The first import of a large mailbox is killed time and again. It resumes where it
// was: nothing is lost or doubled, and at most what was under way is sent again,
// the chunk that is being committed and the one that is being read.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	n, kills := 3000, 2
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		n, kills = 50_000, 10
	}
	d := imaptest.NewDovecot(t, imaptest.Options{})
	w := &world{server: d, port: d.Port}
	for i := range n {
		d.Deliver(tortureUser, "INBOX", letter(i))
	}
	limits := imappoll.DefaultLimits
	limits.Lease, limits.Look, limits.Report = 2*time.Second, 100*time.Millisecond, 100*time.Millisecond
	w.begin(t, 1, limits)
	var sent tally
	w.cutter.Watch(sent.conn)
	begun := time.Now()
	w.startChild()
	t.Cleanup(w.killChild)
	for k := range kills {
		w.await(int64(n * (k + 1) / (kills + 1)))
		w.kill()
	}
	w.await(int64(n))
	took := time.Since(begun)
	w.killChild() // whatever it would send again would be counted
	again := sent.count() - n
	if most := kills * 2 * limits.Chunk; again < 0 || again > most {
		t.Errorf("after %d kills %d of %d mails were sent again, want %d at most", kills, again, n, most)
	}
	begun = time.Now()
	w.startChild()
	w.settle()
	settled := time.Since(begun)
	l := w.filed(int64(n))
	if l.Stored != int64(n) || l.Filed != int64(n) || l.Duplicate != 0 || !l.Balances() {
		t.Errorf("ledger %+v, want %d filed and nothing else", l, n)
	}
	w.reconcile()
	t.Logf("%d mails durable in %v with %d kills (%.0f/s); %d were sent again; started once more, it knew after %v that nothing is missing",
		n, took.Round(time.Millisecond), kills, float64(n)/took.Seconds(), again, settled.Round(time.Millisecond))
}

// await waits until so many mails are stored.
func (w *world) await(n int64) {
	w.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		l, err := w.pipe.Ledger(w.t.Context(), w.box.Workspace)
		if err != nil {
			w.t.Fatal(err)
		}
		if l.Stored >= n {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d mails are stored after %v, want %d\n%s", l.Stored, time.Since(deadline.Add(-5*time.Minute)), n, tail(w.server.Log()))
		}
	}
}

// filed waits until the pipeline has no work left.
func (w *world) filed(n int64) ingest.Ledger {
	w.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		l, err := w.pipe.Ledger(w.t.Context(), w.box.Workspace)
		if err != nil {
			w.t.Fatal(err)
		}
		if l.Waiting[ingest.Received]+l.Waiting[ingest.Parsed]+l.Waiting[ingest.Scored] == 0 {
			return l
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("of %d mails some still wait: %+v", n, l)
		}
	}
}
