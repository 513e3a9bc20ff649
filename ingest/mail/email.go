package mail

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// cleanEmail makes an address comparable: no spaces, no route (RFC 5322 §4.4), no "mailto:", domain in lower-case Unicode.
func cleanEmail(s string) string {
	s, _ = decodeWords(strings.TrimSpace(s))
	if i := strings.IndexByte(s, '('); i >= 0 && s[0] != '"' {
		if end := commentEnd(s, i); end > 0 {
			s = s[:i] + s[end+1:]
		}
	}
	if s == "" || s[0] != '"' {
		s = withoutSpaces(s)
	}
	if len(s) > len("mailto:") && strings.EqualFold(s[:len("mailto:")], "mailto:") {
		s = s[len("mailto:"):]
	}
	if len(s) > 0 && s[0] == '@' {
		if i := strings.IndexByte(s, ':'); i > 0 {
			s = s[i+1:]
		}
	}
	s = strings.Trim(s, "<>,;:'[]()")
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	return s[:at+1] + domain(s[at+1:])
}

// withoutSpaces joins what stands around the "@" and the dots of an address (RFC 5322 §4.4); of other words only the one
// with the "@" belongs to it.
func withoutSpaces(s string) string {
	if strings.IndexByte(s, ' ') < 0 {
		return s
	}
	address := ""
	for _, w := range strings.Fields(s) {
		glued := address == "" || strings.HasSuffix(address, "@") || strings.HasSuffix(address, ".") || w[0] == '@' || w[0] == '.'
		switch {
		case glued:
			address += w
		case !strings.Contains(address, "@"):
			address = w
		default:
			return address
		}
	}
	return address
}

// domain returns a domain in lower-case Unicode (RFC 5891); one that is no valid IDN stays as it is.
func domain(s string) string {
	s = strings.TrimRight(strings.ToLower(s), ".")
	if strings.Contains(s, "xn--") {
		if u, err := idna.ToUnicode(s); err == nil && utf8.ValidString(u) {
			return u
		}
	}
	return s
}
