package mail

import (
	"cmp"
	"slices"
	"strings"
)

// A param is one parameter of a structured header (RFC 2045 §5.1), or one piece of it (RFC 2231 §3).
type param struct {
	name     string // lower case, without the marks of RFC 2231
	index    int    // number of the piece, -1 when the parameter is whole
	extended bool   // percent-encoded, the first piece with a charset before it
	value    string
}

// params are the parameters of one header, in order.
type params []param

// maxParams bounds the parameters kept of one header.
const maxParams = 200

// parseParams reads a value with parameters, such as Content-Type, and forgives what mail does to them: no quotes around
// values with spaces, no semicolon after a quoted value, quotes that do not close. The value comes back in lower case.
func parseParams(s string) (value string, ps params) {
	i := strings.IndexAny(s, "; \t")
	if i < 0 {
		return strings.ToLower(s), nil
	}
	value = strings.ToLower(s[:i])
	s = strings.TrimLeft(s[i:], "; \t")
	for s != "" && len(ps) < maxParams {
		eq := strings.IndexByte(s, '=')
		semi := strings.IndexByte(s, ';')
		if eq < 0 {
			break
		}
		if semi >= 0 && semi < eq { // a word without "="
			s = strings.TrimLeft(s[semi:], "; \t")
			continue
		}
		p := newParam(s[:eq])
		p.value, s = paramValue(strings.TrimLeft(s[eq+1:], " \t"))
		s = strings.TrimLeft(s, "; \t")
		ps = append(ps, p)
	}
	return value, ps
}

// newParam reads a parameter's name: NAME, NAME*, NAME*2 or NAME*2* (RFC 2231).
func newParam(name string) param {
	name = strings.ToLower(strings.Trim(name, " \t\""))
	if i := strings.LastIndexAny(name, " \t("); i >= 0 {
		name = name[i+1:] // words that lost their way
	}
	p := param{index: -1}
	var star bool
	p.name, name, star = strings.Cut(name, "*")
	if name == "" {
		p.extended = star
		return p
	}
	name, p.extended = strings.CutSuffix(name, "*")
	n := 0
	for i := 0; i < len(name) && i < 4; i++ {
		if name[i] < '0' || name[i] > '9' {
			return p
		}
		n = n*10 + int(name[i]-'0')
	}
	if name != "" {
		p.index = n
	}
	return p
}

// paramValue reads a quoted or bare value and returns what follows it.
func paramValue(s string) (value, rest string) {
	if s == "" || s[0] != '"' {
		i := strings.IndexByte(s, ';')
		if i < 0 {
			i = len(s)
		}
		return strings.TrimRight(s[:i], " \t"), s[i:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if b.Len() == 0 {
				return s[1:i], s[i+1:]
			}
			return b.String(), s[i+1:]
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			if b.Len() == 0 {
				b.WriteString(s[1:i])
			}
			i++
			b.WriteByte(s[i])
		case b.Len() > 0:
			b.WriteByte(c)
		}
	}
	// No closing quote: up to the next parameter.
	value, rest, _ = strings.Cut(s[1:], ";")
	return strings.TrimRight(value, " \t"), rest
}

// get returns the value of the parameter called name, decoded, or "". The pieces and charsets of RFC 2231 win over the
// plain form, as RFC 6266 §4.3 asks; encoded words are decoded although RFC 2047 §5 forbids them here.
func (ps params) get(name string) string {
	plain, found := "", false
	var pieces params
	for _, p := range ps {
		switch {
		case p.name != name:
		case p.index >= 0 || p.extended:
			pieces = append(pieces, p)
		case !found:
			plain, found = p.value, true
		}
	}
	if len(pieces) > 0 {
		return pieces.join()
	}
	text, _ := decodeWords(plain)
	return text
}

// join puts the pieces of one parameter together (RFC 2231 §4.1).
func (ps params) join() string {
	var data []byte
	charset := ""
	slices.SortStableFunc(ps, func(a, b param) int { return cmp.Compare(a.index, b.index) })
	for i, p := range ps {
		v := p.value
		if p.extended && i == 0 {
			if a := strings.SplitN(v, "'", 3); len(a) == 3 {
				charset, v = a[0], a[2]
			}
		}
		if p.extended {
			data = appendPercent(data, v)
		} else {
			data = append(data, v...)
		}
	}
	if charset == "" && isASCII(data) {
		text, _ := decodeWords(string(data))
		return text
	}
	text, _, _ := decodeCharset(data, charset)
	return oneLine(text)
}

func appendPercent(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		dst = append(dst, s[i])
	}
	return dst
}

// raw returns the plain value of the parameter called name as it was sent, or its joined pieces: a boundary is compared
// byte by byte, so nothing in it may be decoded.
func (ps params) raw(name string) string {
	for _, p := range ps {
		if p.name == name && p.index < 0 && !p.extended {
			return p.value
		}
	}
	return ps.get(name)
}
