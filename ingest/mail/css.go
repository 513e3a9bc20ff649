package mail

import (
	"strconv"
	"strings"
)

// maxDeclarations bounds the declarations of one style attribute.
const maxDeclarations = 60

// style writes those declarations of a style attribute that colour and arrange text.
func (s *sanitiser) style(v string) string {
	if len(v) > maxStyle {
		return ""
	}
	var kept []string
	for decl := range strings.SplitSeq(v, ";") {
		name, value, ok := strings.Cut(decl, ":")
		if !ok || len(kept) >= maxDeclarations {
			continue
		}
		name = strings.ToLower(strings.TrimSpace(name))
		value = strings.Join(strings.Fields(value), " ")
		if strings.Contains(strings.ToLower(value), "script") || strings.Contains(strings.ToLower(value), "expression") {
			s.result.Active++
			continue
		}
		if allowedProperty(name) && plainValue(value) && !reachesOut(name, value) {
			kept = append(kept, name+":"+value)
		}
	}
	return strings.Join(kept, ";")
}

// allowedProperty reports whether a property stays. None of them loads anything, or moves an element out of its place.
func allowedProperty(name string) bool {
	switch name {
	case "color", "background", "background-color", "text-align", "text-decoration", "text-transform", "text-indent", "line-height",
		"letter-spacing", "word-spacing", "white-space", "word-break", "word-wrap", "overflow-wrap", "vertical-align", "direction",
		"width", "height", "max-width", "min-width", "max-height", "min-height", "list-style-type", "table-layout", "border-collapse",
		"border-spacing", "caption-side", "empty-cells", "float", "clear", "display", "opacity":
		return true
	}
	for _, family := range []string{"font", "padding", "margin", "border"} {
		if rest, ok := strings.CutPrefix(name, family); ok && (rest == "" || rest[0] == '-') {
			return !strings.Contains(rest, "image") && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz-") == ""
		}
	}
	return false
}

// plainValue reports whether a value is words, numbers and colours: no escapes, comments, strings that do not end, or functions
// but those of colours.
func plainValue(v string) bool {
	if v == "" || len(v) > 300 {
		return false
	}
	quotes := [2]int{}
	for i := range len(v) {
		switch c := v[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte(" #%.,+-!_", c) >= 0:
		case c == '\'':
			quotes[0]++
		case c == '"':
			quotes[1]++
		case c == '(':
			if !colourFunction(v[:i]) {
				return false
			}
		case c == ')':
		default:
			return false
		}
	}
	return quotes[0]%2 == 0 && quotes[1]%2 == 0 && strings.Count(v, "(") == strings.Count(v, ")")
}

// colourFunction reports whether the text before a bracket names a function that makes a colour.
func colourFunction(before string) bool {
	before = strings.ToLower(before)
	if i := strings.LastIndexAny(before, " ,"); i >= 0 {
		before = before[i+1:]
	}
	return before == "rgb" || before == "rgba" || before == "hsl" || before == "hsla"
}

// reachesOut reports whether a value would move an element over another or out of sight.
func reachesOut(name, value string) bool {
	switch {
	case strings.HasPrefix(name, "margin"), name == "text-indent", strings.HasSuffix(name, "-spacing"):
		return strings.HasPrefix(value, "-") || strings.Contains(value, " -")
	case name == "display":
		return !strings.HasPrefix(value, "inline") && !strings.HasPrefix(value, "block") && !strings.HasPrefix(value, "table") && !strings.HasPrefix(value, "list-item")
	default:
		return false
	}
}

// farAway reports whether a length is so negative that what it moves is off the page.
func farAway(v string) bool {
	v = strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyz%")
	n, err := strconv.ParseFloat(v, 64)
	return err == nil && n <= -500
}
