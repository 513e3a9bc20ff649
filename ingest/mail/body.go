package mail

import (
	"html"
	"strings"
)

// bodies chooses the message's bodies, decodes every part once, and fills in Text, HTML and Parts.
func (w *walker) bodies() {
	if len(w.nodes) == 0 {
		return
	}
	var c bodyChoice
	c.nodes = w.nodes
	if w.nodes[0].multi == "" {
		c.leaf(0, 0, "mixed", state{text: true, html: true})
	} else {
		c.children(0, state{text: true, html: true})
	}
	if len(c.text) == 0 && len(c.html) == 0 {
		c.fallback()
	}
	for _, i := range c.text {
		w.nodes[i].part.Body = w.nodes[i].part.isTextual()
	}
	for _, i := range c.html {
		w.nodes[i].part.Body = w.nodes[i].part.isTextual()
	}
	room := BodyLimit
	leaves := 0
	for i := range w.nodes {
		if w.nodes[i].multi == "" {
			leaves++
			w.decode(&w.nodes[i], &room)
		}
	}
	w.compose(&c)
	w.m.Parts = make([]Part, 0, leaves+len(w.extra))
	for i := range w.nodes {
		if w.nodes[i].multi == "" {
			w.m.Parts = append(w.m.Parts, w.nodes[i].part)
		}
	}
	w.m.Parts = append(w.m.Parts, w.extra...)
	w.m.markInline()
}

// A bodyChoice picks the parts that make up the text and the HTML, by the rules of JMAP (RFC 8621 §4.1.4), which agree
// with what mail programs show. Parts that are not picked are attachments.
type bodyChoice struct {
	nodes      []node
	text, html []int
}

// A state is what holds inside one multipart: which of the two bodies its parts still count for.
type state struct {
	text, html  bool
	alternative bool
}

// children goes through the parts of the multipart at index top. Depth is bounded by the budget.
func (c *bodyChoice) children(top int, s state) {
	multi := c.nodes[top].multi
	s.alternative = s.alternative || multi == "alternative"
	textBefore, htmlBefore := len(c.text), len(c.html)
	for i, nth := top+1, 0; i < c.nodes[top].end; i, nth = c.nodes[i].end, nth+1 {
		if c.nodes[i].multi != "" {
			c.children(i, s)
		} else {
			s = c.leaf(i, nth, multi, s)
		}
	}
	if multi != "alternative" || !s.text || !s.html {
		return
	}
	texts, htmls := c.text[textBefore:], c.html[htmlBefore:]
	switch {
	case len(texts) == 0 && len(htmls) > 0:
		c.text = append(c.text, htmls...)
	case len(htmls) == 0 && len(texts) > 0:
		c.html = append(c.html, texts...)
	}
}

// leaf takes the nth part of a multipart.
func (c *bodyChoice) leaf(i, nth int, multi string, s state) state {
	p := &c.nodes[i].part
	media := p.isMedia()
	inline := p.Disposition != "attachment" && (p.isText() || media) &&
		(nth == 0 || multi != "related" && (media || p.Filename == ""))
	switch {
	case !inline:
		return s
	case multi == "alternative":
		if p.ContentType == "text/plain" {
			c.text = append(c.text, i)
		} else if p.ContentType == "text/html" {
			c.html = append(c.html, i)
		}
		return s
	case s.alternative && p.ContentType == "text/plain":
		s.html = false
	case s.alternative && p.ContentType == "text/html":
		s.text = false
	}
	if s.text {
		c.text = append(c.text, i)
	}
	if s.html {
		c.html = append(c.html, i)
	}
	return s
}

// fallback takes the first part that can be read as text, for messages with no proper body.
func (c *bodyChoice) fallback() {
	for i := range c.nodes {
		p := &c.nodes[i].part
		if c.nodes[i].multi == "" && p.isTextual() && p.Disposition != "attachment" && p.ContentType != "text/calendar" {
			c.text = append(c.text, i)
			if p.ContentType == "text/html" {
				c.html = append(c.html, i)
			}
			return
		}
	}
}

// compose puts the chosen parts together.
func (w *walker) compose(c *bodyChoice) {
	hasHTML := false
	for _, i := range c.html {
		hasHTML = hasHTML || w.nodes[i].part.Body && w.nodes[i].part.ContentType == "text/html"
	}
	if hasHTML {
		w.m.HTML = w.markup(c)
	}
	var text joiner
	for _, i := range c.text {
		w.addText(&text, &w.nodes[i])
	}
	w.m.Text = strings.TrimRight(text.String(), " \n")
	if strings.TrimSpace(w.m.Text) == "" && hasHTML {
		w.m.Text = w.htmlText(w.m.HTML)
	}
	if w.m.Text == "" {
		w.lastResort()
	}
}

// markup puts the HTML together; plain texts among it are wrapped.
func (w *walker) markup(c *bodyChoice) string {
	var markup joiner
	for _, i := range c.html {
		n := &w.nodes[i]
		switch {
		case !n.part.Body || markup.Len()+len(n.text) > BodyLimit:
		case n.part.ContentType == "text/html":
			markup.WriteString(n.text)
		default:
			markup.WriteString(`<div style="white-space:pre-wrap">` + html.EscapeString(n.text) + "</div>\n")
		}
	}
	return markup.String()
}

// A joiner puts texts together; one alone is not copied.
type joiner struct {
	one  string
	many strings.Builder
}

func (j *joiner) Len() int {
	return len(j.one) + j.many.Len()
}

func (j *joiner) WriteString(s string) {
	if j.Len() == 0 {
		j.one = s
		return
	}
	if j.many.Len() == 0 {
		j.many.WriteString(j.one)
		j.one = ""
	}
	j.many.WriteString(s)
}

func (j *joiner) String() string {
	if j.one != "" {
		return j.one
	}
	return j.many.String()
}

// lastResort looks for something to read in a message whose parts have no text: the body in a winmail.dat, an invitation, what stands
// outside the parts.
func (w *walker) lastResort() {
	if w.m.HTML == "" {
		w.m.HTML = clip(w.packed.html, BodyLimit)
	}
	w.m.Text = strings.TrimSpace(clip(w.packed.text, BodyLimit))
	if w.m.Text == "" && w.packed.html != "" {
		w.m.Text = w.htmlText(w.m.HTML)
	}
	for i := range w.nodes {
		p := &w.nodes[i].part
		if w.m.Text == "" && p.ContentType == "text/calendar" && w.spend(min(len(p.src), calendarLimit)) {
			data, _ := decodeUpTo(p.src, p.encoding, calendarLimit)
			text, _, _ := decodeCharset(data, p.Charset)
			w.m.Text = calendarText(text)
		}
	}
	if w.m.Text == "" {
		w.m.Text = w.outsideText()
	}
}

// addText appends the text of one chosen part, on a line of its own.
func (w *walker) addText(b *joiner, n *node) {
	if !n.part.Body {
		return
	}
	t := n.text
	if n.part.ContentType == "text/html" {
		t = w.htmlText(t)
	}
	if b.Len()+len(t) > BodyLimit {
		w.m.defectOnce(DefectBodyCut, n.part.ContentType)
		return
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(t)
}

// htmlText makes text from HTML, within the budget.
func (w *walker) htmlText(markup string) string {
	if !w.spend(len(markup)) {
		return ""
	}
	return strings.TrimSpace(textFromHTML(markup))
}

// isTextual reports whether the part can be read as text at all.
func (p *Part) isTextual() bool {
	return strings.HasPrefix(p.ContentType, "text/")
}

// markInline finds the parts that the HTML shows by their Content-ID (RFC 2392). Others stay attachments, so that an image
// nobody refers to is still seen.
func (m *Mail) markInline() {
	refs := map[string]bool{}
	for s := m.HTML; ; {
		i := strings.Index(s, "cid:")
		if i < 0 {
			break
		}
		s = s[i+len("cid:"):]
		end := strings.IndexAny(s[:min(len(s), maxMessageID)], "\"'<> )\n")
		if end > 0 {
			refs[string(appendPercent(nil, html.UnescapeString(s[:end])))] = true
		}
	}
	if len(refs) == 0 {
		return
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		p.Inline = p.ContentID != "" && !p.Body && refs[p.ContentID]
	}
}
