package ingest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/ingest/mail"
	"postroom/tickets"
	"postroom/tickets/audit"
)

var mailText = ingesttest.Mail

func TestAcceptToTicket(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(
		mailText("a@x", "", "Printer on fire", "Help!"),
		mailText("b@x", "a@x", "Re: Printer on fire", "It is out now."),
		mailText("c@x", "", "Another thing", "Hello"))
	list := r.Settled(3)
	for _, m := range list {
		if m.Stage != ingest.Filed || m.TicketID == nil || m.DoneAt == nil {
			t.Errorf("message %q: stage %s, reason %v", m.Subject, m.Stage, m.Reason)
		}
	}
	if *list[0].TicketID != *list[1].TicketID || *list[0].TicketID == *list[2].TicketID {
		t.Errorf("tickets %v %v %v: want the first two together and the third apart", list[0].TicketID, list[1].TicketID, list[2].TicketID)
	}
	steps, err := list[0].Passport()
	if err != nil || len(steps) != 4 {
		t.Errorf("Passport() = %+v, %v, want 4 steps", steps, err)
	}
	c, err := r.Content(t.Context(), r.Workspace, list[0].ID)
	if err != nil || strings.TrimSpace(c.Text) != "Help!" {
		t.Errorf("Content().Text = %q, %v", c.Text, err)
	}
	raw, err := r.Raw(t.Context(), r.Workspace, list[1].ID)
	if err != nil || string(raw) != mailText("b@x", "a@x", "Re: Printer on fire", "It is out now.") {
		t.Errorf("Raw() = %q, %v", raw, err)
	}
}

// The same source key twice is one message, whoever offers it.
func TestSourceKeyOnce(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	o := r.Offer(mailText("a@x", "", "Once", "only"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := r.Accept(t.Context(), o); err != nil {
				t.Errorf("Accept: %v", err)
			}
		})
	}
	wg.Wait()
	r.Settled(1)
}

// A mail that a sender offers again because it missed our answer is a duplicate
// of the first, and both can be seen.
func TestRedeliveryIsDuplicate(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	text := mailText("a@x", "", "Twice", "the same")
	// Each delivery adds trace fields of its own.
	r.Send("Received: from one\r\n"+text, "Received: from two\r\n"+text)
	list := r.Settled(2)
	if list[0].Stage == ingest.Duplicate { // two workers had them: either may come first
		slices.Reverse(list)
	}
	if list[0].Stage != ingest.Filed || list[1].Stage != ingest.Duplicate || *list[1].DuplicateOf != list[0].ID {
		t.Errorf("stages %s, %s: want filed, and a duplicate of it", list[0].Stage, list[1].Stage)
	}
}

// Mail without an identity of its own is the same only within a while; other
// content is always another mail.
func TestMailWithoutIdentity(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	bare := "From: device@example.test\r\nSubject: alarm\r\n\r\nlow paper\r\n"
	r.Send(bare)
	list := r.Settled(1)
	setReceived(t, r, list[0].ID, time.Now().Add(-2*time.Hour))
	r.Send(bare, "From: device@example.test\r\nSubject: alarm\r\n\r\nno paper\r\n")
	list = r.Settled(3)
	for _, m := range list {
		if m.Stage != ingest.Filed {
			t.Errorf("message %s ended as %s, want three tickets", m.ID, m.Stage)
		}
	}
	r.Send(bare)
	if list = r.Settled(4); list[3].Stage != ingest.Duplicate {
		t.Errorf("the same within the hour ended as %s, want duplicate", list[3].Stage)
	}
}

func setReceived(t *testing.T, r *ingesttest.Room, id uuid.UUID, at time.Time) {
	t.Helper()
	err := r.DB.InWorkspace(t.Context(), r.Workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "update message set received_at = $2 where id = $1", id, at)
		return err
	})
	if err != nil {
		t.Fatalf("set received_at: %v", err)
	}
}

// However a conversation's mails are shuffled, they end on one ticket, and two
// conversations never mix.
func TestThreadsInAnyOrder(t *testing.T) {
	t.Parallel()
	const threads, length = 12, 6
	r := ingesttest.New(t, nil)
	r.Start()
	var mails []string
	for th := range threads {
		for i := range length {
			id := func(n int) string { return fmt.Sprintf("m%d@thread%d", n, th) }
			refs := ""
			for n := range i {
				refs += " <" + id(n) + ">"
			}
			m := mailText(id(i), "", fmt.Sprintf("Thread %d", th), fmt.Sprint("part ", i))
			if refs != "" {
				m = "References:" + refs + "\r\n" + m
			}
			mails = append(mails, m)
		}
	}
	rand.Shuffle(len(mails), func(i, j int) { mails[i], mails[j] = mails[j], mails[i] })
	r.Send(mails...)
	ticketOf := map[string]uuid.UUID{}
	subjectOf := map[uuid.UUID]string{}
	for _, m := range r.Settled(threads * length) {
		if have, ok := ticketOf[m.Subject]; ok && have != *m.TicketID {
			t.Errorf("%s is on two tickets", m.Subject)
		}
		if have, ok := subjectOf[*m.TicketID]; ok && have != m.Subject {
			t.Errorf("a ticket holds %s and %s", have, m.Subject)
		}
		ticketOf[m.Subject], subjectOf[*m.TicketID] = *m.TicketID, m.Subject
	}
}

// A Message-ID that was received before is no evidence: it is reused or forged.
func TestReusedMessageID(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("a@x", "", "Mine", "one"), mailText("a@x", "", "Somebody else's", "two"))
	if list := r.Settled(2); *list[0].TicketID == *list[1].TicketID {
		t.Error("a mail joined a stranger's ticket by a reused Message-ID")
	}
}

// One mail to two mailboxes of one workspace is one content and two deliveries.
func TestTwoMailboxes(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	other, err := r.Desk.CreateMailbox(t.Context(), r.Workspace, "test", "billing@"+r.Address[8:], "")
	if err != nil {
		t.Fatal(err)
	}
	o := r.Offer(mailText("a@x", "", "To both", "hello"))
	second := r.To()
	second.Mailbox, second.Address = other.ID, other.Address
	o.To = append(o.To, second)
	if err := r.Accept(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	list := r.Settled(2)
	if list[0].Stage != ingest.Filed || list[1].Stage != ingest.Filed || *list[0].TicketID == *list[1].TicketID {
		t.Errorf("want two filed deliveries on tickets of their own, got %s and %s", list[0].Stage, list[1].Stage)
	}
	if string(list[0].RawHash) != string(list[1].RawHash) {
		t.Error("one mail was stored as two contents")
	}
}

// A message over its budget is held with that cause and its raw mail; the next
// one proceeds; a person can release it.
func TestOverBudget(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Limits.Budget = mail.Budget{Parts: 5} })
	r.Start()
	many := "Content-Type: multipart/mixed; boundary=b\r\nMessage-ID: <a@x>\r\nSubject: Many\r\n\r\n" +
		strings.Repeat("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n", 20) + "--b--\r\n"
	r.Send(many, mailText("b@x", "", "Next", "proceeds"))
	list := r.Settled(2)
	if m := list[0]; m.Stage != ingest.Held || *m.Cause != ingest.CauseOverBudget || m.Subject != "Many" {
		t.Errorf("stage %s, cause %v, subject %q: want held, over_budget, Many", m.Stage, m.Cause, m.Subject)
	}
	if list[1].Stage != ingest.Filed {
		t.Errorf("the next message ended as %s", list[1].Stage)
	}
	if _, err := r.Judge(t.Context(), r.Workspace, "test", list[0].ID, classify.Ham); err != nil {
		t.Fatalf("Judge: %v", err)
	}
	if list = r.Settled(2); list[0].Stage != ingest.Filed {
		t.Errorf("released, it ended as %s: %v", list[0].Stage, *list[0].Reason)
	}
}

// Spam is a verdict that can be taken back: the ticket is as it was.
func TestJudgeAndUndo(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("a@x", "", "Buy pills", "cheap"))
	m := r.Settled(1)[0]
	judge := func(v classify.Verdict) ingest.Message {
		t.Helper()
		got, err := r.Judge(t.Context(), r.Workspace, "admin", m.ID, v)
		if err != nil {
			t.Fatalf("Judge(%q): %v", v, err)
		}
		return got
	}
	visible := func() int {
		t.Helper()
		list, err := r.Desk.Tickets(t.Context(), r.Workspace, tickets.Filter{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for range 2 {
		if got := judge(classify.Spam); got.Stage != ingest.Held || *got.Cause != ingest.CauseSpam {
			t.Errorf("after spam: %s", got.Stage)
		}
		if n := visible(); n != 0 {
			t.Errorf("%d tickets to be seen after spam, want none", n)
		}
	}
	for _, v := range []classify.Verdict{classify.Ham, classify.Spam, classify.Forget} {
		judge(v)
	}
	if got := judge(classify.Forget); got.Stage != ingest.Filed || *got.TicketID != *m.TicketID || got.Judged != nil {
		t.Errorf("taken back: stage %s, judged %v, want filed on its ticket and no judgement", got.Stage, got.Judged)
	}
	if n := visible(); n != 1 {
		t.Errorf("%d tickets to be seen, want 1", n)
	}
	if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil {
		t.Errorf("audit: %v", err)
	}
}

// Two processes on one database file every message once, also when one of them
// goes away and leaves its leases behind.
func TestTwoPipelines(t *testing.T) {
	t.Parallel()
	const n = 300
	short := func(c *ingest.Config) { c.Limits.Lease = 300 * time.Millisecond }
	r := ingesttest.New(t, short)
	stopFirst := r.Start()
	second := r.Another(short)
	ingesttest.Run(t, second)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			o := r.Offer(mailText(fmt.Sprintf("m%d@x", i), "", fmt.Sprint("Mail ", i), "text"))
			p := r.Pipeline
			if i%2 == 0 {
				p = second
			}
			// The first stops in between: what it does not take, the second does.
			if err := p.Accept(t.Context(), o); err != nil {
				if err := second.Accept(t.Context(), o); err != nil {
					t.Errorf("Accept: %v", err)
				}
			}
		})
		if i == n/2 {
			stopFirst()
		}
	}
	wg.Wait()
	seen := map[uuid.UUID]bool{}
	for _, m := range r.Settled(n) {
		if m.Stage != ingest.Filed || seen[*m.TicketID] {
			t.Errorf("%s ended as %s on ticket %v", m.Subject, m.Stage, m.TicketID)
			continue
		}
		seen[*m.TicketID] = true
	}
}

// What an accepting process cannot carry on is claimed by one that works.
func TestAcceptOnly(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Works = false })
	r.Start()
	r.Send(mailText("a@x", "", "One", "1"), mailText("b@x", "", "Two", "2"))
	l, err := r.Ledger(t.Context(), r.Workspace)
	if err != nil || l.Waiting[ingest.Received] != 2 {
		t.Fatalf("Ledger() = %+v, %v, want 2 waiting", l, err)
	}
	ingesttest.Run(t, r.Another(nil))
	r.Settled(2)
}

// A message whose every attempt fails is a dead letter with its reason, the rest
// proceeds, and it can be tried again by hand.
func TestDeadLetter(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Limits.Attempts = 3; c.Limits.HandOff = 1; c.Limits.KeepBytes = 1 })
	pause(t, r, ingest.Received)
	stop := r.Start()
	r.Send(mailText("a@x", "", "Broken", "1"))
	r.AsOwner("create table kept as select * from blob")
	r.AsOwner("update blob set sealed = '\\x00'")
	r.Send(mailText("b@x", "", "Fine", "2"))
	if err := r.Resume(t.Context(), ingest.Received); err != nil {
		t.Fatal(err)
	}
	list := r.Settled(2)
	if m := list[0]; m.Stage != ingest.Failed || *m.Cause != ingest.CauseError || *m.Reason == "" || m.Attempt < 3 {
		t.Errorf("stage %s after %d attempts, reason %v: want failed after 3", m.Stage, m.Attempt, m.Reason)
	}
	if list[1].Stage != ingest.Filed {
		t.Errorf("its neighbour ended as %s", list[1].Stage)
	}
	if rep, err := r.Examine(t.Context(), tickets.Workspace{ID: r.Workspace}, ingest.Examination{Raw: true}); err != nil || len(rep.Problems) != 1 || rep.Problems[0].Message != list[0].ID {
		t.Errorf("Examine() = %+v, %v, want the broken raw mail named", rep.Problems, err)
	}
	r.AsOwner("update blob b set sealed = k.sealed from kept k where k.hash = b.hash")
	if _, err := r.Retry(t.Context(), r.Workspace, "admin", list[0].ID); err != nil {
		t.Fatalf("Retry: %v", err)
	}
	if list = r.Settled(2); list[0].Stage != ingest.Filed {
		t.Errorf("retried, it ended as %s: %s", list[0].Stage, *list[0].Reason)
	}
	if _, err := r.Retry(t.Context(), r.Workspace, "admin", list[0].ID); !errors.Is(err, tickets.ErrConflict) {
		t.Errorf("Retry of a filed message = %v, want ErrConflict", err)
	}
	stop()
	if rep, err := r.Examine(t.Context(), tickets.Workspace{ID: r.Workspace}, ingest.Examination{Raw: true}); err != nil || len(rep.Problems) != 0 {
		t.Errorf("Examine() = %+v, %v, want nothing", rep.Problems, err)
	}
}

func pause(t *testing.T, r *ingesttest.Room, s ingest.Stage) {
	t.Helper()
	if err := r.Pause(t.Context(), s, "tester", "test"); err != nil {
		t.Fatal(err)
	}
}

// A paused stage lets messages rest in it, and go on when it is resumed.
func TestPausedStage(t *testing.T) {
	t.Parallel()
	for _, stage := range []ingest.Stage{ingest.Received, ingest.Parsed, ingest.Scored} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			r := ingesttest.New(t, nil)
			pause(t, r, stage)
			r.Start()
			r.Send(mailText("a@x", "", "Rests", "here")) // before the first look, even
			waitFor(t, "a message at rest", func() bool {
				l, err := r.Ledger(t.Context(), r.Workspace)
				return err == nil && l.Waiting[stage] == 1
			})
			if err := r.Resume(t.Context(), stage); err != nil {
				t.Fatal(err)
			}
			if m := r.Settled(1)[0]; m.Stage != ingest.Filed {
				t.Errorf("ended as %s", m.Stage)
			}
		})
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(45 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Workers give way to mail that comes in fast, and file it all the same.
func TestRushIsFiled(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	r := ingesttest.New(t, func(c *ingest.Config) {
		c.Limits.Rush, c.Limits.RushWait, c.Metrics = 1, time.Minute, ingest.NewMetrics(registry)
	})
	r.Start()
	sent := 0
	waitFor(t, "a worker to give way", func() bool {
		r.Send(mailText(fmt.Sprintf("m%d@x", sent), "", "x", "y"))
		sent++
		return counter(t, registry, "postroom_gave_way_seconds_total") > 0
	})
	for _, m := range r.Settled(sent) {
		if m.Stage != ingest.Filed {
			t.Errorf("%s ended as %s", m.ID, m.Stage)
		}
	}
}

func counter(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// Under pressure Accept says busy and nothing is lost: what was refused is not
// stored, what was accepted is.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Works = false; c.Limits.QueueLong = 10 })
	r.Start()
	waitFor(t, "the first look", func() bool { _, at := r.Depths(); return !at.IsZero() })
	accepted := 0
	waitFor(t, "Accept to be busy", func() bool {
		err := r.Accept(t.Context(), r.Offer(mailText(fmt.Sprintf("m%d@x", accepted), "", "x", "y")))
		if err == nil {
			accepted++
			return false
		}
		return errors.Is(err, ingest.ErrBusy)
	})
	if r.Busy() != "queue_long" || r.Ready(t.Context())["accept"] == "" {
		t.Errorf("Busy() = %q, Ready() = %v", r.Busy(), r.Ready(t.Context()))
	}
	stop := ingesttest.Run(t, r.Another(nil))
	r.Settled(accepted)
	waitFor(t, "Accept to be free again", func() bool { return r.Busy() == "" })
	stop()
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Limits.MessageBytes = 1000 })
	r.Start()
	var large *ingest.TooLargeError
	if err := r.Accept(t.Context(), r.Offer(strings.Repeat("x", 1001))); !errors.As(err, &large) {
		t.Errorf("Accept = %v, want *TooLargeError", err)
	}
}

// A mail of many chunks comes back as it went in, also by claim.
func TestLargeMail(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	var body strings.Builder
	src := rand.New(rand.NewPCG(1, 2))
	for body.Len() < 3_500_000 {
		fmt.Fprintf(&body, "%016x%016x\r\n", src.Uint64(), src.Uint64())
	}
	text := mailText("a@x", "", "Large", body.String())
	r.Send(text)
	m := r.Settled(1)[0]
	raw, err := r.Raw(t.Context(), r.Workspace, m.ID)
	if err != nil || string(raw) != text || m.Stage != ingest.Filed {
		t.Errorf("stage %s, %d octets back of %d, %v", m.Stage, len(raw), len(text), err)
	}
}

// Nothing of one workspace can be had from another, by whatever road.
func TestIsolation(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	other, _ := r.NewWorkspace("other@" + r.Address[8:])
	r.Send(mailText("a@x", "", "Secret", "for one workspace only"))
	m := r.Settled(1)[0]
	for name, call := range map[string]func() error{
		"Message":  func() error { _, err := r.Message(t.Context(), other, m.ID); return err },
		"Raw":      func() error { _, err := r.Raw(t.Context(), other, m.ID); return err },
		"Content":  func() error { _, err := r.Content(t.Context(), other, m.ID); return err },
		"Verdict":  func() error { _, err := r.Verdict(t.Context(), other, m.ID); return err },
		"Judge":    func() error { _, err := r.Judge(t.Context(), other, "x", m.ID, classify.Spam); return err },
		"Retry":    func() error { _, err := r.Retry(t.Context(), other, "x", m.ID); return err },
		"Ticket":   func() error { _, err := r.Desk.Ticket(t.Context(), other, *m.TicketID); return err },
		"ByNumber": func() error { _, err := r.Desk.TicketByNumber(t.Context(), other, 1); return err },
	} {
		if err := call(); !errors.Is(err, tickets.ErrNotFound) {
			t.Errorf("%s from another workspace = %v, want ErrNotFound", name, err)
		}
	}
	if posts, err := r.Desk.Posts(t.Context(), other, *m.TicketID, uuid.Nil, 10); err != nil || len(posts) != 0 {
		t.Errorf("Posts from another workspace = %v, %v", posts, err)
	}
	if l, err := r.Ledger(t.Context(), other); err != nil || l.Stored != 0 || l.Accepted != 0 || l.Tickets != 0 {
		t.Errorf("Ledger of another workspace = %+v, %v", l, err)
	}
	if recs, err := r.Desk.Audit(t.Context(), other, 0, 100); err != nil || len(recs) != 2 {
		t.Errorf("Audit of another workspace has %d records, %v, want its own 2", len(recs), err)
	}
	scopes := map[string]func(func(pgx.Tx) error) error{
		"another scope": func(f func(pgx.Tx) error) error { return r.DB.InWorkspace(t.Context(), other, f) },
		"no scope":      func(f func(pgx.Tx) error) error { return r.DB.Across(t.Context(), f) },
	}
	for scope, in := range scopes {
		for _, table := range []string{"message", "blob", "acceptance", "ticket", "post", "thread_ref", "search_due", "message_words"} {
			n := -1
			err := in(func(tx pgx.Tx) error {
				return tx.QueryRow(t.Context(), "select count(*) from "+table+" where workspace_id = $1", r.Workspace).Scan(&n)
			})
			if err != nil || n != 0 {
				t.Errorf("%s: %d rows of %s to be seen, %v", scope, n, table, err)
			}
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("a@x", "", "Drucker brennt", "Bitte helfen Sie uns"), mailText("b@x", "", "Anderes", "nichts davon"))
	find := func(q string) int {
		list, err := r.Messages(t.Context(), r.Workspace, ingest.MessageFilter{Query: &q, Limit: 10})
		if err != nil {
			t.Fatalf("Messages(%q): %v", q, err)
		}
		return len(list)
	}
	waitFor(t, "both to be found", func() bool { return find("brennt helfen") == 1 && find("davon") == 1 })
	for q, want := range map[string]int{"anna": 2, "brennt davon": 0, `"helfen Sie"`: 1, "-": 0, "'); drop table": 0} {
		if n := find(q); n != want {
			t.Errorf("search %q found %d, want %d", q, n, want)
		}
	}
}

// A replay of unchanged mail with an unchanged model differs in nothing, and it
// finds what was changed.
func TestReplay(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	r.Send(mailText("a@x", "", "First", "1"), mailText("b@x", "a@x", "Re: First", "2"), mailText("c@x", "", "Third", "3"))
	list := r.Settled(3)
	replay := func(apply bool) (diffs []ingest.Difference) {
		t.Helper()
		n, err := r.Replay(t.Context(), ingest.Replay{
			Workspace: r.Workspace, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Apply: apply, Actor: "test",
			Told: func(d ingest.Difference) { diffs = append(diffs, d) },
		})
		if err != nil || n != 3 {
			t.Fatalf("Replay() = %d, %v", n, err)
		}
		return diffs
	}
	if d := replay(false); len(d) != 0 {
		t.Errorf("a replay of what did not change differs: %+v", d)
	}
	r.AsOwner("update message set subject = 'mangled' where id = $1", list[0].ID)
	r.AsOwner("update message set stage = 'held', cause = 'spam', reason = 'an old rule', verdict = 'spam' where id = $1", list[2].ID)
	r.AsOwner("update post set hidden = true where message_id = $1", list[2].ID)
	r.AsOwner("update ticket set messages = 0 where id = $1", *list[2].TicketID)
	if d := replay(false); len(d) != 2 || d[0].Applied || d[1].Applied {
		t.Errorf("dry run: %+v, want two differences, none applied", d)
	}
	if d := replay(true); len(d) != 2 || !d[0].Applied || !d[1].Applied {
		t.Errorf("for real: %+v, want two, both applied", d)
	}
	list = r.Settled(3)
	if list[0].Subject != "First" || list[2].Stage != ingest.Filed {
		t.Errorf("after the replay: subject %q, stage %s", list[0].Subject, list[2].Stage)
	}
	if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil {
		t.Errorf("audit: %v", err)
	}
}

// Whoever alters, drops or slips in a record breaks the chain at that place.
func TestAuditTampering(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"altered": "update audit set actor = 'nobody' where seq = 2",
		"dropped": "delete from audit where seq = 2",
		"cut off": "delete from audit where seq = (select max(seq) from audit)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ingesttest.New(t, nil)
			r.Start()
			r.Send(mailText("a@x", "", "One", "1"))
			r.Settled(1)
			if n, err := audit.Verify(t.Context(), r.DB, r.Workspace); err != nil || n != 3 {
				t.Fatalf("Verify() = %d, %v, want 3 records that hold", n, err)
			}
			r.AsOwner(sql)
			var broken *audit.BrokenError
			if _, err := audit.Verify(t.Context(), r.DB, r.Workspace); !errors.As(err, &broken) {
				t.Errorf("Verify() = %v, want *BrokenError", err)
			}
		})
	}
}

// Strangers who refer to one message that nobody here has seen, a newsletter of
// the company, stay apart; people of one conversation come together, also when a
// reply is here before the mail that it answers.
func TestStrangersStayApart(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	from := func(who, text string) string { return strings.Replace(text, "Anna <anna@example.test>", who, 1) }
	r.Send(from("a@one.test", mailText("a1@x", "newsletter@x", "Re: News", "stop")))
	r.Settled(1)
	r.Send(
		from("b@two.test", mailText("b1@x", "newsletter@x", "Re: News", "order")),
		from("a@one.test", mailText("a2@x", "newsletter@x", "Re: News", "really stop")),
		from("c@three.test", mailText("c2@x", "c1@x", "Re: Mine", "second")))
	r.Settled(4)
	r.Send(from("C@three.test", mailText("c1@x", "", "Mine", "first")))
	byID := map[string]uuid.UUID{}
	for _, m := range r.Settled(5) {
		byID[m.MailID] = *m.TicketID
	}
	if byID["a1@x"] != byID["a2@x"] || byID["a1@x"] == byID["b1@x"] {
		t.Errorf("the newsletter's readers: %v, want the two of a together and b apart", byID)
	}
	if byID["c1@x"] != byID["c2@x"] {
		t.Error("a late parent did not join its reply")
	}
}

// Whatever a header claims, the message comes to an end that is not "waiting",
// and so do its neighbours.
func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	mails := []string{
		"Date: 1 Jan 300000 10:00:00 +0000\r\nSubject: far future\r\n\r\nx\r\n",
		"Date: Mon, 1 Jan 9999 23:59:59 -2359\r\nSubject: edge\r\n\r\nx\r\n",
		"Subject: " + strings.Repeat("wörd ", 300_000) + "\r\n\r\nx\r\n",
		"From: " + strings.Repeat("a", 100_000) + "@x.test\r\nMessage-ID: <" + strings.Repeat("b", 100_000) + ">\r\n\r\nx\r\n",
		"Subject: nul\x00 and \xff\xfe\r\nFrom: \x00@\x00\r\nTo: a b c@d, \xb5@x\r\n\r\n\x00\r\n",
		"\r\n", "x", strings.Repeat("References: <r@x>\r\n", 5_000) + "\r\n",
	}
	r.Send(mails...)
	r.Send(mailText("fine@x", "", "Fine", "neighbour"))
	for _, m := range r.Settled(len(mails) + 1) {
		if m.Stage != ingest.Filed && m.Stage != ingest.Held {
			t.Errorf("%.40q ended as %s: %v", m.Subject, m.Stage, *m.Reason)
		}
	}
	waitFor(t, "the neighbour to be found", func() bool {
		q := "neighbour"
		list, err := r.Messages(t.Context(), r.Workspace, ingest.MessageFilter{Query: &q, Limit: 5})
		return err == nil && len(list) == 1
	})
}

// What the database refuses of a mail's own words does not keep it waiting: its
// failures are recorded without them, and it ends as a dead letter.
func TestRefusedByDatabase(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Limits.Attempts = 2 })
	r.AsOwner("alter table message add constraint refuses check (subject <> 'poison')")
	r.Start()
	r.Send(mailText("a@x", "", "poison", "1"), mailText("b@x", "", "Fine", "2"))
	list := r.Settled(2)
	if list[0].Stage != ingest.Failed || list[1].Stage != ingest.Filed {
		t.Errorf("stages %s and %s, want failed and filed", list[0].Stage, list[1].Stage)
	}
}
