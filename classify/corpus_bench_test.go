package classify_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"postroom/classify"
)

// processTime is how long this process has had a processor.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// passes runs do for every message of the corpus again and again. Its figures are means of one message: by the clock, and
// of a processor, which is what counts where others use the machine too.
func passes(b *testing.B, n int, do func(i int)) {
	cpu := processTime(b)
	for b.Loop() {
		for i := range n {
			do(i)
		}
	}
	each := float64(b.N) * float64(n) * 1e3
	b.ReportMetric(float64(processTime(b)-cpu)/each, "cpu-µs/mail")
	b.ReportMetric(float64(b.Elapsed())/each, "µs/mail")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCorpus measures what the issue of the filter sets limits to, on the mails of the corpus, in a model that has
// learned all of them.
func BenchmarkCorpus(b *testing.B) {
	mails, fes := extracted(b, everything, false)
	docs := make([]classify.Document, len(mails))
	var trial classify.Trial
	for i := range mails {
		docs[i] = document(mails[i].raw)
		trial.Learn(fes[i], mails[i].spam)
	}
	features := func(i int) classify.Features { return extractor.Features(uuid.UUID{1}, docs[i]) }
	b.Run("features", func(b *testing.B) { passes(b, len(docs), func(i int) { features(i) }) })
	b.Run("features and score, library", func(b *testing.B) { passes(b, len(docs), func(i int) { trial.Score(features(i)) }) })
	b.Run("features and score, closed form", func(b *testing.B) {
		trial.UseClosedForm(true)
		defer trial.UseClosedForm(false)
		passes(b, len(docs), func(i int) { trial.Score(features(i)) })
	})
	b.Run("learn", func(b *testing.B) { passes(b, len(docs), func(i int) { trial.Learn(fes[i], mails[i].spam) }) })
	b.Run("load", func(b *testing.B) {
		stored := trial.Stored()
		for b.Loop() {
			if err := classify.Load(stored); err != nil {
				b.Fatal(err)
			}
		}
		memory, size := trial.Size()
		b.ReportMetric(float64(memory)/1e6, "MB-memory")
		b.ReportMetric(float64(size)/1e6, "MB-stored")
	})
}
