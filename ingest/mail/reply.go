package mail

import "strings"

// A SegmentKind says what a piece of a text is to its reader.
type SegmentKind string

// The kinds of a [Segment].
const (
	SegmentFresh       SegmentKind = "fresh"       // written for this mail
	SegmentAnswered    SegmentKind = "answered"    // quoted, with an answer below it: it stays with the fresh text
	SegmentForwarded   SegmentKind = "forwarded"   // the content of a mail that was passed on
	SegmentQuoted      SegmentKind = "quoted"      // the mail that is answered, to be folded
	SegmentAttribution SegmentKind = "attribution" // "On … wrote:", header lines, markers: what introduces a quote or a forward
	SegmentSignature   SegmentKind = "signature"   // signatures, "Sent from my …", disclaimers
)

// A Segment is a run of whole lines of one kind, line endings included.
type Segment struct {
	Kind SegmentKind `json:"kind"`
	Text string      `json:"text"`
}

// A Reply is a text told apart into what was written for this mail and what came with it. Nothing is ever left out: the
// segments put together are the text, byte for byte.
type Reply struct {
	Segments []Segment
}

// Trim tells the fresh text of a plain body from quotes, signatures and forwarded mail. Its time is linear in the text.
func Trim(text string) Reply {
	return trim(text, nil)
}

// Reply tells the fresh part of m.Text from what it quotes. Where the text was made from HTML, the HTML's structure
// helps.
func (m *Mail) Reply() Reply {
	quotes, rest := m.htmlQuotes()
	r := trim(m.Text, quotes)
	if rest > 0 && r.unfoldedFrom(rest) {
		r = trim(m.Text, append(quotes, span{rest, len(m.Text)}))
	}
	r.quoteIsForward(m.passesOn)
	return r
}

// unfoldedFrom reports whether nothing of the text from at on is told apart.
func (r Reply) unfoldedFrom(at int) bool {
	end := 0
	for _, s := range r.Segments {
		if end += len(s.Text); end > at && s.Kind != SegmentFresh {
			return false
		}
	}
	return true
}

// Fresh returns what the sender wrote for this mail, with the quoted lines that are answered one by one, and without the
// empty lines around it. A forward without a comment has nothing of the kind; then it returns what was passed on.
func (r Reply) Fresh() string {
	if s := r.join(SegmentFresh, SegmentAnswered); s != "" || !r.has(SegmentForwarded) {
		return s
	}
	return r.Forwarded()
}

// Forwarded returns the content of a mail that was passed on within the text, without the marks of quoting that some
// programs put before all of it.
func (r Reply) Forwarded() string {
	return withoutMarks(r.join(SegmentForwarded))
}

// Quoted returns what a reader of the whole conversation need not see again: quotes and what introduces them, and
// signatures.
func (r Reply) Quoted() string {
	return r.join(SegmentQuoted, SegmentAttribution, SegmentSignature)
}

// FreshText returns what the sender of the mail wants to say: the fresh text, and below it what was passed on.
func (m *Mail) FreshText() string {
	return m.Reply().shown()
}

func (r Reply) shown() string {
	fresh, passed := r.Fresh(), r.Forwarded()
	if passed == "" || fresh == passed {
		return fresh
	}
	return fresh + "\n\n" + passed
}

func (r Reply) has(kind SegmentKind) bool {
	for _, s := range r.Segments {
		if s.Kind == kind {
			return true
		}
	}
	return false
}

func (r Reply) join(kinds ...SegmentKind) string {
	var b strings.Builder
	for _, s := range r.Segments {
		for _, k := range kinds {
			if s.Kind == k {
				b.WriteString(s.Text)
			}
		}
	}
	return trimBlankLines(b.String())
}

// trimBlankLines removes the empty lines around s, and white space at its end, but not what indents its first line.
func trimBlankLines(s string) string {
	for {
		i := strings.IndexByte(s, '\n')
		if i < 0 || strings.TrimSpace(s[:i]) != "" {
			return strings.TrimRight(s, " \t\r\n\u00a0")
		}
		s = s[i+1:]
	}
}

// quoteIsForward turns the first quote that header lines introduce into a forward, if passedOn says so of these lines.
func (r *Reply) quoteIsForward(passedOn func(headers string) bool) {
	for i := range r.Segments {
		if i == 0 || r.Segments[i].Kind != SegmentQuoted || r.Segments[i-1].Kind != SegmentAttribution || !hasCopiedHeaders(r.Segments[i-1].Text) {
			continue
		}
		if passedOn(r.Segments[i-1].Text) {
			r.Segments[i].Kind = SegmentForwarded
		}
		return
	}
}
