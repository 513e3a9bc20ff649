package mail

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
)

// written returns the project's own test mails.
func written(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testMail, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var mails [][]byte
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, raw)
	}
	return mails
}

// BenchmarkParse parses the project's mails and the spam corpus, message by message, and beside it lets go-message walk
// the same messages: without text from HTML, addresses, hashes or anything that this package adds.
func BenchmarkParse(b *testing.B) {
	sets := map[string]func(testing.TB) [][]byte{
		"written": written,
		"spam": func(t testing.TB) (mails [][]byte) {
			eachMail(t, filepath.Join(corpora(t), "spam"), func(_ string, raw []byte) { mails = append(mails, raw) })
			return mails
		},
	}
	for name, load := range sets {
		b.Run(name+"/ours", func(b *testing.B) {
			each(b, load(b), func(raw []byte) { Parse(raw, Budget{}) })
		})
		b.Run(name+"/go-message", func(b *testing.B) {
			each(b, load(b), func(raw []byte) {
				if bytes.HasPrefix(raw, []byte("From ")) {
					raw = raw[lineLen(raw):]
				}
				e, err := message.Read(bytes.NewReader(raw))
				if err != nil && e == nil {
					return
				}
				e.Walk(func(_ []int, e *message.Entity, _ error) error {
					if e.MultipartReader() != nil {
						return nil
					}
					_, err := io.Copy(io.Discard, e.Body)
					return err
				})
			})
		})
	}
}

// each runs fn over the mails in turn; the figures are for one mail.
func each(b *testing.B, mails [][]byte, fn func(raw []byte)) {
	size := 0
	for _, m := range mails {
		size += len(m)
	}
	b.SetBytes(int64(size / len(mails)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		fn(mails[i%len(mails)])
	}
}

// BenchmarkLinear parses messages built to be slow, at two sizes: the time per byte must not grow.
func BenchmarkLinear(b *testing.B) {
	for name, build := range hostile {
		for _, size := range []int{1 << 20, 8 << 20} {
			raw := build(size)
			b.Run(fmt.Sprintf("%s/%dMiB", name, size>>20), func(b *testing.B) {
				b.SetBytes(int64(len(raw)))
				for b.Loop() {
					Parse(raw, Budget{HeaderBytes: 1 << 30, Parts: 1 << 20, Depth: 1 << 20, Work: 1 << 40})
				}
			})
		}
	}
}

// BenchmarkGiants reads what is larger than any mail that people write.
func BenchmarkGiants(b *testing.B) {
	for name, raw := range giants() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				Parse(raw, Budget{})
			}
		})
	}
}

// BenchmarkSanitise sanitises a newsletter's rows, at two sizes: the time per byte must not grow.
func BenchmarkSanitise(b *testing.B) {
	const row = `<tr><td style="padding:4px;color:#333"><p>Words to read, in a row.</p><a href="https://x.example/1"><img src="https://x.example/1.png" alt=picture> more</a></td></tr>`
	for _, size := range []int{40 << 10, 4 << 20} {
		in := "<table>" + strings.Repeat(row, size/len(row)) + "</table>"
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				Sanitise(in, Display{})
			}
		})
	}
}

const htmlHead = "From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n"

// hostile builds messages of about a given size, each against one part of the reading.
var hostile = map[string]func(size int) []byte{
	"links":       func(n int) []byte { return filled(htmlHead, `<a href="http://x.example/1">link</a> `, n) },
	"open_tags":   func(n int) []byte { return filled(htmlHead, `<div><a href=http://x.example><b>`, n) },
	"hidden":      func(n int) []byte { return filled(htmlHead, `<p style="display:none">x`, n) },
	"less_than":   func(n int) []byte { return filled(htmlHead, `<`, n) },
	"entities":    func(n int) []byte { return filled(htmlHead, `&amp;&#x41;&`, n) },
	"lists":       func(n int) []byte { return filled(htmlHead, `<ul><li>x`, n) },
	"cids":        func(n int) []byte { return filled(htmlHead, `<img src="cid:x@y">`, n) },
	"one_line":    func(n int) []byte { return filled("From: a@b.example\n\n", "x", n) },
	"quoted":      func(n int) []byte { return filled("Content-Transfer-Encoding: quoted-printable\n\n", "=", n) },
	"base64":      func(n int) []byte { return filled("Content-Transfer-Encoding: base64\n\n", "QUJD!\n", n) },
	"flowed":      func(n int) []byte { return filled("Content-Type: text/plain; format=flowed\n\n", ">> \n> ", n) },
	"words":       func(n int) []byte { return filled("Subject: ", "=?utf-8?q?=?a?b?", n) },
	"whole_words": func(n int) []byte { return filled("Subject: ", "=?utf-8?q?a?= =?l?b?YQ=?=", n) },
	"addresses":   func(n int) []byte { return filled("From: ", `a "<(b@c,`, n) },
	"quotes":      func(n int) []byte { return filled("From: ", `"<`, n) },
	"comments":    func(n int) []byte { return filled("From: ", `((a@b "`, n) },
	"ids":         func(n int) []byte { return filled("References: ", "<a@b> <c", n) },
	"params":      func(n int) []byte { return filled("Content-Type: text/plain; ", `a*0*="x;`, n) },
	"fields":      func(n int) []byte { return filled("", "a:b\n", n) },
	"odd_lines":   func(n int) []byte { return filled("From: a@b.example\n", "x\ny\nz\nSubject: x\n", n) },
	"parts":       func(n int) []byte { return filled(mixedHead, "--b\n\nx\n", n) },
	"dashes":      func(n int) []byte { return filled(mixedHead, "--\n--b-\n", n) },
	"nested":      nestedMail,
}

const mixedHead = "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"

func filled(head, unit string, size int) []byte {
	return []byte(head + strings.Repeat(unit, size/len(unit)))
}

// nestedMail opens a thousand multiparts and fills the innermost with lines that might be delimiters.
func nestedMail(size int) []byte {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=b0\n\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
	}
	b.WriteString(strings.Repeat("--b-\n", size/5))
	return []byte(b.String())
}

func BenchmarkContentHash(b *testing.B) {
	raw := filled("From: a@b.example\r\nReceived: from x\r\nSubject: x\r\n\r\n", "A line of text, as long as they are.\r\n", 8<<10)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		ContentHash(raw)
	}
}
