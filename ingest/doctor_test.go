package ingest_test

import (
	"strings"
	"testing"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// examined is what the doctor says of a room in which mail was filed, repeated,
// judged, and taken back, and somebody then changed rows by hand.
func examined(t *testing.T, tampering string) []ingest.Problem {
	t.Helper()
	r := ingesttest.New(t, nil)
	stop := r.Start()
	r.Send(mailText("a@x", "", "Lamp", "1"), mailText("b@x", "a@x", "Re: Lamp", "2"), mailText("c@x", "", "Win", "3"), mailText("d@x", "", "Chair", "4"), mailText("d@x", "", "Chair", "4"))
	list := r.Settled(5)
	for _, v := range []classify.Verdict{classify.Spam, classify.Ham, classify.Forget} {
		if _, err := r.Judge(t.Context(), r.Workspace, "bea", list[0].ID, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range list[2:4] {
		if _, err := r.Judge(t.Context(), r.Workspace, "bea", m.ID, classify.Spam); err != nil {
			t.Fatal(err)
		}
	}
	r.Settled(5)
	stop()
	if tampering != "" {
		// The filter's tables show even their owner one workspace at a time.
		r.AsOwner("set postroom.workspace = '" + r.Workspace.String() + "'; " + tampering)
	}
	rep, err := r.Examine(t.Context(), tickets.Workspace{ID: r.Workspace}, ingest.Examination{Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	return rep.Problems
}

func TestDoctorSees(t *testing.T) {
	t.Parallel()
	const rechained = `delete from audit where seq = (select seq from audit_head);
		update audit_head h set seq = h.seq - 1, hash = (select a.hash from audit a where a.seq = h.seq - 1)`
	for _, c := range []struct{ name, tampering, want string }{
		{"nothing", "", ""},
		{"the last record cut off, and the head put right", rechained, "where it ended is not what the audit chain says"},
		{"spam made ham", "update message set judged = 'ham' where judged = 'spam'", "what a person said of it is not what the audit chain says"},
		{"a verdict slipped in", "update message set judged = 'ham' where judged is null", "what a person said of it is not what the audit chain says"},
		{"held by hand", `with p as (update post set hidden = true where not hidden returning ticket_id, message_id),
			u as (update ticket t set messages = 0 from p where t.id = p.ticket_id)
			update message m set stage = 'held', cause = 'spam', reason = 'x' from p where m.id = p.message_id`, "where it ended is not what the audit chain says"},
		{"a lesson deleted", "delete from classify_event where seq = 4", "the filter's journal has gaps or was cut off"},
		{"the last lesson deleted", "delete from classify_event where seq = (select seq from classify_head)", "the filter's journal has gaps or was cut off"},
		{"a lesson turned round", "update classify_event set verdict = 'ham' where seq = (select seq from classify_head)", "a person judged it, and the filter's journal does not say so"},
		{"all lessons deleted", "delete from classify_event; delete from classify_head", "a person judged it, and the filter's journal does not say so"},
		{"a blob under another's hash", "update blob b set sealed = (select o.sealed from blob o where o.hash <> b.hash limit 1)", "its raw mail cannot be opened"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list := examined(t, c.tampering)
			var said []string
			for _, p := range list {
				said = append(said, p.What)
			}
			all := strings.Join(said, "\n")
			if c.want == "" && len(list) > 0 || !strings.Contains(all, c.want) {
				t.Errorf("the doctor says %q, want %q", all, c.want)
			}
		})
	}
}

// Whoever can write in the database can make a chain anew that holds. A head that
// was noted elsewhere shows it.
func TestDoctorKnowsHeads(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	examine := func(heads ...audit.Head) ingest.Report {
		rep, err := r.Examine(t.Context(), tickets.Workspace{ID: r.Workspace}, ingest.Examination{Heads: heads})
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	noted := examine().Head
	var read audit.Head
	if err := read.UnmarshalText([]byte(noted.String())); err != nil {
		t.Fatal(err)
	}
	if rep := examine(read); len(rep.Met) != 1 {
		t.Errorf("the head %s is not met", noted)
	}
	read.Hash[0]++
	if rep := examine(read); len(rep.Met) != 0 || len(rep.Problems) != 0 {
		t.Errorf("a head that never was is met: %+v", rep)
	}
	if _, err := r.Desk.CreateMailbox(t.Context(), r.Workspace, "test", "other@heads.test", ""); err != nil {
		t.Fatal(err)
	}
	if rep := examine(noted); len(rep.Met) != 1 {
		t.Errorf("the head %s is not met further on", noted)
	}
}
