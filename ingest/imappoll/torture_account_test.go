package imappoll_test

import (
	"os"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
)

// settle waits until a poll has begun and ended well since now.
func (w *world) settle() {
	from := time.Now()
	for deadline := from.Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		a, err := w.poller.Account(w.t.Context(), w.box.Workspace, w.box.Mailbox)
		if err != nil {
			w.t.Fatalf("account: %v", err)
		}
		if a.PolledAt != nil && a.PolledAt.After(from.Add(1200*time.Millisecond)) && a.State == imappoll.Watching {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not polled well for %v: %+v\n%s", time.Since(from), a.Status, tail(w.server.Log()))
		}
	}
	for _, m := range w.mails {
		if m.folder != "" {
			m.owed = true
		}
	}
}

func tail(s string) string {
	if len(s) > 3000 {
		return s[len(s)-3000:]
	}
	return s
}

func (w *world) compare() {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		l, err := w.pipe.Ledger(w.t.Context(), w.box.Workspace)
		if err != nil {
			w.t.Fatal(err)
		}
		if l.Waiting[ingest.Received]+l.Waiting[ingest.Parsed]+l.Waiting[ingest.Scored] == 0 {
			if !l.Balances() {
				w.t.Errorf("the ledger does not balance: %+v", l)
			}
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("mails still wait: %+v", l)
		}
	}
	list, err := w.pipe.Messages(w.t.Context(), w.box.Workspace, ingest.MessageFilter{Limit: 1_000_000})
	if err != nil {
		w.t.Fatal(err)
	}
	first, all := map[string]int{}, map[string]int{}
	for _, m := range list {
		if all[m.Subject]++; m.Stage != ingest.Duplicate {
			first[m.Subject]++
		}
	}
	for s, m := range w.mails {
		switch {
		case m.owed && first[s] != 1:
			w.t.Errorf("%q is in the ledger %d times, not once (%d with duplicates): %+v", s, first[s], all[s], *m)
		case first[s] > 1 || all[s] > 1+m.copies:
			w.t.Errorf("%q is in the ledger %d times, %d with duplicates; it was put %d times into a folder", s, first[s], all[s], 1+m.copies)
		}
	}
	w.reconcile()
}

func (w *world) reconcile() {
	var list []imappoll.Reconciliation
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var err error
		if list, err = w.poller.Reconcile(w.t.Context(), w.box.Workspace, w.box.Mailbox); err != nil {
			w.t.Fatalf("reconcile: %v", err)
		}
		good := true
		for _, r := range list {
			good = good && r.Agrees() && r.Pending == 0
		}
		if good {
			return
		}
		if time.Now().After(deadline) {
			w.t.Errorf("server and ledger differ: %+v", list)
			return
		}
	}
}

// A connection that breaks after any number of octets costs no mail, and doubles
// none.
func TestCutEverywhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	cutter := imaptest.NewCutter(t, d.server.Port)
	p := imappoll.New(d.config())
	s := d.settings()
	s.Port = cutter.Port
	d.put(p, s)
	d.server.Deliver(d.user, "INBOX", mails(0, 3)...)
	d.once(p)
	d.server.Deliver(d.user, "INBOX", mails(3, 3)...)
	cutter.Sent()
	d.once(p)
	time.Sleep(50 * time.Millisecond)
	total, step := cutter.Sent(), int64(41)
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		step = 1
	}
	n := 6
	for at := int64(0); at < total; at += step {
		d.server.Deliver(d.user, "INBOX", mails(n, 3)...)
		n += 3
		cutter.Cut(func() int64 { return at })
		_, _ = p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil) // it fails, mostly
	}
	cutter.Cut(nil)
	d.once(p)
	d.Settled(n)
	d.agrees(p)
	t.Logf("cut at %d offsets of %d", (total+step-1)/step, total)
}
