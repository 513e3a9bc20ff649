package classify

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
	"postroom/internal/postgres/pgtest"
)

// within runs do in the workspace's scope.
func within(t testing.TB, f *Filter, workspace uuid.UUID, do func(tx pgx.Tx) error) {
	t.Helper()
	if err := f.db.InWorkspace(t.Context(), workspace, do); err != nil {
		t.Fatal(err)
	}
}

func alerts(t testing.TB, f *Filter, workspace uuid.UUID) []alert.Alert {
	t.Helper()
	list, err := alert.Open(t.Context(), f.db, workspace, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func taughtFilter(t testing.TB, n int) (*Filter, uuid.UUID) {
	t.Helper()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	list := make([]Judgement, n)
	for i := range list {
		list[i] = judge(f, w, i, verdictOf(i))
		list[i].Actor, list[i].Source = "anna", SourceAgent
	}
	if err := f.TrainAll(t.Context(), w, list); err != nil {
		t.Fatal(err)
	}
	if err := f.Refresh(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return f, w
}

func TestSenderRules(t *testing.T) {
	t.Parallel()
	f, w := taughtFilter(t, 150)
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	for _, r := range []SenderRule{
		{Pattern: "@Example.com", Verdict: Spam, Actor: "anna"},
		{Pattern: "friend@example.com", Verdict: Ham, Actor: "bert", ExpiresAt: &future},
		{Pattern: "old.example", Verdict: Spam, Actor: "anna", ExpiresAt: &past},
	} {
		within(t, f, w, func(tx pgx.Tx) error {
			_, err := f.SetSender(t.Context(), tx, w, r)
			return err
		})
	}
	if err := f.Refresh(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from string
		auth []string
		rule string
		want Verdict
		says string
	}{
		{"Someone@sub.example.com", nil, "example.com", Spam, "on the block list (by anna)"},
		{"friend@example.com", nil, "friend@example.com", Ham, "on the allow list until "},
		{"friend@example.com", []string{"dmarc=fail"}, "", Spam, "authentication contradicts the sender"},
		{"x@old.example", nil, "", Spam, "spam from"},
		{"x@notexample.com", nil, "", Spam, "spam from"},
	} {
		d := letter(901, true)
		d.From, d.Auth = []string{c.from}, c.auth
		s, err := f.Score(t.Context(), w, f.Features(w, d))
		if err != nil {
			t.Fatal(err)
		}
		if s.Rule != c.rule || c.rule != "" && s.Verdict != c.want || !strings.Contains(s.Reason, c.says) {
			t.Errorf("from %s %v: %v by rule %q, %q; want %v by %q with %q", c.from, c.auth, s.Verdict, s.Rule, s.Reason, c.want, c.rule, c.says)
		}
	}
	err := f.db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
		_, err := f.SetSender(t.Context(), tx, w, SenderRule{Pattern: "com", Verdict: Spam})
		return err
	})
	if !errors.Is(err, ErrSenderRule) {
		t.Errorf("a rule for a top-level domain: %v, want %v", err, ErrSenderRule)
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	f, w := taughtFilter(t, 330)
	j := judge(f, w, 0, Ham) // anna said spam
	j.Actor, j.Source = "bert", SourceAgent
	train(t, f, w, j)
	for range floodAlike {
		if _, err := f.Score(t.Context(), w, f.Features(w, letter(902, true))); err != nil {
			t.Fatal(err)
		}
	}
	// From now on what looks like spam is ham and the other way round.
	for n := range 60 {
		j := judge(f, w, 1000+n, Spam)
		j.Features = f.Features(w, letter(1000+n, false))
		if n%2 == 0 {
			j.Verdict, j.Features = Ham, f.Features(w, letter(1000+n, true))
		}
		train(t, f, w, j)
	}
	f.bringOne(t.Context(), f.take(w))
	kinds := map[alert.Kind]alert.Alert{}
	for _, a := range alerts(t, f, w) {
		kinds[a.Kind] = a
	}
	for kind, says := range map[alert.Kind]string{
		alert.Disagreement: "anna said spam, bert says ham", alert.Flood: "look alike", alert.Drift: "wrong side",
	} {
		if a, ok := kinds[kind]; !ok || !strings.Contains(a.What, says) {
			t.Errorf("alert of %s: %+v, want %q in it", kind, a, says)
		}
	}
	within(t, f, w, func(tx pgx.Tx) error {
		_, _, err := alert.Close(t.Context(), tx, w, alert.Mark{ID: kinds[alert.Drift].ID, Actor: "anna"})
		return err
	})
	if n := len(alerts(t, f, w)); n != len(kinds)-1 {
		t.Errorf("%d alerts after one was resolved, want %d", n, len(kinds)-1)
	}
}

func TestRepliesAreLearnedInBalance(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	reply := func(n int) (learned bool) {
		within(t, f, w, func(tx pgx.Tx) (err error) {
			j := judge(f, w, n, Ham)
			learned, err = f.Replied(t.Context(), tx, w, j.MessageID, "anna", func() (Features, error) { return j.Features, nil })
			return err
		})
		return learned
	}
	if reply(1) {
		t.Error("a reply was learned, but the option is off by default")
	}
	within(t, f, w, func(tx pgx.Tx) error { return f.SetLearnReplies(t.Context(), tx, w, true) })
	n := 0
	for reply(10+n) && n < 1000 {
		n++
	}
	if n != MinHam {
		t.Errorf("%d replies learned without any spam, want %d", n, MinHam)
	}
	if a := alerts(t, f, w); len(a) != 1 || a[0].Kind != alert.OneSided {
		t.Errorf("alerts %+v, want one that it is one-sided", a)
	}
	train(t, f, w, judge(f, w, 900, Spam))
	if !reply(500) || reply(500) {
		t.Error("after a spam the next reply is learned, and once only")
	}
}

func TestReturn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	for n := range 60 {
		train(t, f, w, judge(f, w, n, verdictOf(n)))
	}
	want := digest(t, f, w)
	var then time.Time
	within(t, f, w, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select max(at) from classify_event`).Scan(&then)
	})
	bad := func(n int, v Verdict) {
		j := judge(f, w, n, v)
		j.Actor, j.Source = "mallory", SourceAgent
		train(t, f, w, j)
	}
	for n := range 20 {
		bad(3*n, Ham) // were spam
		bad(200+n, Spam)
	}
	train(t, f, w, judge(f, w, 300, Ham)) // by anna
	undo := func(r Return) (changed int) {
		within(t, f, w, func(tx pgx.Tx) (err error) {
			r.Actor = "boss"
			changed, err = f.Return(t.Context(), tx, w, r)
			return err
		})
		return changed
	}
	if n := undo(Return{To: then, Of: "mallory"}); n != 40 {
		t.Errorf("%d messages changed, want mallory's 40", n)
	}
	if s, err := f.Status(t.Context(), w); err != nil || s.Ham+s.Spam != 61 {
		t.Errorf("%+v, %v: want 61 judgements to stand", s, err)
	}
	if n := undo(Return{To: then}); n != 1 {
		t.Errorf("%d messages changed, want anna's one", n)
	}
	// The same judgements in another order: restored ones are the last now. What stands is what stood.
	if s, err := f.Status(t.Context(), w); err != nil || s.Ham != 40 || s.Spam != 20 {
		t.Errorf("%+v, %v: want 40 ham and 20 spam", s, err)
	}
	at, err := f.At(t.Context(), w, 60)
	if err != nil || !bytes.Equal(at.model.encode(), want) {
		t.Errorf("the model of that time differs (%v)", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	f, w := taughtFilter(t, 300)
	own, err := f.Dry(t.Context(), w, DryRun{From: time.Now().Add(-time.Hour)})
	if err != nil || len(own.Scored) != 300 || own.Thresholds != defaultThresholds || math.IsNaN(own.ROCA) {
		t.Fatalf("%d scored by %+v, %v: want all 300 by the workspace's own thresholds", len(own.Scored), own.Thresholds, err)
	}
	lax, err := f.Dry(t.Context(), w, DryRun{From: time.Now().Add(-time.Hour), Thresholds: Thresholds{HamBelow: 0.5, SpamFrom: 0.5}})
	if err != nil || lax.Unsure >= own.Unsure {
		t.Errorf("%d unsure by one threshold, %d by two (%v)", lax.Unsure, own.Unsure, err)
	}
	if none, err := f.Dry(t.Context(), w, DryRun{Without: "anna"}); err != nil || len(none.Scored) != 0 {
		t.Errorf("without the only trainer %d scored (%v), want none", len(none.Scored), err)
	}
	if _, err := f.Dry(t.Context(), w, DryRun{Thresholds: Thresholds{HamBelow: 0.9, SpamFrom: 0.2}}); !errors.Is(err, ErrThresholds) {
		t.Errorf("thresholds out of order: %v, want %v", err, ErrThresholds)
	}
	if none, err := f.Dry(t.Context(), w, DryRun{From: time.Now().Add(time.Hour), To: time.Now().Add(2 * time.Hour)}); err != nil || len(none.Scored) != 0 {
		t.Errorf("in the future %d scored (%v), want none", len(none.Scored), err)
	}
}

func TestDryRunOfLongJournal(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	train(t, f, w, judge(f, w, 1, Spam))
	between := time.Now()
	within(t, f, w, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
insert into classify_event (workspace_id, seq, message_id, verdict, actor, source, features)
select $1, n, gen_random_uuid(), 'ham', 'anna', 'import', '' from generate_series(2, $2::int) n`, w, MaxReplay+1)
		return err
	})
	within(t, f, w, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update classify_head set seq = $2 where workspace_id = $1`, w, MaxReplay+1)
		return err
	})
	if _, err := f.Dry(t.Context(), w, DryRun{}); !errors.Is(err, ErrLongJournal) {
		t.Errorf("a dry run of %d judgements: %v, want %v", MaxReplay+1, err, ErrLongJournal)
	}
	if h, err := f.Dry(t.Context(), w, DryRun{To: between}); err != nil || len(h.Scored) != 1 {
		t.Errorf("a period that ends before: %d scored, %v, want 1", len(h.Scored), err)
	}
}

func TestExplainNamesTrainingMessages(t *testing.T) {
	t.Parallel()
	f, w := taughtFilter(t, 150)
	s, err := f.Explain(t.Context(), w, f.Features(w, letter(900, true)))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, c := range s.Contributions {
		if len(c.Origins) > c.Ham+c.Spam && c.Ham+c.Spam > 0 || len(c.Origins) > originsNamed {
			t.Errorf("%q: %d messages named of %d", c.Token, len(c.Origins), c.Ham+c.Spam)
		}
		for _, o := range c.Origins {
			if named++; o.Actor != "anna" || o.MessageID == uuid.Nil && o.Seq != 1 || o.Seq == 0 {
				t.Errorf("%q: origin %+v", c.Token, o)
			}
		}
	}
	if named < maxContributions {
		t.Errorf("%d training messages named for %d tokens", named, maxContributions)
	}
}
