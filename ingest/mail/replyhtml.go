package mail

import (
	"strings"

	"golang.org/x/net/html"
)

// quoteMarks are the classes and ids of elements that hold what is quoted, where no <blockquote> says so and the text
// made from it has no mark either. Each is whole, in lower case. Elements that mix quotes with answers, as Gmail's
// gmail_quote, are none of them: the blockquotes inside are.
var quoteMarks = map[string]bool{
	"yahoo_quoted": true, "ydpyahoo_quoted": true, "tutanota_quote": true, "isreplycontent": true, "includetail": true,
	"qmquote": true, "zmail_extra": true, "quote": true, "mail_android_quote": true, "ymail_android_quote": true, "oriquote": true,
}

// quoteStarts are the ids of elements behind which everything is quoted.
var quoteStarts = map[string]bool{
	"divrplyfwdmsg": true, "appendonsend": true, "stopspelling": true, "zwchr": true, "ms-outlook-mobile-reference-message": true,
	"mail-editor-reference-message-container": true, "originalmessage": true, "reply-intro": true, "replyintro": true, "lbl_originalmessage": true,
}

// maxHTMLQuotes is how many elements that hold quotes are looked for.
const maxHTMLQuotes = 4

// htmlQuotes returns where in m.Text lies what the HTML says is quoted, if the text was made from the HTML. rest is set
// for a place from which all is quoted.
func (m *Mail) htmlQuotes() (quotes []span, rest int) {
	if !m.textIsHTML() {
		return nil, -1
	}
	found, from := findHTMLQuotes(m.HTML)
	for _, q := range found {
		start, end := m.textAt(q.start), m.textAt(q.end)
		if start >= 0 && end > start {
			quotes = append(quotes, span{start, end})
		}
	}
	return quotes, m.textAt(from)
}

// textIsHTML reports whether Text was made from HTML.
func (m *Mail) textIsHTML() bool {
	for i := range m.Parts {
		if m.Parts[i].Body && m.Parts[i].ContentType != "text/html" && m.Parts[i].Size > 0 {
			return false
		}
	}
	return m.HTML != ""
}

// textAt returns the place in m.Text at which the HTML from offset at on begins, or -1. What is made from the beginning of
// the HTML is the beginning of the text.
func (m *Mail) textAt(at int) int {
	if at < 0 {
		return -1
	}
	before := strings.TrimSpace(textFromHTML(m.HTML[:at]))
	if !strings.HasPrefix(m.Text, before) {
		return -1
	}
	return len(before)
}

// findHTMLQuotes returns the elements that hold quotes, and where the first lies behind which all is quoted, or -1.
func findHTMLQuotes(markup string) (quotes []span, rest int) {
	z := html.NewTokenizer(strings.NewReader(markup))
	rest = -1
	at, open, depth := 0, "", 0
	for len(quotes) < maxHTMLQuotes {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		start := at
		at += len(z.Raw())
		if kind != html.StartTagToken && kind != html.EndTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		name, more := z.TagName()
		switch {
		case open != "" && string(name) == open && kind == html.StartTagToken:
			depth++
		case open != "" && string(name) == open && kind == html.EndTagToken:
			if depth--; depth == 0 {
				quotes[len(quotes)-1].end = at
				open = ""
			}
		case open == "" && more && kind != html.EndTagToken:
			holds, begins := quoteMark(z)
			if holds && kind == html.StartTagToken {
				open, depth = string(name), 1
				quotes = append(quotes, span{start, len(markup)})
			}
			if begins && rest < 0 {
				rest = start
			}
		}
	}
	return quotes, rest
}

// quoteMark reads the attributes of a tag.
func quoteMark(z *html.Tokenizer) (holds, begins bool) {
	for more := true; more; {
		var key, val []byte
		key, val, more = z.TagAttr()
		if k := string(key); k != "class" && k != "id" && k != "name" || len(val) > maxStyle {
			continue
		}
		for w := range strings.FieldsSeq(strings.ToLower(string(val))) {
			w = strings.TrimPrefix(w, "x_")
			holds = holds || quoteMarks[w]
			begins = begins || quoteStarts[w]
		}
	}
	return holds, begins
}
