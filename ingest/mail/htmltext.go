package mail

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// textFromHTML makes text that reads well from HTML: paragraphs, lists, quotes, table rows, and links with their targets;
// scripts, styles and hidden elements are dropped. It reads tokens, not a tree, so its time is linear in the input
// however deep the elements are nested.
func textFromHTML(markup string) string {
	t := htmlText{z: html.NewTokenizer(strings.NewReader(markup)), hide: true}
	t.out.Grow(len(markup) / 4)
	t.run()
	if t.out.Len() == 0 && t.hid {
		// Everything was inside something hidden that never closed: better to show too much than nothing.
		t = htmlText{z: html.NewTokenizer(strings.NewReader(markup))}
		t.run()
	}
	return t.out.String()
}

// An htmlText is a conversion under way.
type htmlText struct {
	z    *html.Tokenizer
	out  strings.Builder
	hide bool // leave out hidden elements
	hid  bool // some were

	skip      string // the element being left out, "" for none
	skipDepth int    // how many of that name are open

	breaks int  // line breaks owed before the next text
	space  bool // a space is owed before the next text
	cell   bool // the space is between two cells of a table
	line   bool // something stands on the current line
	pre    int
	quote  int
	lists  []int  // for each open list the last number, -1 without numbers
	href   string // target of the open link
	anchor int    // where the link's text begins in out
}

// maxLists bounds the depth of lists that is kept track of.
const maxLists = 20

func (t *htmlText) run() {
	for {
		switch t.z.Next() {
		case html.ErrorToken:
			t.endLink()
			return
		case html.TextToken:
			if t.skip == "" {
				t.text(unescaped(t.z.Raw()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := t.z.TagName()
			t.start(name, more)
		case html.EndTagToken:
			t.end(endName(t.z.Raw()))
		}
	}
}

// unescaped returns a text as it is meant. The tokenizer's own way copies it several times.
func unescaped(raw []byte) string {
	s := Clean(string(raw))
	if strings.IndexByte(s, '&') >= 0 {
		s = Clean(html.UnescapeString(s))
	}
	return s
}

// endName returns the name in an end tag, in lower case.
func endName(raw []byte) []byte {
	name := raw[min(len(raw), len("</")):]
	for i, c := range name {
		switch {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '/' || c == '>':
			return name[:i]
		case 'A' <= c && c <= 'Z':
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}

// text writes words, with runs of white space as one space outside <pre>.
func (t *htmlText) text(s string) {
	if t.pre > 0 {
		t.preformatted(s)
		return
	}
	from := -1
	for i, r := range s {
		switch {
		case isSpace(r):
			if from >= 0 {
				t.word(s[from:i])
				from = -1
			}
			t.space = true
		case isInvisible(r):
			if from >= 0 {
				t.word(s[from:i])
				from = -1
			}
		case from < 0:
			from = i
		}
	}
	if from >= 0 {
		t.word(s[from:])
	}
}

func (t *htmlText) preformatted(s string) {
	for i, line := range strings.Split(lines(s), "\n") {
		if i > 0 {
			t.owe(t.breaks + 1)
		}
		if line != "" {
			t.word(line)
		}
	}
}

// word writes s after the breaks or the space that are owed.
func (t *htmlText) word(s string) {
	switch {
	case t.breaks > 0 || !t.line:
		if t.out.Len() > 0 {
			for range min(t.breaks, 2) {
				t.out.WriteByte('\n')
			}
		}
		for range t.quote {
			t.out.WriteString("> ")
		}
	case t.cell:
		t.out.WriteString(" | ")
	case t.space:
		t.out.WriteByte(' ')
	}
	t.breaks, t.space, t.cell, t.line = 0, false, false, true
	t.out.WriteString(s)
}

// owe asks for n line breaks before the next text.
func (t *htmlText) owe(n int) {
	if n == 0 {
		return
	}
	t.breaks = max(t.breaks, n)
	t.space, t.cell = false, false
}

func (t *htmlText) start(name []byte, more bool) {
	if t.skip != "" {
		if string(name) == t.skip {
			t.skipDepth++
		}
		return
	}
	tag := atom.Lookup(name)
	attr := t.attributes(string(name), more)
	if drops(tag) || t.hide && attr.hidden && !isVoid(tag) {
		t.hid = t.hid || attr.hidden
		t.skip, t.skipDepth = string(name), 1
		return
	}
	switch tag {
	case atom.Br:
		t.breaks = min(t.breaks+1, 2)
		t.space = false
	case atom.Hr:
		t.owe(1)
		t.word("---")
		t.owe(1)
	case atom.Img:
		if attr.alt != "" {
			t.word("[" + oneLine(attr.alt) + "]")
		}
	case atom.A:
		t.endLink()
		t.href, t.anchor = attr.href, t.out.Len()
	case atom.Td, atom.Th:
		if t.line && t.breaks == 0 {
			t.cell = true
		}
	case atom.Pre:
		t.owe(2)
		t.pre++
	case atom.Blockquote:
		t.owe(2)
		t.quote = min(t.quote+1, maxQuoteDepth)
	case atom.Ul, atom.Ol:
		t.owe(1)
		if len(t.lists) < maxLists {
			t.lists = append(t.lists, map[bool]int{true: 0, false: -1}[tag == atom.Ol])
		}
	case atom.Li:
		t.item()
	default:
		t.owe(blockBreaks(tag))
	}
}

// item begins a list item with its mark.
func (t *htmlText) item() {
	t.owe(1)
	mark := "-"
	if n := len(t.lists); n > 0 {
		if t.lists[n-1] >= 0 {
			t.lists[n-1]++
			mark = strconv.Itoa(t.lists[n-1]) + "."
		}
		mark = strings.Repeat("  ", n-1) + mark
	}
	t.word(mark)
	t.space = true
}

func (t *htmlText) end(name []byte) {
	if t.skip != "" {
		if string(name) == t.skip {
			if t.skipDepth--; t.skipDepth == 0 {
				t.skip = ""
			}
		}
		return
	}
	switch tag := atom.Lookup(name); tag {
	case atom.A:
		t.endLink()
	case atom.Pre:
		t.pre = max(0, t.pre-1)
		t.owe(2)
	case atom.Blockquote:
		t.quote = max(0, t.quote-1)
		t.owe(2)
	case atom.Ul, atom.Ol:
		if n := len(t.lists); n > 0 {
			t.lists = t.lists[:n-1]
		}
		t.owe(1)
	case atom.Td, atom.Th:
	default:
		t.owe(blockBreaks(tag))
	}
}

// endLink writes the target of the link that ends, unless its text says the same.
func (t *htmlText) endLink() {
	href := t.href
	t.href = ""
	if href == "" || t.out.Len() == t.anchor {
		return
	}
	text := strings.TrimSpace(t.out.String()[t.anchor:])
	bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(href, "mailto:"), "https://"), "http://")
	if bare == "" || strings.Contains(text, strings.TrimSuffix(bare, "/")) {
		return
	}
	t.space = true
	t.word("<" + href + ">")
}
