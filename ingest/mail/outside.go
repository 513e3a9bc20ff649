package mail

import (
	"bytes"
	"slices"
	"strings"
)

// Limits on the text that is kept from outside of parts.
const (
	outsideTexts = 10
	outsideBytes = 64 << 10
)

// noteOutside keeps what stands before the first part of a multipart or after its last. RFC 2046 §5.1.1 has it ignored, and so it
// is as long as there is other text; but a message that says nothing else must not look empty.
func (w *walker) noteOutside(from, to int) {
	if len(w.outside) >= outsideTexts || from >= to {
		return
	}
	text := bytes.TrimSpace(clipBytes(w.raw[from:to], outsideBytes))
	if len(text) == 0 || isBoilerplate(text) {
		return
	}
	s := lines(plain(string(text)))
	w.m.defectOnce(DefectOutside, oneLine(clip(s, 80)))
	w.outside = append(w.outside, s)
}

// isBoilerplate reports whether text is what programs write before the parts for readers that know no MIME, or the dashes
// and dots of delimiters that went wrong.
func isBoilerplate(text []byte) bool {
	if len(bytes.Trim(text, "-=_.* \r\n")) == 0 {
		return true
	}
	head := bytes.ToLower(clipBytes(text, 1000))
	return bytes.Contains(head, []byte("mime")) || bytes.HasPrefix(head, []byte("this is a multi")) ||
		bytes.HasPrefix(text, []byte("--")) && bytes.IndexByte(text, '\n') < 0
}

// outsideText is the text of a message whose parts have none.
func (w *walker) outsideText() string {
	return strings.TrimSpace(strings.Join(w.outside, "\n\n"))
}

// gluedEnd returns where the leaf from pos to end really ends, when the innermost multipart has not been closed: its closing
// delimiter may stand at the end of a line instead of on one of its own, as it does behind data that a program wrote without a
// line ending.
func (w *walker) gluedEnd(pos, end int) int {
	l := &w.stack[len(w.stack)-1]
	if w.leaf < 0 || l.closed || !w.spend(end-pos) {
		return end
	}
	mark := slices.Concat([]byte("--"), l.boundary, []byte("--"))
	i := bytes.LastIndex(w.raw[pos:end], mark)
	if i <= 0 || len(bytes.Trim(w.raw[pos+i+len(mark):lineEnd(w.raw, pos+i)], " \t\r\n")) > 0 {
		return end
	}
	l.closed = true
	w.m.defectOnce(DefectBoundary, string(l.boundary))
	w.noteOutside(pos+i+len(mark), end)
	return pos + i
}
