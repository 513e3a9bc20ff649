package classify

import (
	"math/bits"
	"strings"
)

// links keeps what the addresses of web pages in s say: host, networks of names above it, words of the path.
func (b *builder) links(s string) {
	for n := 0; n < maxLinks; n++ {
		i := strings.Index(s, "://")
		if i < 0 {
			break
		}
		scheme := s[max(0, i-5):i]
		s = s[i+3:]
		if !strings.HasSuffix(scheme, "http") && !strings.HasSuffix(scheme, "https") && !strings.HasSuffix(scheme, "ftp") {
			continue
		}
		end := 0
		for end < len(s) && !endsLink[s[end]] {
			end++
		}
		b.link(s[:min(end, maxFieldValue)])
		s = s[end:]
	}
	b.mailDomains(s)
}

// endsLink are the bytes that an address of a page does not hold.
var endsLink = func() (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || strings.IndexByte(`"'<>)]`, byte(c)) >= 0
	}
	return t
}()

func (b *builder) link(u string) {
	end := strings.IndexAny(u, "/?#")
	if end < 0 {
		end = len(u)
	}
	host, path := u[:end], u[end:]
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		b.token("quirk:", "link with user name")
		host = host[at+1:]
	}
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 {
		b.token("quirk:", "link with port")
		host = host[:colon]
	}
	if host == "" {
		return
	}
	if last := host[len(host)-1]; '0' <= last && last <= '9' {
		b.token("quirk:", "link to a bare address")
		b.signalSet.add(signalBareAddress)
	}
	b.domain("link host:", host)
	b.hosts = append(b.hosts, host)
	if strings.IndexByte(path, '%') >= 0 {
		b.token("quirk:", "link with escapes")
	}
	w := wordScan{b: b, prefix: "link path:", left: maxPathWords}
	w.scan(clip(path, maxFieldValue/2))
	w.end()
}

// mailDomains keeps the domains of mail addresses that stand in a text.
func (b *builder) mailDomains(s string) {
	for n := 0; n < maxAddresses; n++ {
		at := strings.IndexByte(s, '@')
		if at < 0 {
			return
		}
		s = s[at+1:]
		end := 0
		for end < len(s) && end < 64 && (asciiByte(s[end]) || s[end] == '.' || s[end] == '-') {
			end++
		}
		if host := s[:end]; strings.IndexByte(host, '.') > 0 {
			b.domain("mail domain:", host)
		}
	}
}

func asciiByte(c byte) bool {
	return c < 0x80 && (asciiKind[c] == kindLower || asciiKind[c] == kindUpper || asciiKind[c] == kindDigit)
}

// markup keeps the tags of an HTML part, the links in its attributes, links whose text names another host, and the ways
// to hide text.
func (b *builder) markup(s string) {
	s = clip(s, maxHTML)
	if s == "" {
		return
	}
	comments, href := 0, ""
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 || open+1 >= len(s) {
			break
		}
		if href != "" {
			b.linkText(href, s[:open])
		}
		s = s[open+1:]
		if strings.HasPrefix(s, "!--") {
			comments++
		}
		end := strings.IndexByte(s, '>')
		if end < 0 {
			end = len(s)
		}
		href = b.tag(s[:end])
		s = s[end:]
	}
	b.size("html:comments ", comments)
}

// tag keeps one tag and returns the host its href points to, if it has one.
func (b *builder) tag(t string) (host string) {
	n := 0
	for n < len(t) && n < 12 && (asciiByte(t[n]) || n == 0 && t[n] == '/') {
		n++
	}
	if n == 0 || t[0] == '/' {
		return ""
	}
	b.lower("html:", t[:n])
	attributes := clip(t[n:], maxFieldValue)
	if attributes == "" {
		return ""
	}
	for found := hidingIn(attributes); found != 0; found &= found - 1 {
		h := &hiding[bits.TrailingZeros16(found)]
		b.token("html hides:", h.name)
		if h.text {
			b.signalSet.add(signalHiddenText)
		}
	}
	if i := strings.Index(attributes, "://"); i >= 0 {
		b.links(attributes)
		if (t[0]|0x20) == 'a' && n == 1 {
			rest := attributes[i+3:]
			end := strings.IndexAny(rest, "/\"'?#: >")
			if end < 0 {
				end = len(rest)
			}
			host = rest[:end]
		}
	}
	return host
}

// hiding are the ways to hide; text says that words can be hidden so.
var hiding = []struct {
	sign, name string
	text       bool
}{
	{"display:none", "display none", true}, {"font-size:0", "font size 0", true}, {"font-size:1px", "font size 1px", true},
	{"visibility:hidden", "visibility", true}, {"opacity:0", "opacity 0", true}, {"color:#fff", "white text", false},
	{"color=\"#fff", "white text", false}, {"width=1", "one pixel", false}, {"width=\"1\"", "one pixel", false},
}

// hidingStarts are the bytes that a sign of hiding begins with.
var hidingStarts = func() (t [256]bool) {
	for _, h := range hiding {
		t[h.sign[0]], t[h.sign[0]-'a'+'A'] = true, true
	}
	return t
}()

// hidingIn returns which ways to hide a tag's attributes use, as bits in the order of hiding.
func hidingIn(attributes string) (found uint16) {
	for i := range len(attributes) {
		if !hidingStarts[attributes[i]] {
			continue
		}
		rest := attributes[i:]
		for n := range hiding {
			sign := hiding[n].sign
			if len(rest) >= len(sign) && lowerASCII(rest[1]) == sign[1] && strings.EqualFold(rest[:len(sign)], sign) {
				found |= 1 << n
			}
		}
	}
	return found
}

// linkText notes a link whose visible text names another host than it leads to.
func (b *builder) linkText(host, text string) {
	text = strings.TrimSpace(clip(text, maxFieldValue))
	_, shown, ok := strings.Cut(text, "://")
	if !ok {
		if !strings.HasPrefix(text, "www.") {
			return
		}
		shown = text
	}
	if end := strings.IndexAny(shown, "/?#: "); end >= 0 {
		shown = shown[:end]
	}
	if !strings.EqualFold(shown, host) {
		b.token("quirk:", "link text names another host")
		b.signalSet.add(signalDisguisedLink)
	}
}

func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if lowerASCII(s[i]) == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}
