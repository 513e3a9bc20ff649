package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jhillyerd/enmime/v2"

	"postroom/ingest/mail"
)

// BenchmarkRead reads the same messages with both, as the pipeline needs it: people, references, text, what kind of mail it is, and
// every part with its size and hash. enmime runs as it comes, and with its detection of characters off; it hashes nothing and has
// no opinion about bounces. Before each run both have read everything once.
func BenchmarkRead(b *testing.B) {
	sets := []struct {
		name string
		load func(testing.TB) [][]byte
	}{{"spam", spam}, {"html40KB", newsletters}}
	plain := enmime.NewParser(enmime.DisableCharacterDetection(true))
	readers := []struct {
		name string
		read func(raw []byte) int
	}{
		{"postroom", func(raw []byte) int {
			m, err := mail.Parse(raw, mail.Budget{})
			if err != nil {
				return 0
			}
			return len(m.Text) + len(m.Automatic.Kind) + len(m.References)
		}},
		{"enmime", func(raw []byte) int { return length(enmime.ReadEnvelope(bytes.NewReader(raw))) }},
		{"enmime-no-detection", func(raw []byte) int { return length(plain.ReadEnvelope(bytes.NewReader(raw))) }},
	}
	for _, set := range sets {
		mails := set.load(b)
		size := 0
		for _, m := range mails {
			size += len(m)
		}
		for _, r := range readers {
			b.Run(set.name+"/"+r.name, func(b *testing.B) {
				b.SetBytes(int64(size / len(mails)))
				b.ReportAllocs()
				read := 0
				for b.Loop() { // one turn is the whole set, so that none is measured on its easy half
					for _, m := range mails {
						read += r.read(m)
					}
				}
				b.ReportMetric(float64(len(mails))*float64(b.N)/b.Elapsed().Seconds(), "mails/s")
				if read == 0 {
					b.Fatal("nothing was read")
				}
			})
		}
	}
}

func length(e *enmime.Envelope, err error) int {
	if err != nil {
		return 0
	}
	from, err := e.AddressList("From")
	if err != nil {
		return len(e.Text)
	}
	return len(e.Text) + len(from)
}

// spam returns the messages of the spam corpus, every third of them.
func spam(t testing.TB) (mails [][]byte) {
	dir := os.Getenv("POSTROOM_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "corpora")
	}
	f, err := os.Open(filepath.Join(dir, "spam", "spamassassin.tar.gz"))
	if err != nil {
		t.Skipf("no spam corpus: %v: set POSTROOM_CORPORA", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return mails
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || !strings.Contains(filepath.Base(h.Name), ".") {
			continue
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%3 == 0 {
			mails = append(mails, raw)
		}
	}
}

// newsletters makes HTML mails of 40 KB: tables, styles, links and paragraphs in three languages.
func newsletters(testing.TB) (mails [][]byte) {
	random := rand.New(rand.NewPCG(40, 1))
	words := strings.Fields("the order arrived with a cracked shade and we would like to return it für Rückfragen stehen wir gerne zur Verfügung " +
		"votre commande a été expédiée hier matin thank you for your patience invoice delivery Größe 42 café naïve")
	for i := range 50 {
		var b strings.Builder
		fmt.Fprintf(&b, "From: Shop %d <shop%d@x.example>\r\nTo: help@y.example\r\nSubject: Offer %d\r\nMessage-ID: <%d@x.example>\r\n"+
			"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"+
			"Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><head><style>td { padding: 4px }</style></head><body><table>", i, i, i, i)
		for b.Len() < 40<<10 {
			b.WriteString("\r\n<tr><td style=3D\"padding:4px;color:#333\"><p>")
			for range 12 {
				b.WriteString(quote(words[random.IntN(len(words))]) + " ")
			}
			fmt.Fprintf(&b, "=\r\n</p><a href=3D\"https://x.example/%d\"><img src=3D\"https://x.example/%d.png\" alt=3D\"picture\"> more</a></td></tr>", i, b.Len())
		}
		b.WriteString("</table></body></html>\r\n")
		mails = append(mails, []byte(b.String()))
	}
	return mails
}

func quote(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}
