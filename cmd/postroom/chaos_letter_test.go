package main_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A letter is a mail that a test sends, unlike any other.
type letter struct {
	id   string // Message-ID without its brackets
	root string // that of the first mail of its thread, its own if it is that
	from string // the customer, who is the same throughout a thread
	data []byte // as it goes over the line, dot-stuffed, without the final dot
}

// makeLetters writes n mails: one in five replies to an earlier one, one in ten
// carries an attachment.
func makeLetters(rng *rand.Rand, n int) []*letter {
	run := rng.Uint64()
	letters := make([]*letter, n)
	for i := range letters {
		l := &letter{id: fmt.Sprintf("%016x.%d@sender.test", run, i)}
		l.root, l.from = l.id, fmt.Sprintf("customer%d@sender.test", i)
		var parent *letter
		if i > 0 && rng.IntN(5) == 0 {
			parent = letters[max(0, i-1-rng.IntN(60))]
			l.root, l.from = parent.root, parent.from
		}
		l.data = l.write(rng, i, parent)
		letters[i] = l
	}
	return letters
}

func (l *letter) write(rng *rand.Rand, i int, parent *letter) []byte {
	var b bytes.Buffer
	subject := fmt.Sprintf("Order %d has not arrived", i)
	if parent != nil {
		subject = "Re: your question"
	}
	fmt.Fprintf(&b, "From: Customer %d <%s>\r\nTo: Support <support@desk.test>\r\nSubject: %s\r\n", i, l.from, subject)
	fmt.Fprintf(&b, "Date: Mon, 2 Mar 2026 10:%02d:%02d +0000\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\n", i/60%60, i%60, l.id)
	if parent != nil {
		fmt.Fprintf(&b, "In-Reply-To: <%s>\r\nReferences: <%s>", parent.id, l.root)
		if parent.id != l.root {
			fmt.Fprintf(&b, "\r\n <%s>", parent.id)
		}
		b.WriteString("\r\n")
	}
	text := words(rng, 20+rng.IntN(400))
	if rng.IntN(10) > 0 {
		fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", text)
		return b.Bytes()
	}
	const edge = "=_edge"
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n", edge)
	fmt.Fprintf(&b, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", edge, text)
	fmt.Fprintf(&b, "--%s\r\nContent-Type: application/pdf; name=\"invoice.pdf\"\r\n", edge)
	fmt.Fprintf(&b, "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"invoice.pdf\"\r\n\r\n")
	writeBase64(&b, rng, 1_000+rng.IntN(60_000))
	fmt.Fprintf(&b, "--%s--\r\n", edge)
	return b.Bytes()
}

// words returns n words in lines, some of which begin with a dot on the line.
func words(rng *rand.Rand, n int) string {
	lexicon := strings.Fields("lamp order shade invoice parcel delivery refund question broken cable answer please thanks größe façade привет 電気")
	var b strings.Builder
	for i := range n {
		switch {
		case i > 0 && i%12 == 0 && rng.IntN(8) == 0:
			b.WriteString("\r\n..") // a stuffed dot (RFC 5321 §4.5.2)
		case i > 0 && i%12 == 0:
			b.WriteString("\r\n")
		case i > 0:
			b.WriteByte(' ')
		}
		b.WriteString(lexicon[rng.IntN(len(lexicon))])
	}
	return b.String()
}

func writeBase64(b *bytes.Buffer, rng *rand.Rand, n int) {
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(rng.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(content)
	for len(text) > 0 {
		line := text[:min(76, len(text))]
		text = text[len(line):]
		b.WriteString(line)
		b.WriteString("\r\n")
	}
}
