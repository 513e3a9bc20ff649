package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	const head = "From: Ann <ann@x.example>\nSubject: here\n"
	part := "--b\n\ntext\n"
	tests := []struct {
		name  string
		raw   string
		b     Budget
		limit string
		text  bool
	}{
		{"bytes", head + "\n" + strings.Repeat("x", 100), Budget{Bytes: 100}, LimitBytes, false},
		{"header", head + strings.Repeat("X: y\n", 100) + "\nbody", Budget{HeaderBytes: 200}, LimitHeaderBytes, false},
		{"parts", head + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat(part, 10), Budget{Parts: 5}, LimitParts, true},
		{"depth", head + string(nestedMail(100)), Budget{Depth: 50}, LimitDepth, false},
		{"work", head + "\n" + strings.Repeat("x", 100), Budget{Work: 120}, LimitWork, false},
		{"none", head + "\n" + strings.Repeat("x", 100), Budget{}, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := Parse([]byte(test.raw), test.b)
			limit := ""
			if over := (*BudgetError)(nil); errors.As(err, &over) {
				limit = over.Limit
				if over.Got <= over.Max || over.Error() == "" {
					t.Errorf("Got %d is not over Max %d", over.Got, over.Max)
				}
			}
			if limit != test.limit {
				t.Errorf("Parse: limit %q, want %q", limit, test.limit)
			}
			if m.Subject != "here" || len(m.From) != 1 || m.From[0].Email != "ann@x.example" {
				t.Errorf("Parse: subject %q, from %v, want both read", m.Subject, m.From)
			}
			if test.text != (m.Text != "") {
				t.Errorf("Parse: text %.40q, want some: %v", m.Text, test.text)
			}
		})
	}
}

// TestMemory parses a message of 40 MB, most of it an attachment, and holds what that allocates to a fifth of its size:
// attachments are decoded in passing. The test is not parallel, since it watches the whole process.
func TestMemory(t *testing.T) {
	attachment := make([]byte, 29<<20)
	source := rand.NewChaCha8([32]byte{1})
	if _, err := source.Read(attachment); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	raw.WriteString("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee attached.\r\n" +
		"--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for text := base64.StdEncoding.EncodeToString(attachment); text != ""; text = text[min(76, len(text)):] {
		raw.WriteString(text[:min(76, len(text))] + "\r\n")
	}
	raw.WriteString("--b--\r\n")

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m, err := Parse(raw.Bytes(), Budget{})
	runtime.ReadMemStats(&after)
	if err != nil || len(m.Parts) != 2 || m.Parts[1].Size != int64(len(attachment)) {
		t.Fatalf("Parse: %d parts, %v, want the attachment of %d bytes", len(m.Parts), err, len(attachment))
	}
	grown := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes allocated to parse %d", grown, raw.Len())
	if grown > uint64(raw.Len())/5 {
		t.Errorf("Parse allocated %d bytes for a message of %d, want at most a fifth", grown, raw.Len())
	}
}

// TestPeakMemory holds what is alive at any time while a message is read, the message included, to four times its size. The test is
// not parallel, since it watches the whole process.
func TestPeakMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // so that the heap is what is alive
	for name, raw := range giants() {
		if len(raw) < 4<<20 {
			continue // what a process needs anyway would be measured
		}
		runtime.GC()
		before := heap()
		peak := watchHeap(func() {
			m, err := Parse(raw, Budget{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			runtime.KeepAlive(m)
		})
		share := float64(peak-before+uint64(len(raw))) / float64(len(raw))
		t.Logf("%s: %.1f times %d MiB", name, share, len(raw)>>20)
		if share > 4 {
			t.Errorf("%s: %.1f times its size, want at most 4", name, share)
		}
	}
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// watchHeap returns the largest heap seen while fn runs.
func watchHeap(fn func()) (peak uint64) {
	done, stopped := make(chan struct{}), make(chan uint64)
	go func() {
		peak := heap()
		for {
			select {
			case <-done:
				stopped <- peak
				return
			default:
				peak = max(peak, heap())
				runtime.Gosched()
			}
		}
	}()
	fn()
	close(done)
	return <-stopped
}
