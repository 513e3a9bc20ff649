package mail

import (
	"bytes"
	"encoding/base64"
	"io"
)

// A base64Reader decodes base64 (RFC 2045 §6.8) and forgives what breaks it in mail: bytes that do not belong, padding in
// the middle where two encodings were joined, a cut-off end, and a footer that a mailing list wrote below it.
type base64Reader struct {
	src    []byte
	out    []byte // decoded, not yet read
	buf    [base64Chunk / 4 * 3]byte
	bits   uint32 // a quantum that has begun
	count  int    // characters in it
	padded bool   // padding has been seen
	bad    int
}

// base64Chunk is how many characters are decoded at once, at most; a multiple of 4.
const base64Chunk = 1024

func (r *base64Reader) broken() int { return r.bad }

// Read implements [io.Reader].
func (r *base64Reader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.out) > 0 {
			k := copy(p[n:], r.out)
			r.out = r.out[k:]
			n += k
			continue
		}
		if len(r.src) == 0 && r.count == 0 {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		n += r.fill(p[n:])
	}
	return n, nil
}

// fill decodes the next piece of a line: straight into p where it is clean and fits, else into r.out.
func (r *base64Reader) fill(p []byte) int {
	if len(r.src) == 0 {
		r.flush(0)
		return 0
	}
	end := min(len(r.src), base64Chunk)
	piece := r.src[:end]
	if i := bytes.IndexByte(piece, '\n'); i >= 0 {
		piece, end = trimEOL(piece[:i]), i+1
	}
	r.src = r.src[end:]
	dst := r.buf[:]
	if len(p) >= len(piece)/4*3 {
		dst = p
	}
	if r.count == 0 && !r.padded && len(piece)%4 == 0 {
		if n, err := base64.StdEncoding.Decode(dst, piece); err == nil {
			if len(piece) > 0 && piece[len(piece)-1] == '=' {
				r.padded = true
			}
			if &dst[0] == &p[0] {
				return n
			}
			r.out = dst[:n]
			return 0
		}
	}
	r.salvage(piece)
	return 0
}

// salvage decodes a piece byte by byte, skipping what is not base64. After padding, a piece that does not look like
// base64 is a footer and ends the data.
func (r *base64Reader) salvage(piece []byte) {
	if r.padded && !allBase64(piece) {
		if len(bytes.TrimSpace(piece)) > 0 {
			r.bad++
			r.src = nil
		}
		return
	}
	n := 0
	for i, c := range piece {
		switch v := base64Value[c]; {
		case v < 64:
			r.bits = r.bits<<6 | uint32(v)
			if r.count++; r.count == 4 {
				r.buf[n], r.buf[n+1], r.buf[n+2] = byte(r.bits>>16), byte(r.bits>>8), byte(r.bits)
				n += 3
				r.bits, r.count = 0, 0
			}
		case c == '=':
			r.padded = true
			n = r.flush(n)
		case r.padded && (c == ' ' || c == '\t') && len(bytes.TrimSpace(piece[i:])) > 0:
			r.bad++
			r.src, r.out = nil, r.buf[:n]
			return
		case c != ' ' && c != '\t' && c != '\r':
			r.bad++
		}
	}
	r.out = r.buf[:n]
}

// flush writes what a quantum cut short still holds, after the n bytes already in the buffer.
func (r *base64Reader) flush(n int) int {
	switch r.count {
	case 2:
		r.buf[n] = byte(r.bits >> 4)
		n++
	case 3:
		r.buf[n], r.buf[n+1] = byte(r.bits>>10), byte(r.bits>>2)
		n += 2
	case 1:
		r.bad++
	}
	r.bits, r.count = 0, 0
	r.out = r.buf[:n]
	return n
}

func allBase64(b []byte) bool {
	for _, c := range b {
		if !isBase64(c) && c != '=' && c != ' ' {
			return false
		}
	}
	return len(b) > 0
}

// base64Value maps a character to its six bits; 64 and more are no base64. The URL alphabet is read too.
var base64Value = func() (t [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = 64
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()
