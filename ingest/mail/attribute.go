package mail

import (
	"strings"
	"unicode"
)

// A tagText is the attributes of one tag, as they are written.
type tagText struct {
	text   string
	hidden bool
}

// maxAttributes bounds the attributes of one tag, and maxAttribute the length of one value.
const (
	maxAttributes = 60
	maxAttribute  = 8 << 10
)

// attributes reads the attributes of a tag and writes those that are allowed.
func (s *sanitiser) attributes(name string, more bool) (w tagText) {
	var b strings.Builder
	w.hidden = name == "template"
	image := imageSource{}
	seen := map[string]bool{}
	for n := 0; more && n < maxAttributes; n++ {
		var k, v []byte
		k, v, more = s.z.TagAttr()
		key := string(k)
		if len(v) > maxAttribute || seen[key] { // of attributes that come twice the first counts
			continue
		}
		seen[key] = true
		value := Clean(string(v))
		switch {
		case strings.HasPrefix(key, "on"):
			s.result.Active++
		case key == "style":
			style := s.style(value)
			w.hidden = w.hidden || hides(value, name) || hides(style, name)
			write(&b, key, style)
		case key == "hidden":
			w.hidden = true
		case name == "a" && key == "href":
			s.link(&b, value)
		case name == "img" && (key == "src" || key == "data-remote"):
			image.take(s, value)
		default:
			s.plainAttribute(&b, name, key, value)
			image.measure(key, value)
		}
	}
	if active[name] {
		s.result.Active++
	}
	if name == "img" {
		image.hidden = w.hidden || s.shadows > 0
		s.image(&b, image)
	}
	w.text = b.String()
	return w
}

// plainAttribute writes an attribute that its rule allows.
func (s *sanitiser) plainAttribute(b *strings.Builder, name, key, value string) {
	allow, ok := attributeRules[key]
	if !ok {
		allow, ok = attributeRules[name+" "+key]
	}
	if ok {
		write(b, key, allow(value))
	}
}

// write writes an attribute unless it has no value.
func write(b *strings.Builder, key, value string) {
	if value == "" {
		return
	}
	b.WriteString(" " + key + `="`)
	escapeTo(b, value, true)
	b.WriteByte('"')
}

// link writes where a link leads, and that the page it stands in is none of that page's business.
func (s *sanitiser) link(b *strings.Builder, value string) {
	u := address(value)
	if strings.HasPrefix(u, "//") {
		u = "https:" + u
	}
	lower := strings.ToLower(clip(u, 8))
	for _, scheme := range []string{"https://", "http://", "mailto:", "tel:"} {
		if strings.HasPrefix(lower, scheme) && len(u) > len(scheme) {
			write(b, "href", u)
			b.WriteString(` target="_blank" rel="noopener noreferrer nofollow"`)
			return
		}
	}
	s.note(u)
}

// note counts an address that runs, or holds what might.
func (s *sanitiser) note(u string) {
	scheme, _, _ := strings.Cut(strings.ToLower(clip(u, 20)), ":")
	switch strings.TrimSpace(scheme) {
	case "javascript", "vbscript", "livescript", "data":
		s.result.Active++
	}
}

// address removes from a URL what browsers ignore in it, so that "java\nscript:" is seen for what it is.
func address(u string) string {
	u = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || unicode.Is(unicode.Cf, r) || r == '\uFFFD':
			return -1
		default:
			return r
		}
	}, u)
	return strings.ReplaceAll(strings.TrimFunc(u, unicode.IsSpace), " ", "%20")
}

// An imageSource is where an image comes from, and how large it says it is.
type imageSource struct {
	cid, remote string
	tiny        [2]bool
	hidden      bool
}

func (i *imageSource) take(s *sanitiser, value string) {
	u := address(value)
	if strings.HasPrefix(u, "//") {
		u = "https:" + u
	}
	lower := strings.ToLower(clip(u, 8))
	switch {
	case strings.HasPrefix(lower, "cid:") && len(u) > len("cid:"):
		i.cid = u[len("cid:"):]
	case (strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")) && len(u) > len("https://"):
		i.remote = u
	default:
		s.note(u)
	}
}

func (i *imageSource) measure(key, value string) {
	small := strings.TrimSuffix(strings.TrimSpace(value), "px")
	switch key {
	case "width":
		i.tiny[0] = small == "0" || small == "1"
	case "height":
		i.tiny[1] = small == "0" || small == "1"
	}
}

// image writes an image's source: a part of the mail, or an address elsewhere that is held back until asked for.
func (s *sanitiser) image(b *strings.Builder, i imageSource) {
	switch {
	case i.cid != "" && s.display.CID == nil:
		write(b, "src", "cid:"+i.cid)
	case i.cid != "":
		write(b, "src", s.display.CID(string(appendPercent(nil, i.cid))))
	case i.remote != "":
		s.result.Remote++
		if i.hidden || i.tiny[0] && i.tiny[1] {
			s.result.Trapped++
		}
		if s.display.Remote {
			write(b, "src", i.remote)
		} else {
			write(b, "data-remote", i.remote)
		}
	}
}

// The rules of attributes return the value as it is written, or "" for none.

func keyword(v string) string {
	v = strings.TrimSpace(v)
	for i := range len(v) {
		if c := v[i] | 0x20; (c < 'a' || c > 'z') && v[i] != '-' && (v[i] < '0' || v[i] > '9') {
			return ""
		}
	}
	return clip(v, 40)
}

func direction(v string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	if v == "ltr" || v == "rtl" || v == "auto" {
		return v
	}
	return ""
}

func anyText(v string) string {
	return clip(strings.Join(strings.Fields(v), " "), 2000)
}

// length takes digits with a sign before and a percent mark or unit behind.
func length(v string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.TrimLeft(v, "+-"), "%"), "px")
	if digits == "" || len(digits) > 6 || strings.Trim(digits, "0123456789.") != "" || len(v) > 12 {
		return ""
	}
	return v
}

// count takes the number of cells that one spans; browsers stop at 1,000.
func count(v string) string {
	v = strings.TrimSpace(v)
	if v == "" || len(v) > 3 || strings.Trim(v, "0123456789") != "" {
		return ""
	}
	return v
}

func set(string) string { return "1" }

// colour takes #rrggbb, a name, and what old programs write without "#".
func colour(v string) string {
	v = strings.TrimSpace(v)
	if strings.HasPrefix(v, "#") && len(v) > 1 && keyword(v[1:]) == v[1:] {
		return v
	}
	return keyword(v)
}

func fontName(v string) string {
	v = strings.TrimSpace(v)
	for _, r := range v {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ,-_'", r) {
			return ""
		}
	}
	return clip(v, 200)
}
