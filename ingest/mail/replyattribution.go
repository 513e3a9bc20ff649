package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on an attribution: longer ones than "On … wrote:" over this many lines are not looked for.
const (
	maxAttributionLines = 6
	maxAttributionLine  = 300 // bytes of one line that are read
	maxAttribution      = 600 // bytes of all
)

// attributionAt returns the attribution whose last line is i. Mail programs wrap it wherever they like, so the lines
// above are tried too, the fewest first.
func (t *trimmer) attributionAt(i int) (anchor, bool) {
	last := t.line(i)
	if len(last) > maxAttribution {
		return anchor{}, false
	}
	if !endsLikeAttribution(last) {
		return t.datedLine(i, last)
	}
	if t.looks++; t.looks > maxLooks {
		return anchor{}, false
	}
	window, loose, first := "", -1, i
	for n := 0; n < maxAttributionLines && first >= 0; n++ {
		line := t.line(first)
		window = line + " " + window
		if len(window) > maxAttribution {
			break
		}
		a := readAttribution(window)
		if a.accepted() {
			if a.opens && (n == 0 || readAttribution(line).dated()) {
				return anchor{first: t.nameAbove(first, a), last: i + 1}, true
			}
			if loose < 0 && !a.opens && (n == 0 || readAttribution(line).named()) {
				loose = first
			}
		}
		if first = t.above(first); first < 0 {
			break
		}
	}
	if loose < 0 {
		return anchor{}, false
	}
	if up := t.above(loose); up >= 0 && strings.HasPrefix(t.line(loose), "<") {
		loose = up
	}
	return anchor{first: loose, last: i + 1}, true
}

// nameAbove returns the line before first, if the name and address stand there whose lack in a shows, and first otherwise:
// "Jane Roe <jane@example.org>, 3 Şub 2016," above "12:34 tarihinde şunu yazdı:".
func (t *trimmer) nameAbove(first int, a attribution) int {
	up := t.above(first)
	if a.address || up < 0 || len(t.line(up)) > maxAttributionLine || !strings.HasSuffix(t.line(up), ",") || !readAttribution(t.line(up)).address {
		return first
	}
	return up
}

// above returns the line before i if both can be of one attribution, or -1. Lines of nothing may stand before an address
// in angle brackets.
func (t *trimmer) above(i int) int {
	up := i - 1
	if up >= 0 && t.lines[up].tag == lineBlank && strings.HasPrefix(t.line(i), "<") {
		up--
	}
	if up < 0 || t.lines[up].tag != lineText || t.lines[up].kind != 0 || len(t.anchors) > 0 && up < t.anchors[len(t.anchors)-1].last {
		return -1
	}
	return up
}

// closesAttribution reports whether line i, which begins with ">", is the end of an attribution whose address was wrapped:
// "On … Jane <jane@example.org" above, "> wrote:" here.
func (t *trimmer) closesAttribution(i int) bool {
	if i == 0 || t.lines[i-1].tag != lineText {
		return false
	}
	line := t.line(i)
	if len(line) > 60 || strings.HasPrefix(line, ">>") || !endsLikeAttribution(line) {
		return false
	}
	up := clip(t.line(i-1), maxAttributionLine)
	open := strings.LastIndexByte(up, '<') >= 0 && strings.LastIndexByte(up, '>') < strings.LastIndexByte(up, '<')
	return strings.IndexByte(up, '@') >= 0 && (open || i > 1 && t.line(i-2) == "<")
}

// datedLine takes a line that begins with a date in figures and names somebody, above a quote or with its offset from GMT,
// for an attribution without an end.
func (t *trimmer) datedLine(i int, line string) (anchor, bool) {
	if line == "" || line[0] < '0' || line[0] > '9' || len(line) > maxAttributionLine || !isDate(firstWord(line)) {
		return anchor{}, false
	}
	found := strings.Contains(line, " GMT+") || strings.Contains(line, " GMT-")
	if next := t.next(i + 1); !found && next < len(t.lines) {
		quoted := t.lines[next].tag == lineQuote || strings.HasPrefix(t.line(next), "| ")
		found = quoted && strings.IndexByte(line, '@') > 0
	}
	return anchor{first: i, last: i + 1}, found
}

// endsLikeAttribution reports whether line ends the way attributions do, with a colon or a word of those languages that
// need none.
func endsLikeAttribution(line string) bool {
	if line == "" {
		return false
	}
	if c := line[len(line)-1]; c < 0x80 && strings.IndexByte(":)*_-", c) < 0 {
		return false
	}
	if strings.HasPrefix(line, "--") && strings.HasSuffix(line, "--") {
		return true // ---- On … wrote ----
	}
	line = strings.TrimRightFunc(line, isTrailer)
	if i := strings.LastIndex(line, ": ("); i > 0 && strings.HasSuffix(line, ")") {
		return true // Jane <jane@example.org> skrev: (3 februari 2016 12:34)
	}
	if strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：") || strings.HasSuffix(line, "﹕") {
		return true
	}
	for _, end := range bareEndings {
		if strings.HasSuffix(line, end) {
			return true
		}
	}
	return false
}

// isTrailer reports whether r may follow an attribution's colon: marks of bold type, directions, joiners.
func isTrailer(r rune) bool {
	return r == '*' || r == '_' || r == ' ' || r == '\u00a0' || isDirection(r) || r == '\ufeff' || r == '\u200b'
}

// isDirection reports whether r is one of the invisible marks that Hebrew and Arabic programs put around names.
func isDirection(r rune) bool {
	return r == '\u200e' || r == '\u200f' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' || r == '\u061c'
}

// An attribution is what is found in lines that may be one.
type attribution struct {
	opens    bool // begins as attributions do: "On", a weekday, a date
	verb     int  // how many words stand before "wrote", -1 without it
	before   int  // how many words stand before the address
	address  bool
	time     bool
	date     bool
	number   bool
	addrEnds bool // the address is the last thing
}

// readAttribution looks at each word once.
func readAttribution(s string) (a attribution) {
	a.verb = -1
	if len(s) > maxAttribution {
		return a
	}
	s = strings.ToLower(s)
	n := 0
	for w := range strings.FieldsFuncSeq(s, splitsAttribution) {
		if strings.IndexByte(w, '@') > 0 {
			if !a.address {
				a.before = n
			}
			a.address, a.addrEnds = true, true
			continue
		}
		hasDigit := strings.IndexFunc(w, unicode.IsDigit) >= 0
		if w = strings.Trim(w, ".-:"); w == "" {
			continue
		}
		if n == 0 {
			a.opens = hasDigit || openers[w] || openers[strings.TrimRight(w, "0123456789-")]
		}
		if a.verb < 0 && wroteWords[w] {
			a.verb = n
		}
		if hasDigit {
			a.number = true
			a.time = a.time || isTime(w)
			a.date = a.date || isDate(w)
		}
		a.addrEnds = false
		n++
	}
	if a.verb < 0 && !isASCII(s) {
		a.verb = a.unspaced(s, n)
	}
	return a
}

// unspaced finds the verb in scripts that put no spaces between words.
func (a *attribution) unspaced(s string, words int) int {
	for _, verb := range unspacedWrote {
		if strings.Contains(s, verb) {
			a.opens = a.opens || strings.HasPrefix(s, "在") || strings.HasPrefix(s, "於") || strings.HasPrefix(s, "于")
			return min(words, 3)
		}
	}
	return -1
}

func splitsAttribution(r rune) bool {
	switch r {
	case ' ', '\t', ',', '"', '<', '>', '(', ')', '[', ']', '*', '_', ';', '\'', '،', '、', '，', '„', '“', '”', '«', '»', '\u00a0', '\u202f',
		'：', '（', '）', '|':
		return true
	default:
		return isDirection(r)
	}
}

// maxNameWords is how many words a name before "wrote" may have, where no date begins the line.
const maxNameWords = 8

// accepted reports whether this is an attribution.
func (a attribution) accepted() bool {
	switch {
	case a.verb >= 0 && a.opens:
		return a.address || a.time || a.date
	case a.verb >= 0:
		return a.verb <= maxNameWords && (a.address || a.time || a.date) ||
			a.address && a.before <= maxNameWords && (a.time || a.date)
	default:
		return a.opens && a.address && a.addrEnds && (a.time || a.date)
	}
}

// dated reports whether this can be the first of several lines.
func (a attribution) dated() bool {
	return a.opens && (a.number || a.date)
}

// named reports whether this can be the first of several lines that begin with a name.
func (a attribution) named() bool {
	return a.address || a.verb >= 0
}

// isTime reports whether w holds a time of day: 12:34, 12.34, 12h34, 12:34:56.
func isTime(w string) bool {
	w = latinDigits(w)
	w = strings.TrimPrefix(w, "kl.")
	for i := 1; i+2 < len(w); i++ {
		if (w[i] == ':' || w[i] == '.' || w[i] == 'h') && digitsBefore(w[:i]) && isDigit(w[i+1]) && isDigit(w[i+2]) {
			return i+3 == len(w) || !isDigit(w[i+3])
		}
	}
	return strings.Contains(w, "時") || strings.Contains(w, "点")
}

// digitsBefore reports whether s ends with one or two digits.
func digitsBefore(s string) bool {
	n := 0
	for n < len(s) && isDigit(s[len(s)-1-n]) {
		n++
	}
	return n == 1 || n == 2
}

// isDate reports whether w holds a year or a date in figures.
func isDate(w string) bool {
	w = latinDigits(w)
	seps, run := 0, 0
	for i := 0; i < len(w); i++ {
		switch c := w[i]; {
		case isDigit(c):
			run++
			if run == 4 && (i+1 == len(w) || !isDigit(w[i+1])) && (w[i-3:i-1] == "19" || w[i-3:i-1] == "20") {
				return true
			}
			if seps == 2 && i > 0 {
				return true
			}
		case (c == '/' || c == '.' || c == '-') && run > 0 && run <= 2:
			seps, run = seps+1, 0
		default:
			run = 0
		}
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// latinDigits writes the digits of other scripts as 0 to 9.
func latinDigits(w string) string {
	if isASCII(w) {
		return w
	}
	return strings.Map(func(r rune) rune {
		switch {
		case '\u0660' <= r && r <= '\u0669':
			return '0' + r - '\u0660'
		case '\u06f0' <= r && r <= '\u06f9':
			return '0' + r - '\u06f0'
		case '\uff10' <= r && r <= '\uff19':
			return '0' + r - '\uff10'
		default:
			return r
		}
	}, w)
}

// firstWord returns what stands before the first space of s.
func firstWord(s string) string {
	for i, r := range s {
		if r == ' ' || r == '\t' || r == utf8.RuneError {
			return s[:i]
		}
	}
	return s
}
