package mail

import (
	"bytes"
	"io"
	"strconv"
)

// A yencReader decodes one yEnc block: its "=ybegin" line, data, and its "=yend" line, if that is there.
type yencReader struct {
	src    []byte // after the current line
	line   []byte // the rest of the current line
	escape bool
	end    bool
	bad    int
}

func (r *yencReader) broken() int { return r.bad }

// Read implements [io.Reader].
func (r *yencReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.line) == 0 {
			if r.end || len(r.src) == 0 {
				if n == 0 && len(p) > 0 {
					err = io.EOF
				}
				return n, err
			}
			r.next()
			continue
		}
		c := r.line[0]
		r.line = r.line[1:]
		switch {
		case r.escape:
			r.escape = false
			p[n] = c - 64 - 42
			n++
		case c == '=':
			r.escape = true
		default:
			p[n] = c - 42
			n++
		}
	}
	return n, nil
}

// next takes the next line of data; the lines that describe the block hold none.
func (r *yencReader) next() {
	stop := lineEnd(r.src, 0)
	line := trimEOL(r.src[:stop])
	r.src = r.src[stop:]
	switch {
	case bytes.HasPrefix(line, []byte("=yend")):
		r.end = true
	case bytes.HasPrefix(line, []byte("=ybegin ")), bytes.HasPrefix(line, []byte("=ypart ")):
	case bytes.HasPrefix(line, []byte("..")): // stuffed on its way through news
		r.line = line[1:]
	default:
		r.line = line
	}
}

// yencBlock finds the next yEnc block in text from pos. name is the file's, and size its length, -1 where it is not said.
func yencBlock(text []byte, pos int) (b fileBlock, ok bool) {
	for pos < len(text) {
		i := bytes.Index(text[pos:], []byte("=ybegin "))
		if i < 0 {
			return b, false
		}
		b.start = pos + i
		body := lineEnd(text, b.start)
		line := trimEOL(text[b.start:body])
		pos = body
		if b.start > 0 && text[b.start-1] != '\n' || !bytes.Contains(line, []byte(" line=")) && !bytes.Contains(line, []byte(" size=")) {
			continue
		}
		b.encoding, b.size, b.end = encodingYenc, yencSize(line), len(text)
		if _, name, found := bytes.Cut(line, []byte(" name=")); found {
			b.name = safeFilename(plain(string(bytes.TrimSpace(name))))
		}
		if bytes.HasPrefix(text[body:], []byte("=ypart ")) {
			b.size = -1 // of the whole file, of which this is a piece
		}
		if j := bytes.Index(text[body:], []byte("\n=yend")); j >= 0 {
			b.end = lineEnd(text, body+j+1)
		}
		return b, true
	}
	return b, false
}

func yencSize(line []byte) int64 {
	_, v, found := bytes.Cut(line, []byte(" size="))
	if !found {
		return -1
	}
	v, _, _ = bytes.Cut(v, []byte(" "))
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
