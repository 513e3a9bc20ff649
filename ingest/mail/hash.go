package mail

import (
	"bytes"
	"crypto/sha256"
	"hash"
)

// traceFields are the header fields that deliveries add or change, in lower case. They differ between two copies of
// one message and say nothing about what its sender wrote. DKIM-Signature is not among them: the sender's system made
// it, and a copy signed anew has been sent anew.
var traceFields = map[string]bool{
	"received": true, "x-received": true, "return-path": true, "delivered-to": true, "x-delivered-to": true,
	"x-original-to": true, "x-original-delivered-to": true, "envelope-to": true, "x-envelope-to": true,
	"x-envelope-from": true, "x-forwarded-to": true, "x-forwarded-for": true, "x-resolved-to": true,
	"authentication-results": true, "received-spf": true, "dkim-filter": true, "dmarc-filter": true, "openarc-filter": true,
	"x-gm-message-state": true, "x-google-smtp-source": true, "x-google-dkim-signature": true,
	"x-virus-scanned": true, "x-virus-status": true, "x-spam": true, "x-bogosity": true, "delivery-date": true,
	"status": true, "x-status": true, "x-keywords": true, "x-uid": true, "x-imapbase": true,
	"content-length": true, "lines": true, "x-sieve": true,
}

// tracePrefixes are the beginnings of such fields' names.
var tracePrefixes = []string{
	"arc-", "x-spam-", "x-rspamd-", "x-spamd-", "x-amavis-", "x-mozilla-", "x-postroom-",
	"x-ms-exchange-organization-", "x-ms-exchange-crosstenant-", "x-ms-exchange-transport-",
	"x-forefront-", "x-microsoft-antispam", "x-ovh-", "x-originalarrival",
}

// maxTraceName is longer than any name above needs.
const maxTraceName = 64

// ContentHash returns a message's identity: the SHA-256 of raw without the fields that each delivery adds (Received,
// Return-Path, Delivered-To, Authentication-Results, ARC-*, X-Spam-* and their like), with every line ending as LF and
// without empty lines at the end. Two deliveries of one message have the same ContentHash; a changed letter in the
// subject or body gives another. It costs one pass and no parsing.
func ContentHash(raw []byte) [32]byte {
	w := lineHash{h: sha256.New()}
	if isMboxLine(raw) {
		raw = raw[lineLen(raw):]
	}
	skip := false
	for len(raw) > 0 {
		n := lineLen(raw)
		line := raw[:n]
		if isBlank(line) {
			break // what follows is the body
		}
		if line[0] != ' ' && line[0] != '\t' {
			skip = isTrace(line)
		}
		if !skip {
			w.write(line)
		}
		raw = raw[n:]
	}
	w.write(bytes.TrimRight(raw, "\r\n"))
	return w.sum()
}

// lineLen returns the length of b's first line, its ending included: LF, CRLF, or CR alone.
func lineLen(b []byte) int {
	for i, c := range b {
		switch {
		case c == '\n':
			return i + 1
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			return i + 2
		case c == '\r':
			return i + 1
		}
	}
	return len(b)
}

// isMboxLine reports whether b begins with the line that separates messages in a mailbox file (RFC 4155). "From :" is a
// header field, written with a space.
func isMboxLine(b []byte) bool {
	return bytes.HasPrefix(b, []byte("From ")) && !bytes.HasPrefix(b, []byte("From :"))
}

func isBlank(line []byte) bool {
	return line[0] == '\n' || line[0] == '\r'
}

// isTrace reports whether a header line begins a field that a delivery added.
func isTrace(line []byte) bool {
	var buf [maxTraceName]byte
	name := buf[:0]
	for _, c := range line {
		if c == ':' || c == ' ' || c == '\t' {
			break
		}
		if len(name) == maxTraceName {
			return false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		name = append(name, c)
	}
	if traceFields[string(name)] {
		return true
	}
	for _, p := range tracePrefixes {
		if len(name) >= len(p) && string(name[:len(p)]) == p {
			return true
		}
	}
	return false
}

// A lineHash feeds a hash through a buffer, with line endings made LF.
type lineHash struct {
	h   hash.Hash
	buf [4096]byte
	n   int
	cr  bool // the last byte was a CR that has been written as LF
}

func (w *lineHash) write(b []byte) {
	for len(b) > 0 {
		if w.cr {
			w.cr = false
			if b[0] == '\n' {
				b = b[1:]
				continue
			}
		}
		if w.n == len(w.buf) {
			w.flush()
		}
		run := b[:min(len(b), len(w.buf)-w.n)]
		i := bytes.IndexByte(run, '\r')
		if i >= 0 {
			run = run[:i+1]
		}
		w.n += copy(w.buf[w.n:], run)
		if i >= 0 {
			w.buf[w.n-1] = '\n'
			w.cr = true
		}
		b = b[len(run):]
	}
}

func (w *lineHash) flush() {
	w.h.Write(w.buf[:w.n])
	w.n = 0
}

func (w *lineHash) sum() [32]byte {
	w.flush()
	var sum [32]byte
	w.h.Sum(sum[:0])
	return sum
}
