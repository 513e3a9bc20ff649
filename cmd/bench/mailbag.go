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
	"regexp"
	"strings"
)

// A mailbag holds mails to send, no two alike.
type mailbag struct {
	origin string // in words
	path   string // of the corpus, "" without
	mails  [][]byte
}

// openMailbag reads the corpus of real mails; without it the mails are made up.
func openMailbag() (*mailbag, error) {
	dir := os.Getenv("POSTROOM_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "shared", "corpora")
	}
	path := filepath.Join(dir, "spam", "spamassassin.tar.gz")
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		say("no %s: real mails are skipped, and made-up ones take their place elsewhere (POSTROOM_CORPORA names the folder)", path)
		return madeUp(3_000), nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b := &mailbag{path: path}
	if b.mails, err = readArchive(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	size := 0
	for _, m := range b.mails {
		size += len(m)
	}
	b.origin = fmt.Sprintf("real mails: the SpamAssassin corpus, %d mails, %d octets in the mean", len(b.mails), size/len(b.mails))
	return b, nil
}

func (b *mailbag) real() bool { return b.path != "" }

func readArchive(r io.Reader) ([][]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	var mails [][]byte
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return mails, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(filepath.Base(h.Name), ".") {
			continue
		}
		raw, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(raw, []byte("From ")) { // an mbox separator is no part of the mail
			_, raw, _ = bytes.Cut(raw, []byte("\n"))
		}
		mails = append(mails, raw)
	}
}

// madeUp writes n plain mails of some 2 to 8 KB.
func madeUp(n int) *mailbag {
	rng := rand.New(rand.NewPCG(1, 2))
	b := &mailbag{origin: "made-up mails, 5 KB in the mean: the corpus of real mails is absent"}
	for i := range n {
		b.mails = append(b.mails, letter(rng, fmt.Sprintf("%d.%d@bench.test", rng.Uint64(), i), 2_000+rng.IntN(6_000)))
	}
	return b
}

// letter writes a plain mail with a body of so many octets.
func letter(rng *rand.Rand, id string, size int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Customer <customer@sender.test>\nTo: support@bench.test\nSubject: Question %x\n", rng.Uint32())
	fmt.Fprintf(&b, "Date: Mon, 2 Mar 2026 10:00:00 +0000\nMessage-ID: <%s>\n\n", id)
	for end := b.Len() + size; b.Len() < end; {
		for range 10 {
			word := make([]byte, 2+rng.IntN(8))
			for i := range word {
				word[i] = byte('a' + rng.IntN(26))
			}
			b.Write(word)
			b.WriteByte(' ')
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

var (
	idFields = regexp.MustCompile(`(?im)^(message-id|in-reply-to|references):.*(\r?\n[ \t].*)*`)
	subject  = regexp.MustCompile(`(?im)^subject:.*(\r?\n[ \t].*)*`)
)

// mail returns the i-th mail as it goes over the line. When all have been handed
// out they come again, with other Message-IDs and subjects: threads are new ones then.
func (b *mailbag) mail(i int) []byte {
	raw := b.mails[i%len(b.mails)]
	if again := i / len(b.mails); again > 0 {
		mark := fmt.Appendf(nil, "<again%d.", again)
		head, body, ok := bytes.Cut(raw, []byte("\n\n"))
		head = idFields.ReplaceAllFunc(head, func(f []byte) []byte { return bytes.ReplaceAll(f, []byte("<"), mark) })
		head = subject.ReplaceAllFunc(head, func(f []byte) []byte { return fmt.Appendf(nil, "%s %d", bytes.TrimRight(f, "\r"), again) })
		raw = fmt.Appendf(nil, "X-Again: %d\n%s", again, head)
		if ok {
			raw = append(append(raw, "\n\n"...), body...)
		}
	}
	return onTheLine(raw)
}

// take returns mails from one place of the bag on, ready to be sent.
func (b *mailbag) take(from, n int) [][]byte {
	mails := make([][]byte, n)
	for i := range mails {
		mails[i] = b.mail(from + i)
	}
	return mails
}

// onTheLine returns a mail as DATA carries it: lines end in CRLF, a leading dot is
// doubled (RFC 5321 §4.5.2), and the final dot ends it.
func onTheLine(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/20+5)
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		if len(line) > 0 && line[0] == '.' {
			out = append(out, '.')
		}
		out = append(append(out, bytes.TrimSuffix(line, []byte("\r"))...), "\r\n"...)
	}
	return append(out, ".\r\n"...)
}
