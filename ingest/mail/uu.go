package mail

import (
	"bytes"
	"io"
)

// A uuReader decodes uuencoded data, as one block with its "begin" line or without.
type uuReader struct {
	src []byte
	out []byte
	buf [uuLine]byte
	bad int
	end bool
}

// uuLine is more than a line can hold: its length is one character of six bits.
const uuLine = 66

func (r *uuReader) broken() int { return r.bad }

// Read implements [io.Reader].
func (r *uuReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.out) > 0 {
			k := copy(p[n:], r.out)
			r.out = r.out[k:]
			n += k
			continue
		}
		if len(r.src) == 0 || r.end {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		stop := lineEnd(r.src, 0)
		line := trimEOL(r.src[:stop])
		r.src = r.src[stop:]
		r.line(line)
	}
	return n, nil
}

// line decodes one line: a length, then four characters for every three bytes.
func (r *uuReader) line(line []byte) {
	switch {
	case len(line) == 0 || bytes.HasPrefix(line, []byte("begin ")):
		return
	case bytes.Equal(line, []byte("end")):
		r.end = true
		return
	case line[0] < ' ' || line[0] > '`':
		r.bad++
		return
	}
	size := int(line[0]-' ') & 63
	line = line[1:]
	n := 0
	for n < size {
		var q [4]byte
		for i := range q {
			if i < len(line) {
				q[i] = (line[i] - ' ') & 63
			}
		}
		if len(line) == 0 {
			r.bad++
			break
		}
		r.buf[n], r.buf[n+1], r.buf[n+2] = q[0]<<2|q[1]>>4, q[1]<<4|q[2]>>2, q[2]<<6|q[3]
		n += 3
		line = line[min(4, len(line)):]
	}
	r.out = r.buf[:min(n, size)]
}
