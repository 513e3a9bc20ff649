package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/ingesttest"
)

// A claim whose commit is slow: what it returned must not be worked on before, or
// the worker finds no job of its own and the message waits for a whole lease.
func TestClaimCommitsFirst(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, func(c *ingest.Config) { c.Works = false })
	stop := r.Start()
	const mails = 54 // more than fit into what the database sends at once
	for i := range mails {
		r.Send(mailText(fmt.Sprintf("m%d@x", i), "", "x", "y"))
	}
	stop()
	r.AsOwner(`create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.01); return null; end $$`)
	r.AsOwner(`create constraint trigger slow after update on job deferrable initially deferred
		for each row when (new.attempt > old.attempt) execute function slow()`)
	// Within the lease, so none may have waited for its end.
	ingesttest.Run(t, r.Another(func(c *ingest.Config) { c.Limits.Lease = time.Hour }))
	for _, m := range r.Settled(mails) {
		if m.Stage != ingest.Filed || m.Attempt != 1 {
			t.Errorf("message %s: %s after %d attempts, want filed after one", m.ID, m.Stage, m.Attempt)
		}
	}
}

// A filing that failed wrote no verdict; the next attempt asks the filter again.
func TestVerdictAfterFailedFiling(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.AsOwner(`create function no() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '23514'; end $$`)
	r.AsOwner(`create trigger no before insert on ticket for each row execute function no()`)
	r.Start()
	r.Send(mailText("m@x", "", "x", "y"))
	waitFor(t, "an attempt to fail", func() bool {
		list, err := r.Messages(t.Context(), r.Workspace, ingest.MessageFilter{Limit: 1})
		return err == nil && list[0].Cause != nil && *list[0].Cause == ingest.CauseRetry
	})
	r.AsOwner(`drop trigger no on ticket`)
	if m := r.Settled(1)[0]; m.Stage != ingest.Filed || m.Verdict == nil || m.Score == nil {
		t.Errorf("ended as %s with verdict %v and score %v, want filed with both", m.Stage, m.Verdict, m.Score)
	}
}
