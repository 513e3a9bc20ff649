package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

func newWorkspace(t testing.TB, db *postgres.DB) uuid.UUID {
	t.Helper()
	id := uuid.New()
	err := db.InWorkspace(t.Context(), id, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "insert into workspace (workspace_id, name) values ($1, 'test')", id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var testSecret = []byte("a secret of thirty-two bytes ...")

func newFilter(db *postgres.DB) *Filter {
	return New(db, Config{Secret: testSecret})
}

// train judges one message in a transaction of its own.
func train(t testing.TB, f *Filter, workspace uuid.UUID, j Judgement) int64 {
	t.Helper()
	if j.Actor == "" {
		j.Actor, j.Source = "anna", SourceAgent
	}
	var seq int64
	err := f.db.InWorkspace(t.Context(), workspace, func(tx pgx.Tx) (err error) {
		seq, err = f.Train(t.Context(), tx, workspace, j)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// vocabulary from which made-up mail is drawn; the first half leans to spam, the second to ham.
var vocabulary = func() (words []string) {
	for i := range 400 {
		words = append(words, fmt.Sprintf("word%03d", i))
	}
	return words
}()

// letter makes a document up: the same number, the same document. It leans towards its class without being certain.
func letter(n int, spam bool) Document {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	text := &bytes.Buffer{}
	for range 20 + r.IntN(60) {
		w := r.IntN(len(vocabulary) / 2)
		if spam == (r.IntN(10) < 2) {
			w += len(vocabulary) / 2
		}
		text.WriteString(vocabulary[w])
		text.WriteByte(" \n"[r.IntN(8)/7])
	}
	return Document{
		Header:  []Field{{"From", fmt.Sprintf("Person %d <p%d@example.com>", n, n)}, {"Message-ID", fmt.Sprintf("<%d@example.com>", n)}},
		Subject: fmt.Sprintf("letter %d", n), From: []string{fmt.Sprintf("p%d@example.com", n)}, Text: text.String(),
	}
}

func judge(f *Filter, workspace uuid.UUID, n int, v Verdict) Judgement {
	id := uuid.UUID{14: byte(n >> 8), 15: byte(n)}
	return Judgement{MessageID: id, Verdict: v, Features: f.Features(workspace, letter(n, v == Spam))}
}

// digest returns the model's bytes at the journal's head.
func digest(t testing.TB, f *Filter, workspace uuid.UUID) []byte {
	t.Helper()
	if err := f.Refresh(t.Context(), workspace); err != nil {
		t.Fatal(err)
	}
	return f.take(workspace).model.encode()
}

func verdictOf(n int) Verdict {
	if n%3 == 0 {
		return Spam
	}
	return Ham
}

func TestTrainAndForgetIsNeverTrained(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f, fresh := newFilter(db), newFilter(db)
	never, changed := newWorkspace(t, db), newWorkspace(t, db)
	// The same features in both workspaces, so that their models can be compared.
	for n := range 60 {
		j := judge(f, never, n, verdictOf(n))
		train(t, f, changed, j)
		if n%7 != 0 && n%7 != 1 {
			train(t, f, never, j)
		}
		if n == 30 {
			digest(t, f, changed) // the model learns some judgements before they are taken back
		}
	}
	for n := range 60 {
		j := judge(f, never, n, verdictOf(n))
		switch n % 7 {
		case 0:
			j.Verdict = Forget
			train(t, f, changed, j)
		case 1: // wrong first, right later: as if only judged now
			j.Verdict = map[Verdict]Verdict{Ham: Spam, Spam: Ham}[j.Verdict]
			train(t, f, changed, j)
			train(t, f, never, j)
		}
	}
	want := digest(t, f, never)
	if got := digest(t, f, changed); !bytes.Equal(got, want) {
		t.Errorf("the model that forgot differs from the one that never learned: %d and %d bytes", len(got), len(want))
	}
	if got := digest(t, fresh, changed); !bytes.Equal(got, want) {
		t.Error("the model rebuilt from the journal differs from the one that followed it")
	}
}

func TestTrainIsIdempotent(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	j := judge(f, w, 1, Ham)
	forget := j
	forget.Verdict = Forget
	spam := j
	spam.Verdict = Spam
	steps := []struct {
		name string
		j    Judgement
		want int64
	}{
		{"forget nothing", forget, 0}, {"ham", j, 1}, {"ham again", j, 1}, {"spam", spam, 2}, {"spam again", spam, 2},
		{"forget", forget, 3}, {"forget again", forget, 0}, {"ham once more", j, 4},
	}
	for _, s := range steps {
		if got := train(t, f, w, s.j); got != s.want {
			t.Errorf("%s: Train = %d, want %d", s.name, got, s.want)
		}
	}
	st, err := f.Status(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if st.Ham != 1 || st.Spam != 0 || st.NeedHam != MinHam-1 || st.NeedSpam != MinSpam || st.Seq != 4 {
		t.Errorf("Status = %+v, want one ham learned at row 4", st)
	}
}

func TestTrainRefuses(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	for _, j := range []Judgement{{Verdict: Unsure, Source: SourceAgent}, {Verdict: Ham, Source: "rumour"}, {Verdict: "eggs", Source: SourceAgent}} {
		err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
			_, err := f.Train(t.Context(), tx, w, j)
			return err
		})
		if !errors.Is(err, ErrJudgement) {
			t.Errorf("Train(%q by %q) = %v, want ErrJudgement", j.Verdict, j.Source, err)
		}
	}
}

func TestRollbackLeavesNoGap(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	train(t, f, w, judge(f, w, 1, Ham))
	undone := errors.New("undone")
	err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
		j := judge(f, w, 2, Spam)
		j.Source = SourceAgent
		if _, err := f.Train(t.Context(), tx, w, j); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if got := train(t, f, w, judge(f, w, 3, Ham)); got != 2 {
		t.Errorf("the row after a rollback is %d, want 2", got)
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	for n := range 20 {
		train(t, f, w, judge(f, w, n, verdictOf(n)))
	}
	before := digest(t, f, w)
	forget := judge(f, w, 3, Forget)
	train(t, f, w, forget)
	train(t, f, w, judge(f, w, 100, Spam))
	old, err := f.At(t.Context(), w, 20)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old.model.encode(), before) {
		t.Error("the model at an earlier row differs from what it was then")
	}
	now, err := f.At(t.Context(), w, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(now.model.encode(), digest(t, f, w)) {
		t.Error("the model beyond the head differs from the model at the head")
	}
}

func TestDamagedRowIsPassedOver(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	train(t, f, w, judge(f, w, 1, Ham))
	err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
		j := Judgement{MessageID: uuid.New(), Verdict: Spam, Source: SourceAgent}
		_, err := appendRow(t.Context(), tx, w, row{Judgement: j, stored: []byte("damaged")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	train(t, f, w, judge(f, w, 2, Ham))
	st, err := f.Status(t.Context(), w)
	if err != nil || st.Ham != 2 || st.Spam != 0 || st.Seq != 3 {
		t.Errorf("Status = %+v, %v, want two ham learned at row 3", st, err)
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	alone, both := newWorkspace(t, db), newWorkspace(t, db)
	for n := range 30 {
		j := judge(f, alone, n, verdictOf(n))
		train(t, f, alone, j)
		train(t, f, both, j)
	}
	for n := range 40 { // ben contradicts anna on some messages and judges others
		if n%4 == 0 {
			j := judge(f, alone, n, verdictOf(n+1))
			j.Actor, j.Source = "ben", SourceAgent
			train(t, f, both, j)
		}
	}
	got, err := f.Without(t.Context(), both, "ben")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.model.encode(), digest(t, f, alone)) {
		t.Error("the model without ben differs from the one that never heard of him")
	}
}

func TestWorkspacesAreIsolated(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	a, b := newWorkspace(t, db), newWorkspace(t, db)
	for n := range 90 {
		train(t, f, a, judge(f, a, n, verdictOf(n)))
	}
	if x, y := f.Features(a, letter(1, true)), f.Features(b, letter(1, true)); x.words[0] == y.words[0] {
		t.Error("two workspaces share a feature id")
	}
	before, err := f.Score(t.Context(), b, f.Features(b, letter(500, true)))
	if err != nil {
		t.Fatal(err)
	}
	if before.ModelSeq != 0 || before.Verdict != Unsure || knowsWords(before) {
		t.Errorf("score in a workspace that learned nothing = %+v, want unsure by signals alone", before)
	}
	inA, err := f.Score(t.Context(), a, f.Features(a, letter(500, true)))
	if err != nil {
		t.Fatal(err)
	}
	if inA.P < 0.6 {
		t.Errorf("score in the workspace that learned = %v, want spam", inA.P)
	}
	// The scope of one workspace does not reach the other's journal.
	err = db.InWorkspace(t.Context(), b, func(tx pgx.Tx) error {
		j := judge(f, a, 1, Spam)
		j.Source = SourceAgent
		_, err := f.Train(t.Context(), tx, a, j)
		return err
	})
	if err == nil || errors.Is(err, ErrJudgement) {
		t.Error("training another workspace within the scope of one succeeded")
	}
}

func TestModelsMakeRoom(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := New(db, Config{Secret: []byte("secret"), Models: 2})
	var workspaces []uuid.UUID
	for n := range 4 {
		w := newWorkspace(t, db)
		train(t, f, w, judge(f, w, n, Ham))
		workspaces = append(workspaces, w)
	}
	for range 3 {
		for _, w := range workspaces {
			s, err := f.Score(t.Context(), w, Features{})
			if err != nil || s.ModelSeq != 1 {
				t.Fatalf("Score = row %d, %v, want row 1", s.ModelSeq, err)
			}
			if len(f.shelf) != f.used.Len() || f.used.Len() > 2 {
				t.Fatalf("%d models in memory, want at most 2", f.used.Len())
			}
		}
	}
}

func TestJournalIsInsertOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	train(t, f, w, judge(f, w, 1, Ham))
	for _, sql := range []string{"delete from classify_event", "update classify_event set verdict = 'spam'"} {
		err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		})
		if err == nil {
			t.Errorf("%q succeeded, want it refused", sql)
		}
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	score := func() Score {
		t.Helper()
		if err := f.Refresh(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		s, err := f.Score(t.Context(), w, f.Features(w, letter(900, true)))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
		return f.SetThresholds(t.Context(), tx, w, Thresholds{HamBelow: 0.1, SpamFrom: 0.9})
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range MinHam - 1 {
		train(t, f, w, judge(f, w, 2*n, Ham))
		train(t, f, w, judge(f, w, 2*n+1, Spam))
	}
	if s := score(); s.Verdict != Unsure || s.Reason != "unsure: 49 of 50 ham and 20 of 20 spam learned" {
		t.Errorf("below the minimum: %v, %q, want unsure with what is missing", s.Verdict, s.Reason)
	}
	train(t, f, w, judge(f, w, 500, Ham))
	if s := score(); s.Verdict != Spam {
		t.Errorf("at the minimum: %v at %v, want spam", s.Verdict, s.P)
	}
	err = db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
		return f.SetThresholds(t.Context(), tx, w, Thresholds{HamBelow: 0.5, SpamFrom: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := score(); s.Verdict != Unsure {
		t.Errorf("with spam from 1: %v at %v, want unsure", s.Verdict, s.P)
	}
}

func TestTwoFiltersConverge(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	w := newWorkspace(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var filters [2]*Filter
	for i := range filters {
		filters[i] = New(db, Config{Secret: testSecret, Recheck: time.Hour}) // so only a notification can tell it
	}
	done := make(chan error, len(filters))
	for _, f := range filters {
		if _, err := f.Score(ctx, w, Features{}); err != nil {
			t.Fatal(err)
		}
		go func() { done <- f.Run(ctx) }()
	}
	trained := make(chan struct{})
	for i, f := range filters {
		go func() {
			for n := i; n < 120; n += len(filters) {
				train(t, f, w, judge(f, w, n, verdictOf(n)))
				if n%10 < 2 { // change one's mind now and then
					train(t, f, w, judge(f, w, n, map[Verdict]Verdict{Ham: Spam, Spam: Ham}[verdictOf(n)]))
				}
			}
			trained <- struct{}{}
		}()
	}
	for range filters {
		<-trained
	}
	const total = 120 + 24
	deadline := time.After(2 * time.Second)
	for _, f := range filters {
		for {
			s, err := f.Score(ctx, w, Features{})
			if err != nil {
				t.Fatal(err)
			}
			if s.ModelSeq == total {
				break
			}
			select {
			case <-deadline:
				t.Fatalf("a filter stands at row %d after 2 s, want %d", s.ModelSeq, total)
			case <-time.After(time.Millisecond):
			}
		}
	}
	one, two, anew := digest(t, filters[0], w), digest(t, filters[1], w), digest(t, newFilter(db), w)
	if !bytes.Equal(one, two) || !bytes.Equal(one, anew) {
		t.Error("the filters' models differ from each other or from a rebuilt one")
	}
	cancel()
	for range filters {
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil on cancel", err)
		}
	}
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newFilter(db)
	w := newWorkspace(t, db)
	keep := func() {
		t.Helper()
		digest(t, f, w)
		if err := f.keep(t.Context(), f.take(w)); err != nil {
			t.Fatal(err)
		}
	}
	start := func() (seq int64) {
		t.Helper()
		err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
			r := reader{ctx: t.Context(), tx: tx, workspace: w, upTo: 1 << 40}
			m, err := r.start()
			seq = m.seq
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	for n := range 2 * snapshotEvery {
		train(t, f, w, judge(f, w, n, verdictOf(n)))
		if n+1 == snapshotEvery {
			keep()
		}
	}
	keep()
	if got := start(); got != 2*snapshotEvery {
		t.Fatalf("a build starts at row %d, want the newest snapshot", got)
	}
	forget := judge(f, w, snapshotEvery+50, Ham)
	forget.Verdict = Forget
	train(t, f, w, forget)
	if got := start(); got != snapshotEvery {
		t.Errorf("after a later judgement was taken back a build starts at row %d, want the snapshot before it", got)
	}
	want := digest(t, f, w)
	err := db.InWorkspace(t.Context(), w, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "update classify_snapshot set model = 'damaged'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(t, newFilter(db), w); !bytes.Equal(got, want) {
		t.Error("the model without usable snapshots differs from the one with")
	}
}
