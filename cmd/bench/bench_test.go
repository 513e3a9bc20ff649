package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

func TestOnTheLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"bare line feeds", "A: b\n\nc\n", "A: b\r\n\r\nc\r\n.\r\n"},
		{"no end of line at the end", "A: b\n\nc", "A: b\r\n\r\nc\r\n.\r\n"},
		{"a line that is a dot", "A: b\r\n\r\n.\r\n.c\r\n", "A: b\r\n\r\n..\r\n..c\r\n.\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(onTheLine([]byte(tt.in))); got != tt.want {
				t.Errorf("onTheLine(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestMailsDiffer(t *testing.T) {
	t.Parallel()
	b := &mailbag{mails: [][]byte{[]byte("Subject: x\nReferences: <a@b>\n <c@d>\nMessage-ID: <e@f>\n\n<body>\n")}}
	want := "X-Again: 1\r\nSubject: x 1\r\nReferences: <again1.a@b>\r\n <again1.c@d>\r\nMessage-ID: <again1.e@f>\r\n\r\n<body>\r\n.\r\n"
	if got := string(b.mail(1)); got != want {
		t.Errorf("mail(1) = %q, want %q", got, want)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	const text = `# TYPE h histogram
h_bucket{le="0.001"} 10
h_bucket{le="0.002"} 90
h_bucket{le="0.004"} 100
h_bucket{le="+Inf"} 100
h_sum 0.2
`
	after, err := parseBuckets(text, "h")
	if err != nil {
		t.Fatal(err)
	}
	before := make([]bucket, len(after))
	for _, tt := range []struct {
		q    float64
		want time.Duration
	}{{0.5, 1500 * time.Microsecond}, {0.95, 3 * time.Millisecond}} {
		if got := quantile(before, after, tt.q); (got - tt.want).Abs() > time.Microsecond {
			t.Errorf("quantile(%v) = %v, want %v", tt.q, got, tt.want)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if got := median([]float64{5, 1, 3}); got != 3 {
		t.Errorf("median of 5, 1, 3 = %v, want 3", got)
	}
}

// TestCPUTime burns time and looks for it.
func TestCPUTime(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here: ", err)
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	rng, sum := rand.New(rand.NewPCG(1, 1)), uint64(0)
	for end := time.Now().Add(time.Minute); ; {
		for range 1_000_000 {
			sum += rng.Uint64()
		}
		after, err := cpuTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after-before >= 5*tick {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no CPU time is seen to be used (%d)", sum)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var r report
	l := loads[0]
	ours := trial{accepted: rate{4000, 200 * time.Microsecond}, carried: rate{2000, 400 * time.Microsecond}, wal: 4096}
	theirs := trial{accepted: rate{800, time.Millisecond}, carried: rate{800, 1200 * time.Microsecond}}
	r.addVersus([]load{l}, map[string]*trials{l.name: {postroom: []trial{ours}, postfix: []trial{theirs}, receiver: []trial{ours}}})
	var b bytes.Buffer
	r.print(&b)
	for _, want := range []string{"| accept, 8 KiB, connections reused ", "| 4000 ", "| 5.0 ", "| 3.0 ", "| 4.0 KiB "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
}
