package mail

import (
	"bytes"
	"io"
)

// A quotedReader decodes quoted-printable (RFC 2045 §6.7): lower-case digits, lines of any length and "=" that escapes
// nothing are all taken.
type quotedReader struct {
	src  []byte // what follows the current line
	line []byte // the rest of the current line
	tail []byte // the line ending to write after it
	bad  int
}

func (r *quotedReader) broken() int { return r.bad }

// Read implements [io.Reader].
func (r *quotedReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case len(r.line) > 0 && r.line[0] == '=':
			p[n] = r.escape()
			n++
		case len(r.line) > 0:
			run := r.line
			if i := bytes.IndexByte(run, '='); i >= 0 {
				run = run[:i]
			}
			k := copy(p[n:], run)
			r.line = r.line[k:]
			n += k
		case len(r.tail) > 0:
			k := copy(p[n:], r.tail)
			r.tail = r.tail[k:]
			n += k
		case len(r.src) == 0:
			if n == 0 && len(p) > 0 {
				err = io.EOF
			}
			return n, err
		default:
			r.next()
		}
	}
	return n, nil
}

// escape reads "=XX"; an "=" before anything else stands for itself.
func (r *quotedReader) escape() byte {
	if len(r.line) >= 3 && isHex(r.line[1]) && isHex(r.line[2]) {
		c := unhex(r.line[1])<<4 | unhex(r.line[2])
		r.line = r.line[3:]
		return c
	}
	r.bad++
	r.line = r.line[1:]
	return '='
}

// next takes the next line: white space at its end was added on the way and goes, "=" there joins it to the one after.
func (r *quotedReader) next() {
	end := lineEnd(r.src, 0)
	line := trimEOL(r.src[:end])
	r.tail = r.src[len(line):end]
	r.src = r.src[end:]
	for len(line) > 0 && (line[len(line)-1] == ' ' || line[len(line)-1] == '\t') {
		line = line[:len(line)-1]
	}
	if len(line) > 0 && line[len(line)-1] == '=' {
		line, r.tail = line[:len(line)-1], nil
	}
	r.line = line
}
