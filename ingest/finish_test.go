package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/ingesttest"
)

// A panic in filing ends an attempt, not the process: mail goes on coming in.
func TestPanicInFiling(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) {
		c.Desk = nil // which filing follows
		c.Limits.Attempts = 2
	})
	r.Start()
	r.Send(mailText("a@x", "", "x", "y"), mailText("b@x", "", "x", "y"))
	for _, m := range r.Settled(2) {
		if m.Stage != ingest.Failed || m.Reason == nil || !strings.Contains(*m.Reason, "panic") {
			t.Errorf("message %s ended as %s for %v, want failed by a panic", m.ID, m.Stage, m.Reason)
		}
	}
}

// While somebody holds two workspaces, one for each worker, the others' mail is
// filed all the same; theirs follows when they are free.
func TestHeldWorkspaces(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	addresses := []string{"a@held.test", "b@held.test"}
	var held []uuid.UUID
	var to []ingest.Recipient
	for _, a := range addresses {
		ws, box := r.NewWorkspace(a)
		held = append(held, ws)
		to = append(to, ingest.Recipient{Workspace: ws, Mailbox: box, Address: a})
	}
	const each = 3
	free := r.Hold(held...)
	r.Start()
	for i := range each {
		for k := range to {
			o := r.Offer(mailText(fmt.Sprintf("%d@x", i), "", "x", "y"))
			to[k].SourceKey = fmt.Sprintf("test:held:%d:%d", k, i)
			o.To = to[k : k+1]
			if err := r.Accept(t.Context(), o); err != nil {
				t.Fatalf("Accept: %v", err)
			}
		}
	}
	r.Send(mailText("free@x", "", "x", "y"))
	if m := r.Settled(1)[0]; m.Stage != ingest.Filed {
		t.Errorf("beside held workspaces a message ended as %s, want filed", m.Stage)
	}
	free()
	for _, ws := range held {
		for _, m := range r.SettledIn(ws, each) {
			if m.Stage != ingest.Filed || m.Cause != nil {
				t.Errorf("message %s ended as %s, want filed without a failure", m.ID, m.Stage)
			}
		}
	}
}

// A message whose row filing does not find keeps its job, and is filed when it is
// there again.
func TestMissedRow(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.AsOwner(`create function miss() returns trigger language plpgsql as $$ begin return null; end $$`)
	r.AsOwner(`create trigger miss before update on message for each row execute function miss()`)
	r.Start()
	r.Send(mailText("m@x", "", "x", "y"))
	jobs := func() (n int) {
		if err := r.DB.InWorkspace(t.Context(), r.Workspace, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from job`).Scan(&n)
		}); err != nil {
			t.Fatalf("count jobs: %v", err)
		}
		return n
	}
	for range 50 {
		if n := jobs(); n != 1 {
			t.Fatalf("the message has %d jobs while its row cannot be written, want 1", n)
		}
	}
	r.AsOwner(`drop trigger miss on message`)
	r.AsOwner(`update job set due_at = now()`)
	if m := r.Settled(1)[0]; m.Stage != ingest.Filed {
		t.Errorf("the message ended as %s, want filed", m.Stage)
	}
}

// A judgement takes a message away from the worker who has it in hand.
func TestJudgementTakesAway(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Works = false })
	stop := r.Start()
	r.Send(mailText("m@x", "", "x", "y"))
	stop()
	list, err := r.Messages(t.Context(), r.Workspace, ingest.MessageFilter{Limit: 1})
	if err != nil {
		t.Fatalf("Messages: %v", err)
	}
	attempts := func(sql string) (n int) {
		rows, err := r.DB.Query(t.Context(), sql)
		if err == nil {
			n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
		}
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
	first := attempts(`select attempt from claim_messages(10, '1 hour')`)
	if _, err := r.Judge(t.Context(), r.Workspace, "admin", list[0].ID, classify.Spam); err != nil {
		t.Fatalf("Judge: %v", err)
	}
	if again := attempts(`select attempt from claim_messages(10, '0 s')`); again <= first {
		t.Errorf("after the judgement it is claimed as attempt %d, want one beyond the first worker's %d", again, first)
	}
	ingesttest.Run(t, r.Another(nil))
	if m := r.Settled(1)[0]; m.Stage != ingest.Held {
		t.Errorf("a message that was judged spam ended as %s, want held", m.Stage)
	}
}
