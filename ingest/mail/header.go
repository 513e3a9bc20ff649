package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// A Field is one header field (RFC 5322 §2.2), in the order and with the name that the message has. Value is unfolded
// and its encoded words (RFC 2047) are decoded.
type Field struct {
	Name  string
	Value string

	raw string // unfolded, the bytes as they came: what addresses and parameters are read from
}

// A rawField is a field as it lies in the message: the value, still folded, from start to end.
type rawField struct {
	name       []byte
	start, end int
}

// A headerScan reads one header block, line by line, salvaging what is broken.
type headerScan struct {
	raw    []byte
	fields []rawField
	stop   func(line []byte) bool // a delimiter of an enclosing multipart
	odd    func(kind, line string)
}

// scan reads the block that begins at pos and returns where the body begins. A block ends at an empty line, at a
// delimiter, or where the lines plainly are no header any more.
func (s *headerScan) scan(pos int) int {
	s.fields = s.fields[:0]
	for pos < len(s.raw) {
		next := lineEnd(s.raw, pos)
		line := trimEOL(s.raw[pos:next])
		switch {
		case len(line) == 0:
			return next
		case s.stop != nil && len(line) > 2 && line[0] == '-' && line[1] == '-' && s.stop(line):
			return pos
		case line[0] == ' ' || line[0] == '\t':
			if len(bytes.TrimSpace(line)) == 0 && !s.headerFollows(next) {
				return next // an "empty" line with white space in it
			}
			s.fold(pos, line)
		case !s.field(pos, line):
			if !s.headerFollows(next) {
				s.odd(DefectNoBlankLine, string(clipBytes(line, 80)))
				return pos
			}
			s.odd(DefectHeaderLine, string(clipBytes(line, 80)))
			s.junk(pos, line)
		}
		pos = next
	}
	return pos
}

// field takes a line as the first of a field; false when it does not look like one. RFC 5322 §4.5 allows white space
// before the colon.
func (s *headerScan) field(pos int, line []byte) bool {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return false
	}
	name := bytes.TrimRight(line[:i], " \t")
	if len(name) > maxFieldName {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	if !isASCII(name) { // RFC 5322 §2.2 forbids it, but one odd name must not end the header
		s.odd(DefectHeaderLine, string(clipBytes(line, 80)))
	}
	s.add(name, pos+i+1, pos+len(line))
	return true
}

// add keeps a field, as long as there are not too many.
func (s *headerScan) add(name []byte, start, end int) {
	if len(s.fields) == FieldLimit {
		s.odd(DefectTooMany, "header fields")
		return
	}
	s.fields = append(s.fields, rawField{name, start, end})
}

// maxFieldName bounds a field's name; the longest seen in real mail has 70 bytes.
const maxFieldName = 256

// fold extends the last field by the continuation line at pos. Between the two lie line endings only, so nothing is copied.
func (s *headerScan) fold(pos int, line []byte) {
	if len(s.fields) == 0 {
		s.odd(DefectHeaderLine, string(clipBytes(line, 80)))
		return
	}
	s.fields[len(s.fields)-1].end = pos + len(line)
}

// junk keeps a line that is no field but stands among fields. With a colon it is a field with an odd name; when it
// begins with the name of a well-known field the colon is what was lost; otherwise it continues the field before it.
func (s *headerScan) junk(pos int, line []byte) {
	if i := bytes.IndexByte(line, ':'); i > 0 && i <= maxFieldName {
		s.add(bytes.TrimSpace(line[:i]), pos+i+1, pos+len(line))
		return
	}
	if i := bytes.IndexByte(line, ' '); i > 0 && wellKnown(line[:i]) {
		s.add(line[:i], pos+i+1, pos+len(line))
		return
	}
	if len(s.fields) > 0 {
		s.fold(pos, line)
	}
}

// How far headerFollows looks. Both keep the scan linear.
const (
	lookaheadLines = 16
	lookaheadBytes = 4096
)

// headerFollows reports whether a well-known field comes before the next empty line: then an odd line stands inside the
// header, otherwise the header is over.
func (s *headerScan) headerFollows(pos int) bool {
	window := s.raw[pos:min(len(s.raw), pos+lookaheadBytes)]
	for range lookaheadLines {
		if len(window) == 0 {
			return false
		}
		n := lineEnd(window, 0)
		line := trimEOL(window[:n])
		if len(line) == 0 {
			return false
		}
		if i := bytes.IndexByte(line, ':'); i > 0 && wellKnown(bytes.TrimRight(line[:i], " \t")) {
			return true
		}
		window = window[n:]
	}
	return false
}

// wellKnown reports whether name is a field that a message's text would hardly begin a line with.
func wellKnown(name []byte) bool {
	var buf [32]byte
	if len(name) > len(buf) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	switch n := string(buf[:len(name)]); n {
	case "from", "to", "cc", "bcc", "subject", "date", "sender", "reply-to", "return-path", "received", "message-id",
		"in-reply-to", "references", "mime-version", "delivered-to", "list-id", "precedence", "auto-submitted",
		"dkim-signature", "authentication-results", "user-agent", "importance", "organization":
		return true
	default:
		return strings.HasPrefix(n, "content-") || strings.HasPrefix(n, "x-") || strings.HasPrefix(n, "arc-") ||
			strings.HasPrefix(n, "list-") || strings.HasPrefix(n, "resent-")
	}
}

// lineEnd returns where the line after the one at pos begins.
func lineEnd(b []byte, pos int) int {
	if i := bytes.IndexByte(b[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(b)
}

// trimEOL returns line without its line ending; some senders write CR CR LF.
func trimEOL(line []byte) []byte {
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		n--
	}
	for n > 0 && line[n-1] == '\r' {
		n--
	}
	return line[:n]
}

func clipBytes(b []byte, n int) []byte {
	return b[:min(n, len(b))]
}

// unfold joins the lines of a field's value (RFC 5322 §2.2.3); tabs become spaces, and so does the end of a line that
// strayed into the value.
func unfold(v []byte) []byte {
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\t') < 0 && bytes.IndexByte(v, '\r') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for len(v) > 0 {
		n := lineEnd(v, 0)
		out = append(out, trimEOL(v[:n])...)
		if v = v[n:]; len(v) > 0 && v[0] != ' ' && v[0] != '\t' {
			out = append(out, ' ')
		}
	}
	for i, c := range out {
		if c == '\t' || c == '\r' { // a bare CR must not become a line of another header
			out[i] = ' '
		}
	}
	return out
}

// fieldBytes returns an unfolded value as a string, still in its own charset, except that ISO-2022-JP without encoded words
// is decoded: its bytes look like quotes and commas.
func fieldBytes(v []byte) string {
	v = unfold(v)
	if looksISO2022JP(v) && !bytes.Contains(v, []byte("=?")) {
		text, _ := guessed(v)
		return text
	}
	return string(v)
}

// Get returns the decoded value of the first header field with this name, in any case, or "".
func (m *Mail) Get(name string) string {
	if f := m.field(name); f != nil {
		return f.Value
	}
	return ""
}

// field returns the first header field with this name, or nil.
func (m *Mail) field(name string) *Field {
	for i := range m.Header {
		if f := &m.Header[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// readHeader turns the raw fields of the message's own header into m.Header.
func (m *Mail) readHeader(raw []byte, fields []rawField) {
	m.Header = make([]Field, 0, len(fields))
	declared, looked := "", false
	for _, r := range fields {
		name := Clean(string(r.name))
		text := fieldBytes(raw[r.start:r.end])
		if !utf8.ValidString(text) {
			m.defectOnce(DefectHeader8Bit, name)
			if !looked { // once: a header can be long
				declared, looked = declaredCharset(raw, fields), true
			}
			if decoded, ok := convert([]byte(text), declared); ok && readable(decoded) && !strings.Contains(text, "=?") {
				text = decoded // whoever sends such a header writes it and the body in one charset
			}
		}
		value, ok := decodeWords(text)
		if !ok {
			m.defectOnce(DefectEncodedWord, name)
		}
		m.Header = append(m.Header, Field{Name: name, Value: value, raw: text})
	}
}

// declaredCharset returns the charset that the message declares for its body, "" where that says nothing about bytes beyond ASCII.
func declaredCharset(raw []byte, fields []rawField) string {
	for _, f := range fields {
		if bytes.EqualFold(f.name, []byte("Content-Type")) {
			_, kind := parseParams(fieldBytes(raw[f.start:f.end]))
			switch label := canonicalCharset(kind.get("charset")); label {
			case "us-ascii", "utf-8", "utf-7", "utf-16":
				return ""
			default:
				return label
			}
		}
	}
	return ""
}
