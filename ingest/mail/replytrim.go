package mail

import (
	"slices"
	"strings"
)

// A lineTag is what a line looks like by itself.
type lineTag uint8

const (
	lineBlank lineTag = iota
	lineText
	lineQuote // begins with ">" or another mark of quoting
	lineCode  // inside a fenced block: text, whatever it looks like
)

// A textLine is one line of a text.
type textLine struct {
	start, end int32 // end is after the line ending
	tag        lineTag
	kind       lineKind
}

// A lineKind is a [SegmentKind] that fits in a byte; 0 is undecided.
type lineKind uint8

const (
	kindFresh lineKind = iota + 1
	kindAnswered
	kindForwarded
	kindQuoted
	kindAttribution
	kindSignature
)

var segmentKinds = [...]SegmentKind{"", SegmentFresh, SegmentAnswered, SegmentForwarded, SegmentQuoted, SegmentAttribution, SegmentSignature}

// An anchor is where a quote or a forward begins: the lines from first to before last.
type anchor struct {
	first, last int
	forward     bool // says that the mail was passed on
	header      bool // has header lines
}

// A trimmer tells one text apart.
type trimmer struct {
	text    string
	lines   []textLine
	anchors []anchor
	known   bool // something was known to be quoted before its lines were read
	looks   int  // how many lines were looked at closely
}

// trim does the work of [Trim]; quotes are ranges of the text that are known to be quoted.
func trim(text string, quotes []span) Reply {
	t := trimmer{text: text}
	t.split()
	t.structure(quotes)
	t.fences()
	t.mark()
	t.cut()
	t.quoteRuns()
	return t.segments()
}

// A span is a range of bytes.
type span struct{ start, end int }

// split finds the lines and gives each its tag.
func (t *trimmer) split() {
	t.lines = make([]textLine, 0, strings.Count(t.text, "\n")+1)
	for pos := 0; pos < len(t.text); {
		end := len(t.text)
		if i := strings.IndexByte(t.text[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		t.lines = append(t.lines, textLine{start: int32(pos), end: int32(end), tag: tagOf(t.text[pos:end])})
		pos = end
	}
	t.named()
}

func tagOf(line string) lineTag {
	for i, r := range line {
		switch r {
		case ' ', '\t', '\r', '\n', '\u00a0', '\u200e', '\u200f', '\ufeff', '\u200b':
			continue
		case '>', '＞':
			return lineQuote
		case '&':
			if strings.HasPrefix(line[i:], "&gt;") { // HTML that was escaped once too often
				return lineQuote
			}
		}
		return lineText
	}
	return lineBlank
}

// named finds quotes in the old style of "Richard> text": two lines or more with the same short name.
func (t *trimmer) named() {
	before, first := "", 0
	for i := range t.lines {
		name := ""
		if t.lines[i].tag == lineText {
			name = quoteName(t.line(i))
		}
		if name != "" && name == before {
			t.lines[first].tag, t.lines[i].tag = lineQuote, lineQuote
		}
		if name != before {
			before, first = name, i
		}
	}
}

// quoteName returns the name before ">" at the beginning of a line, or "".
func quoteName(line string) string {
	for i := range min(len(line), 12) {
		switch c := line[i]; {
		case c == '>' && i > 0:
			return line[:i]
		case c|0x20 < 'a' || c|0x20 > 'z':
			return ""
		}
	}
	return ""
}

// structure tags the lines that lie in ranges that are known to be quoted.
func (t *trimmer) structure(quotes []span) {
	t.known = len(quotes) > 0
	for _, q := range quotes {
		i, _ := slices.BinarySearchFunc(t.lines, q.start, func(l textLine, at int) int { return int(l.start) - at })
		for ; i < len(t.lines) && int(t.lines[i].start) < q.end; i++ {
			if t.lines[i].tag == lineText {
				t.lines[i].tag = lineQuote
			}
		}
	}
}

// fences keeps what stands between two lines of three backticks from being read as anything but text.
func (t *trimmer) fences() {
	open := -1
	for i := range t.lines {
		if t.lines[i].tag != lineText || !strings.HasPrefix(t.line(i), "```") {
			continue
		}
		if open < 0 {
			open = i
			continue
		}
		for j := open; j <= i; j++ {
			t.lines[j].tag = lineCode
		}
		open = -1
	}
}

// line returns line i without the white space around it.
func (t *trimmer) line(i int) string {
	return strings.TrimSpace(t.text[t.lines[i].start:t.lines[i].end])
}

// next returns the first line from i on that is not blank, or the number of lines.
func (t *trimmer) next(i int) int {
	for i < len(t.lines) && t.lines[i].tag == lineBlank {
		i++
	}
	return i
}

// maxLooks is how many lines of a text are looked at closely, as the end of an attribution or the first of copied header
// lines. Mail that people write has some dozens; past the limit lines are taken as they come.
const maxLooks = 20000

// mark finds the anchors among the lines of text.
func (t *trimmer) mark() {
	for i := 0; i < len(t.lines); {
		if t.lines[i].tag == lineText || t.lines[i].tag == lineQuote && t.closesAttribution(i) {
			if a, ok := t.anchorAt(i); ok {
				t.anchors = append(t.anchors, a)
				i = a.last
				t.piped(i)
				continue
			}
		}
		i++
	}
}

// anchorAt returns the anchor that begins at line i, or, for an attribution, ends there.
func (t *trimmer) anchorAt(i int) (anchor, bool) {
	if t.lines[i].tag == lineText {
		if a, ok := t.markerAt(i); ok {
			return a, true
		}
		if a, ok := t.headersAt(i, false); ok {
			return a, true
		}
	}
	return t.attributionAt(i)
}

// piped tags lines that "|" quotes, as only some programs do, below an anchor.
func (t *trimmer) piped(i int) {
	i = t.next(i)
	if i >= len(t.lines) || !strings.HasPrefix(t.line(i), "|") {
		return
	}
	for ; i < len(t.lines) && (t.lines[i].tag == lineBlank || strings.HasPrefix(t.line(i), "|")); i++ {
		if t.lines[i].tag == lineText {
			t.lines[i].tag = lineQuote
		}
	}
}

// cut goes from anchor to anchor and decides what each introduces.
func (t *trimmer) cut() {
	from, wrote := 0, false
	for _, a := range t.anchors {
		if a.first < from {
			continue // inside what an earlier anchor has dealt with
		}
		wrote = t.block(from, a.first) || wrote
		t.paint(a.first, a.last, kindAttribution)
		from = a.last
		next := t.next(a.last)
		prefixed := next < len(t.lines) && t.lines[next].tag == lineQuote
		switch {
		case a.forward && prefixed:
			from = t.quotedForward(next)
		case a.forward || a.header && !wrote && !prefixed:
			t.paint(a.last, len(t.lines), kindForwarded)
			return
		case wrote && !prefixed:
			t.paint(a.last, len(t.lines), kindQuoted)
			return
		}
	}
	t.block(from, len(t.lines))
}

// quotedForward paints the run of quoted lines at i as forwarded, and returns where it ends.
func (t *trimmer) quotedForward(i int) int {
	for i < len(t.lines) && t.lines[i].tag != lineText && t.lines[i].tag != lineCode {
		t.lines[i].kind = kindForwarded
		i++
	}
	return i
}

// block decides the lines between two anchors, quotes left aside, and reports whether something fresh is among them.
func (t *trimmer) block(from, to int) (fresh bool) {
	for i := from; i < to; {
		if t.lines[i].tag == lineQuote {
			if a, ok := t.forwardInQuote(i); ok {
				t.paint(i, a, kindAttribution)
				i = t.quotedForward(a)
				continue
			}
			for i < to && t.lines[i].tag == lineQuote {
				i++
			}
			continue
		}
		end := i
		for end < to && t.lines[end].tag != lineQuote {
			end++
		}
		sig := t.signatureIn(i, end)
		t.paint(sig, end, kindSignature)
		for j := i; j < sig; j++ {
			if t.lines[j].tag != lineBlank {
				t.lines[j].kind = kindFresh
				fresh = true
			}
		}
		i = end
	}
	return fresh
}

func (t *trimmer) paint(from, to int, kind lineKind) {
	for i := from; i < to; i++ {
		t.lines[i].kind = kind
	}
}

// segments joins lines of one kind. A blank line that nothing has claimed belongs with the line above it, but below an
// attribution with the line below.
func (t *trimmer) segments() Reply {
	var r Reply
	start, kind, last := 0, lineKind(0), 0 // last is where the last line of kind ends
	for i := range t.lines {
		l := &t.lines[i]
		if l.kind != 0 && l.kind != kind {
			end := int(l.start)
			if kind == kindAttribution {
				end = last
			}
			if kind != 0 {
				r.Segments = append(r.Segments, Segment{segmentKinds[kind], t.text[start:end]})
				start = end
			}
			kind = l.kind
		}
		if l.kind != 0 {
			last = int(l.end)
		}
	}
	if kind == 0 {
		kind = kindFresh
	}
	if start < len(t.text) {
		r.Segments = append(r.Segments, Segment{segmentKinds[kind], t.text[start:]})
	}
	return r
}
