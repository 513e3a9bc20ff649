package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/ingesttest"
)

// BenchmarkAcceptToTicket carries the project's own mails, made distinct, from
// Accept to their tickets, 64 at a time. The database is real but for its fsync.
func BenchmarkAcceptToTicket(b *testing.B) {
	files, err := filepath.Glob("../testdata/mail/*.eml")
	if err != nil || len(files) == 0 {
		b.Fatalf("no mails: %v", err)
	}
	var mails []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		mails = append(mails, string(raw))
	}
	r := ingesttest.New(b, nil)
	r.Start()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				// People and ids of each round are others: what all share is seldom.
				text := strings.ReplaceAll(mails[int(i)%len(mails)], ".example", fmt.Sprintf("%d.example", int(i)/len(mails)))
				text = fmt.Sprintf("X-Number: %d\r\n%s", i, text)
				for r.Accept(b.Context(), r.Offer(text)) != nil {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	for {
		l, err := r.Ledger(b.Context(), r.Workspace)
		if err != nil {
			b.Fatal(err)
		}
		if l.Waiting[ingest.Received]+l.Waiting[ingest.Parsed]+l.Waiting[ingest.Scored] == 0 && l.Stored >= int64(b.N) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}
