package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoteRuns decides the quoted lines that no anchor has settled. A quote is folded when nothing fresh follows it, and
// when one answer stands below the whole of an introduced quote. Otherwise it stays, for answers below quotes mean
// nothing without them.
func (t *trimmer) quoteRuns() {
	t.wrapped()
	firstFresh, lastFresh := len(t.lines), -1
	for i := range t.lines {
		if t.lines[i].kind == kindFresh {
			firstFresh, lastFresh = min(firstFresh, i), i
		}
	}
	lastQuote := -1
	for i := range t.lines {
		if t.lines[i].tag == lineQuote && t.lines[i].kind == 0 {
			lastQuote = i
		}
	}
	if lastFresh < 0 && !t.settled() && !t.introduced() {
		lastFresh = len(t.lines) // a quote is all there is
	}
	below := lastQuote < firstFresh && lastFresh >= 0 && t.introduced()
	for i := range t.lines {
		if t.lines[i].tag != lineQuote || t.lines[i].kind != 0 {
			continue
		}
		t.lines[i].kind = kindAnswered
		if i > lastFresh || below {
			t.lines[i].kind = kindQuoted
		}
	}
}

// settled reports whether an anchor has found something to fold or a forward.
func (t *trimmer) settled() bool {
	for i := range t.lines {
		if k := t.lines[i].kind; k == kindQuoted || k == kindForwarded {
			return true
		}
	}
	return false
}

// introduced reports whether something says whose words the first quote is: an anchor above it, or an attribution that
// is quoted itself.
func (t *trimmer) introduced() bool {
	if len(t.anchors) > 0 || t.known {
		return true
	}
	for i := range t.lines {
		if t.lines[i].tag == lineQuote {
			return t.attributionInQuote(i)
		}
	}
	return false
}

// quotedLead is how many quoted lines are searched for an attribution.
const quotedLead = 4

// attributionInQuote reports whether the quote that begins at line i begins with an attribution.
func (t *trimmer) attributionInQuote(i int) bool {
	var window strings.Builder
	for n := 0; n < quotedLead && i < len(t.lines) && t.lines[i].tag == lineQuote; i++ {
		line := unquoted(t.line(i))
		if line == "" {
			continue
		}
		n++
		window.WriteString(clip(line, maxAttributionLine))
		window.WriteByte(' ')
		if endsLikeAttribution(line) && readAttribution(window.String()).accepted() {
			return true
		}
	}
	return false
}

// unquoted returns a quoted line without its marks.
func unquoted(line string) string {
	return strings.TrimSpace(strings.TrimLeft(line, "> \t|"))
}

// The lengths in bytes by which wrapped tells the tail of a long quoted line from an answer.
const (
	wrapLong = 66
	wrapTail = 16
)

// wrapped finds the tails that bad wrapping has left between quoted lines: a short line that begins in lower case right
// below a long quoted one and right above another that goes on.
func (t *trimmer) wrapped() {
	for i := 1; i+1 < len(t.lines); i++ {
		l := &t.lines[i]
		if l.kind != kindFresh || t.lines[i-1].tag != lineQuote || t.lines[i+1].tag != lineQuote {
			continue
		}
		above, line := t.line(i-1), t.line(i)
		first, _ := utf8.DecodeRuneInString(line)
		if unquoted(t.line(i+1)) == "" {
			continue
		}
		if len(above) >= wrapLong && len(line) <= wrapTail && unicode.IsLower(first) && !strings.ContainsAny(above[len(above)-1:], ".!?:") {
			l.kind, l.tag = 0, lineQuote
		}
	}
}
