package ingest_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/tickets"
)

// What was done with a ticket after it was split off has to be undone before the
// split, or it could be undone no more.
func TestUndoInOrder(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"merge", "split"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			r := ingesttest.New(t, nil)
			r.Start()
			r.Send(mailText("a@x", "", "Lamp", "1"), mailText("b@x", "a@x", "Re: Lamp", "2"), mailText("c@x", "a@x", "Re: Lamp", "3"), mailText("d@x", "", "Chair", "4"))
			list := r.Settled(4)
			ctx, ws := t.Context(), r.Workspace
			split, err := r.Desk.Split(ctx, ws, "bea", *list[0].TicketID, []uuid.UUID{list[1].ID, list[2].ID})
			if err != nil {
				t.Fatal(err)
			}
			var later tickets.Move
			if then == "merge" {
				later, err = r.Desk.Merge(ctx, ws, "bea", *list[3].TicketID, split.Target)
			} else {
				later, err = r.Desk.Split(ctx, ws, "bea", split.Target, []uuid.UUID{list[2].ID})
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Desk.Undo(ctx, ws, "bea", split.ID); !errors.Is(err, tickets.ErrConflict) {
				t.Errorf("the split is undone under what came after it: %v, want a conflict", err)
			}
			for _, m := range []tickets.Move{later, split} {
				if _, err := r.Desk.Undo(ctx, ws, "bea", m.ID); err != nil {
					t.Errorf("undo the %s: %v", m.Kind, err)
				}
			}
			for i, m := range r.Settled(4) {
				if *m.TicketID != *list[i].TicketID {
					t.Errorf("message %d is not back on its ticket", i)
				}
			}
		})
	}
}

// A message that a person has judged spam while its stage rested is held for that,
// whatever the filter would have said.
func TestJudgedWhileResting(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	pause(t, r, ingest.Scored)
	r.Start()
	r.Send(mailText("m@x", "", "x", "y"))
	waitFor(t, "the message to rest", func() bool {
		list, err := r.Messages(t.Context(), r.Workspace, ingest.MessageFilter{Limit: 1})
		return err == nil && list[0].Stage == ingest.Scored
	})
	list, err := r.Messages(t.Context(), r.Workspace, ingest.MessageFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Judge(t.Context(), r.Workspace, "bea", list[0].ID, classify.Spam); err != nil {
		t.Fatal(err)
	}
	if err := r.Resume(t.Context(), ingest.Scored); err != nil {
		t.Fatal(err)
	}
	m := r.Settled(1)[0]
	if m.Stage != ingest.Held || m.Cause == nil || *m.Cause != ingest.CauseSpam || *m.Reason != "marked as spam by a person" {
		t.Fatalf("it ended as %s, %v, %v; want held as spam by a person", m.Stage, m.Cause, m.Reason)
	}
	var steps []*ingest.Step
	if err := json.Unmarshal(m.Trail, &steps); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s == nil || s.Step == "" {
			t.Errorf("the passport has an empty step: %s", m.Trail)
		}
	}
}
