package mail

// A rule is what the allow-list says of an element.
type rule struct {
	id      uint16 // its number; 0 for elements that are not allowed
	void    bool   // no content, no end tag
	block   bool   // ends a paragraph
	inline  bool   // stands within a line
	table   bool   // a piece of a table
	barrier bool   // what is inside cannot end what is outside
	item    bool   // of a list
	list    bool
}

// allowed are the elements that are written: text, its emphasis, lists, tables and images.
var allowed = func() map[string]rule {
	m := map[string]rule{}
	add := func(r rule, names ...string) {
		for _, name := range names {
			r.id = uint16(len(m) + 1)
			m[name] = r
		}
	}
	add(rule{inline: true}, "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd",
		"mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var")
	add(rule{block: true}, "address", "article", "aside", "blockquote", "center", "details", "div", "figcaption", "figure", "footer",
		"h1", "h2", "h3", "h4", "h5", "h6", "header", "main", "nav", "p", "pre", "section", "summary")
	add(rule{block: true, list: true}, "ul", "ol", "dl")
	add(rule{block: true, item: true}, "li", "dt", "dd")
	add(rule{block: true, table: true, barrier: true}, "table")
	add(rule{table: true, barrier: true}, "td", "th", "caption")
	add(rule{table: true}, "tr", "tbody", "thead", "tfoot", "colgroup")
	add(rule{void: true, table: true}, "col")
	add(rule{void: true, inline: true}, "br", "img", "wbr")
	add(rule{void: true, block: true}, "hr")
	return m
}()

// dropped are the elements that go with their content; the content of all others that are not allowed stays.
var dropped = map[string]bool{
	"script": true, "style": true, "title": true, "textarea": true, "iframe": true, "noframes": true,
	"base": true, "link": true, "meta": true, "embed": true, "param": true, "source": true, "track": true, "input": true, "frame": true,
}

// rawText are those of them whose content the tokenizer gives as one text.
var rawText = map[string]bool{"script": true, "style": true, "title": true, "textarea": true, "iframe": true, "noframes": true}

// active are elements that do something, or fetch it.
var active = map[string]bool{
	"script": true, "iframe": true, "frame": true, "embed": true, "object": true, "applet": true, "form": true, "input": true, "textarea": true,
	"button": true, "select": true, "base": true, "meta": true, "link": true, "svg": true, "math": true, "audio": true, "video": true,
}

// attributeRules say which attributes are kept, on any element or on one ("td colspan"), and what their values may be.
var attributeRules = map[string]func(string) string{
	"align": keyword, "valign": keyword, "dir": direction, "lang": keyword, "title": anyText, "alt": anyText, "width": length, "height": length,
	"bgcolor": colour,

	"table border": length, "table cellpadding": length, "table cellspacing": length, "table bordercolor": colour,
	"td colspan": count, "td rowspan": count, "th colspan": count, "th rowspan": count, "td nowrap": set, "th nowrap": set,
	"col span": count, "colgroup span": count,
	"ol start": length, "ol type": keyword, "ul type": keyword, "li value": length, "li type": keyword, "ol reversed": set,
	"font color": colour, "font face": fontName, "font size": length,
	"br clear": keyword, "hr size": length, "hr noshade": set, "hr color": colour,
	"blockquote type": keyword, "details open": set, "time datetime": anyText, "abbr title": anyText, "bdo dir": direction,
	"img border": length, "img hspace": length, "img vspace": length,
}
