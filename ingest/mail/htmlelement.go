package mail

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// attributes are those that matter for text.
type attributes struct {
	href, alt string
	hidden    bool
}

func (t *htmlText) attributes(name string, more bool) (a attributes) {
	for more {
		var key, val []byte
		key, val, more = t.z.TagAttr()
		switch string(key) {
		case "href":
			if u := strings.TrimSpace(Clean(string(val))); isWebLink(u) {
				a.href = oneLine(u)
			}
		case "alt":
			a.alt = strings.TrimSpace(Clean(string(val)))
		case "hidden":
			a.hidden = true
		case "style":
			a.hidden = a.hidden || hides(string(val), name)
		}
	}
	return a
}

func isWebLink(u string) bool {
	head := strings.ToLower(u[:min(len(u), 8)])
	return strings.HasPrefix(head, "http://") || strings.HasPrefix(head, "https://") || strings.HasPrefix(head, "mailto:")
}

// hides reports whether a style attribute makes its element invisible, as the preheaders of newsletters and the word salad
// of spam are. Around text of any size, layouts set the size of what is between to nothing: that hides words only inside a line.
func hides(style, element string) bool {
	if len(style) > maxStyle {
		style = style[:maxStyle]
	}
	var box [3]bool // no width, no height, nothing outside
	var ink, paper string
	for decl := range strings.SplitSeq(strings.ToLower(style), ";") {
		key, val, _ := strings.Cut(decl, ":")
		key = strings.TrimSpace(key)
		val = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(val), "!important"))
		switch key {
		case "display":
			if val == "none" {
				return true
			}
		case "visibility":
			if val == "hidden" || val == "collapse" {
				return true
			}
		case "max-height", "opacity":
			if isZero(val) {
				return true
			}
		case "font-size":
			if isZero(val) && !arranges(element) {
				return true
			}
		case "text-indent", "left", "top", "margin-left":
			if farAway(val) {
				return true
			}
		case "width", "height":
			box[strings.IndexByte("wh", key[0])] = isZero(val)
		case "overflow":
			box[2] = val == "hidden"
		case "color":
			ink = val
		case "background", "background-color":
			paper = val
		}
	}
	return ink != "" && ink == paper && !arranges(element) || box[2] && (box[0] || box[1])
}

// arranges reports whether an element holds others more than text.
func arranges(element string) bool {
	switch element {
	case "body", "table", "tbody", "tr", "td", "th", "div", "center", "section":
		return true
	default:
		return false
	}
}

// maxStyle is how much of a style attribute is read.
const maxStyle = 4096

// isZero reports whether a CSS length is nothing: 0, 0px, 0.0em.
func isZero(v string) bool {
	v = strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyz%")
	return v != "" && strings.Trim(v, "0.") == ""
}

// drops reports whether an element's content is no text of the message.
func drops(tag atom.Atom) bool {
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Noframes, atom.Iframe, atom.Object, atom.Svg, atom.Select:
		return true
	default:
		return false
	}
}

// isVoid reports whether an element has no content and no end tag.
func isVoid(tag atom.Atom) bool {
	switch tag {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Wbr:
		return true
	default:
		return false
	}
}

// blockBreaks returns how many line breaks stand around an element.
func blockBreaks(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Dl, atom.Figure:
		return 2
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Address, atom.Center, atom.Form,
		atom.Body, atom.Main, atom.Nav, atom.Aside, atom.Dt, atom.Dd, atom.Fieldset, atom.Caption, atom.Legend:
		return 1
	default:
		return 0
	}
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' || r == '\u00a0' || r == '\u2007' || r == '\u202f'
}

// isInvisible reports whether r is one of the characters that pad preheaders and break up words for filters. Joiners
// (U+200C, U+200D) stay: Persian and emoji need them.
func isInvisible(r rune) bool {
	return r == '\u200b' || r == '\ufeff' || r == '\u00ad' || r == '\u034f' || r == '\u2060'
}
