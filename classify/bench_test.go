package classify

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres/pgtest"
)

var taughtOnce = sync.OnceValue(func() *model { return taught(500) })

func BenchmarkFeatures(b *testing.B) {
	d := letter(1<<20, true)
	for b.Loop() {
		extract(testKey, &d)
	}
}

func BenchmarkScoreEmpty(b *testing.B) {
	d := letter(1<<20, true)
	fe := extract(testKey, &d)
	m := &model{}
	for b.Loop() {
		m.score(&fe, defaultThresholds)
	}
}

func BenchmarkScore(b *testing.B) {
	d := letter(1<<20, true)
	fe := extract(testKey, &d)
	m := taughtOnce()
	for b.Loop() {
		m.score(&fe, defaultThresholds)
	}
}

func BenchmarkLearn(b *testing.B) {
	m := taught(500)
	fes := make([]Features, 64)
	for i := range fes {
		d := letter(1<<20+i, verdictOf(i) == Spam)
		fes[i] = extract(testKey, &d)
	}
	for i := 0; b.Loop(); i++ {
		m.learn(&fes[i%len(fes)], verdictOf(i%len(fes)) == Spam)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	m := taughtOnce()
	bytes := m.encode()
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			m.encode()
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := decodeModel(bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRebuild makes a model anew from a journal of 1,000 rows, without a snapshot; one operation is one row.
func BenchmarkRebuild(b *testing.B) {
	const rows = 1000
	db := pgtest.New(b)
	f := newFilter(db)
	w := newWorkspace(b, db)
	err := db.InWorkspace(b.Context(), w, func(tx pgx.Tx) error {
		for n := range rows {
			j := judge(f, w, n, verdictOf(n))
			j.Actor, j.Source = "import", SourceImport
			if _, err := f.Train(b.Context(), tx, w, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += rows {
		if _, err := f.At(b.Context(), w, rows); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrain(b *testing.B) {
	db := pgtest.New(b)
	f := newFilter(db)
	w := newWorkspace(b, db)
	for n := 0; b.Loop(); n++ {
		train(b, f, w, judge(f, w, n, verdictOf(n)))
	}
}

// BenchmarkDryRun goes through a journal of 3,000 small mails; the metric is the time for each.
func BenchmarkDryRun(b *testing.B) {
	const n = 3000
	f, w := taughtFilter(b, n)
	for b.Loop() {
		if h, err := f.Dry(b.Context(), w, DryRun{}); err != nil || len(h.Scored) != n {
			b.Fatalf("%d scored: %v", len(h.Scored), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/judgement")
}
