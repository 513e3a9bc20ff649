package mail

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostileTexts are texts built to make trimming slow.
var hostileTexts = map[string]func(size int) string{
	"quotes":       func(n int) string { return strings.Repeat(">\n", n/2) },
	"one_line":     func(n int) string { return strings.Repeat("x", n) },
	"one_quote":    func(n int) string { return strings.Repeat(">", n) },
	"colons":       func(n int) string { return strings.Repeat("a 1:\n", n/5) },
	"wrote":        func(n int) string { return strings.Repeat("On 3 Feb 2016 a@b.example\nwrote\n:\n", n/34) },
	"openers":      func(n int) string { return strings.Repeat("On 3 Feb 2016, 12:34, x <\n", n/26) },
	"headers":      func(n int) string { return strings.Repeat("From: a\nTo: b\n", n/14) },
	"quoted_heads": func(n int) string { return strings.Repeat("> From: a\n> To: b\n\n", n/19) },
	"dashes":       func(n int) string { return strings.Repeat("-- \n", n/4) },
	"rulers":       func(n int) string { return strings.Repeat("_____\n\n", n/7) },
	"sent_from":    func(n int) string { return strings.Repeat("Sent from my iPhone\n", n/20) },
	"notices": func(n int) string {
		return strings.Repeat("confidential privileged "+strings.Repeat("x", 100)+"\n\n", n/126)
	},
	"between":  func(n int) string { return strings.Repeat("> a\nb\n", n/6) },
	"fences":   func(n int) string { return strings.Repeat("```\n", n/4) },
	"named":    func(n int) string { return strings.Repeat("Ab> x\n", n/6) },
	"markers":  func(n int) string { return strings.Repeat("--- Original Message ---\n> a\n", n/29) },
	"forwards": func(n int) string { return strings.Repeat("> Begin forwarded message:\n> From: a\n\n", n/39) },
}

// TestTrimIsLinear trims each hostile text at two sizes: the time per byte must not grow with the size. The two plainest are
// tried at 2 MiB.
func TestTrimIsLinear(t *testing.T) {
	for name, build := range hostileTexts {
		size, rounds := 256<<10, 3 // the least of three rounds: others work on the machine
		if name == "quotes" || name == "one_line" {
			size, rounds = 2<<20, 1
		}
		short, long := build(size/8), build(size)
		quick, slow := time.Hour, time.Hour
		for range rounds {
			quick, slow = min(quick, trimTime(short)), min(slow, trimTime(long))
		}
		t.Logf("%-12s %d KiB: %6.1f µs a KiB, at an eighth of it %6.1f µs", name, size>>10, 1000*ms(slow)/float64(size>>10), 8000*ms(quick)/float64(size>>10))
		if slow > 4*8*quick && slow > 500*time.Millisecond {
			t.Errorf("%s: %v for %d bytes, %v for an eighth of it: not linear", name, slow, size, quick)
		}
	}
}

func trimTime(text string) time.Duration {
	start := time.Now()
	r := Trim(text)
	r.Fresh()
	return time.Since(start)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func BenchmarkTrim(b *testing.B) {
	var texts []string
	eachMail(b, filepath.Join(corpora(b), "replies"), func(_ string, raw []byte) { texts = append(texts, lines(string(raw))) })
	b.Run("replies", func(b *testing.B) { eachText(b, texts) })
	texts = nil
	eachMail(b, filepath.Join(corpora(b), "spam"), func(_ string, raw []byte) {
		m, _ := Parse(raw, Budget{})
		texts = append(texts, m.Text)
	})
	b.Run("spam", func(b *testing.B) { eachText(b, texts) })
}

func eachText(b *testing.B, texts []string) {
	size := 0
	for _, t := range texts {
		size += len(t)
	}
	b.SetBytes(int64(size / len(texts)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Trim(texts[i%len(texts)])
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(float64(size)/float64(len(texts))/1024), "µs/KiB")
}

// BenchmarkAutomatic reads what kind of mail each is, parsing left aside.
func BenchmarkAutomatic(b *testing.B) {
	for _, set := range []string{"bounces", "spam"} {
		var mails []*Mail
		eachMail(b, filepath.Join(corpora(b), set), func(_ string, raw []byte) {
			m, _ := Parse(raw, Budget{})
			mails = append(mails, m)
		})
		b.Run(fmt.Sprintf("%s/%d", set, len(mails)), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := mails[i%len(mails)]
				m.Automatic = Automatic{}
				m.detect()
			}
		})
	}
}
