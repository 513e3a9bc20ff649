package mail

import (
	"strings"

	"golang.org/x/net/html"
)

// A Display says how HTML is made fit to be shown.
type Display struct {
	// CID returns the address of the part with this Content-ID, or "" where there is none. Its result is trusted. Without it
	// cid: addresses stay as they are.
	CID func(id string) string

	// Remote lets images be loaded from elsewhere, which tells their owner that the mail is being read.
	Remote bool
}

// A Displayed is HTML that is fit to be shown, and what was noticed on the way.
type Displayed struct {
	HTML    string
	Remote  int    // images elsewhere; without [Display.Remote] their address is in data-remote and they have no src
	Trapped int    // of these, hidden or as large as a dot: they count readers
	Hidden  string // text that nobody was to see, at most HiddenLimit bytes: preheaders, and the word salad of spam
	Active  int    // scripts, event handlers, frames, plug-ins, forms, and addresses that run: all of them are gone
	Cut     bool   // the HTML was longer than DisplayLimit
}

const (
	// DisplayLimit is the most that [Displayed.HTML] can hold, in bytes.
	DisplayLimit = 2 * BodyLimit
	// HiddenLimit is the most that [Displayed.Hidden] can hold, in bytes.
	HiddenLimit = 64 << 10
	// displayDepth is how deep elements nest; browsers stop at 512.
	displayDepth = 200
)

// Sanitise makes a sender's HTML fit to be shown in a page. It writes anew what an allow-list names, from the tokens that it reads,
// and nothing else: no script, style sheet, form, frame, plug-in, foreign markup (SVG, MathML), comment, identifier or class; no
// address but http, https, mailto, tel and cid; of CSS the properties that colour and arrange text. What it writes is balanced
// and has no element in which text is read by other rules, so that a browser reads the same elements from it as this does;
// given its own result it returns that.
//
// Its time is linear in the input. It must be shown in a frame without scripts all the same: two walls are better than one.
func Sanitise(markup string, d Display) Displayed {
	s := sanitiser{z: html.NewTokenizer(strings.NewReader(Clean(markup))), display: d}
	s.out.Grow(min(len(markup), DisplayLimit))
	s.run()
	s.result.HTML = s.out.String()
	s.result.Hidden = strings.TrimSpace(s.hidden.String())
	return s.result
}

// A sanitiser is a run of [Sanitise].
type sanitiser struct {
	z       *html.Tokenizer
	display Display
	result  Displayed
	out     strings.Builder
	hidden  strings.Builder
	stack   []openElement
	open    [512]uint8 // how many of each allowed element are open
	shadows int        // how many of the open elements hide what is in them
}

// An openElement is one that has begun; hidden ones are not written.
type openElement struct {
	name   string
	rule   rule
	hidden bool
}

func (s *sanitiser) run() {
	for s.out.Len() < DisplayLimit {
		switch s.z.Next() {
		case html.ErrorToken:
			s.closeTo(0)
			return
		case html.TextToken:
			s.text(s.z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := s.z.TagName()
			s.start(string(name), more)
		case html.EndTagToken:
			name, _ := s.z.TagName()
			s.end(string(name))
		}
	}
	s.result.Cut = true
	s.closeTo(0)
}

// text writes text, or notes it where it is hidden.
func (s *sanitiser) text(b []byte) {
	if s.shadows == 0 {
		escapeTo(&s.out, string(b), false)
		return
	}
	if words := squeeze(string(b)); words != "" && s.hidden.Len() < HiddenLimit {
		s.hidden.WriteString(Clean(clip(words, HiddenLimit-s.hidden.Len())))
		s.hidden.WriteByte(' ')
	}
}

// start takes a start tag.
func (s *sanitiser) start(name string, more bool) {
	r, known := allowed[name]
	switch {
	case name == "noscript" || name == "noembed":
		s.z.NextIsNotRawText() // no script runs, so what stands in for it is shown
		return
	case dropped[name]:
		s.drop(name)
		return
	}
	attrs := s.attributes(name, more)
	if !known && !attrs.hidden {
		return // its content stays
	}
	s.imply(name, r)
	if r.void {
		if s.shadows == 0 && !attrs.hidden && (name != "img" || attrs.text != "") {
			s.out.WriteString("<" + name + attrs.text + ">")
		}
		return
	}
	if len(s.stack) >= displayDepth || name == "a" && attrs.text == "" && !attrs.hidden {
		return
	}
	e := openElement{name: name, rule: r, hidden: attrs.hidden}
	s.stack = append(s.stack, e)
	s.open[r.id]++
	if e.hidden {
		s.shadows++
	}
	if s.shadows == 0 {
		s.out.WriteString("<" + name + attrs.text + ">")
	}
}

// drop leaves out an element whose content is no HTML; the tokenizer gives that as one text.
func (s *sanitiser) drop(name string) {
	if active[name] {
		s.result.Active++
	}
	if rawText[name] && s.z.Next() == html.TextToken {
		s.z.Next() // its end tag, or the end
	}
}

// end takes an end tag: it closes the innermost element of that name and what is open inside. One that nothing in its table cell
// matches closes nothing, so a stray "</div>" does not end the cell.
func (s *sanitiser) end(name string) {
	r := allowed[name]
	if s.open[r.id] == 0 {
		return
	}
	for i := len(s.stack) - 1; i >= 0; i-- {
		if s.stack[i].name == name {
			s.closeTo(i)
			return
		}
		if s.stack[i].rule.barrier && (!r.table || s.stack[i].name == "table") {
			return
		}
	}
}

// imply closes what a start tag ends without saying so: a paragraph before a block, a row before a row.
func (s *sanitiser) imply(name string, r rule) {
	for i := len(s.stack) - 1; i >= 0; i-- {
		e := &s.stack[i]
		switch {
		case e.name == "p" && r.block, name == "a" && e.name == "a", endsBefore(e.name, name):
			s.closeTo(i)
			return
		case e.rule.barrier && !r.table, e.name == "table", e.rule.list && r.item:
			return
		case !e.rule.inline && !r.item && !r.table && e.name != "p" && name != "a":
			return
		}
	}
}

// endsBefore reports whether an open element ends where the next begins.
func endsBefore(open, next string) bool {
	switch next {
	case "li":
		return open == "li"
	case "dt", "dd":
		return open == "dt" || open == "dd"
	case "td", "th":
		return open == "td" || open == "th"
	case "tr":
		return open == "tr"
	case "tbody", "thead", "tfoot":
		return open == "tbody" || open == "thead" || open == "tfoot"
	default:
		return false
	}
}

// closeTo closes elements until n are open.
func (s *sanitiser) closeTo(n int) {
	for len(s.stack) > n {
		e := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		s.open[e.rule.id]--
		if s.shadows == 0 {
			s.out.WriteString("</" + e.name + ">")
		}
		if e.hidden {
			s.shadows--
		}
	}
}

// escapeTo writes text so that HTML reads it as text. CR goes: HTML makes LF of it.
func escapeTo(b *strings.Builder, s string, quotes bool) {
	from := 0
	for i := 0; i < len(s); i++ {
		var as string
		switch c := s[i]; {
		case c == '&':
			as = "&amp;"
		case c == '<':
			as = "&lt;"
		case c == '>':
			as = "&gt;"
		case c == '"' && quotes:
			as = "&#34;"
		case c == '\r' || c == 0:
		default:
			continue
		}
		b.WriteString(s[from:i])
		b.WriteString(as)
		from = i + 1
	}
	b.WriteString(s[from:])
}
