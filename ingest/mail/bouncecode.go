package mail

import "strings"

// saidCodes finds what a server answered in text: its reply code (RFC 5321 §4.2), its enhanced status code (RFC 3463) and
// where the answer begins. A status right behind a reply code counts for more than one that stands elsewhere, since
// programs put codes of their own before what they quote.
func saidCodes(s string) (code, status string, at int) {
	at = -1
	loose := ""
	for i := 0; i+2 < len(s); i++ {
		if s[i] < '2' || s[i] > '5' || i > 0 && !mayPrecedeCode(s[i-1]) {
			continue
		}
		if loose == "" {
			if st := statusAt(s, i); st != "" && st[0] != '2' {
				loose = st
				if at < 0 {
					at = i
				}
			}
		}
		if s[i] < '4' || !replyAt(s, i) || partOfAddress(s, i) {
			continue
		}
		st := statusAfter(s, i+3)
		if st != "" && st[0] == s[i] {
			return s[i : i+3], st, i
		}
		if code == "" {
			code = s[i : i+3]
			if at < 0 || at > i {
				at = i
			}
		}
	}
	return code, loose, at
}

// mayPrecedeCode reports whether c can stand before a code.
func mayPrecedeCode(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '#' || c == '(' || c == '[' || c == '<' || c == ':' || c == ';' || c == '"' || c == '\'' || c == '=' || c == ',' ||
		c == '>' || c == '-'
}

// replyAt reports whether a reply code stands at i: three digits, the second 0 to 7, and no more.
func replyAt(s string, i int) bool {
	if i+3 > len(s) || s[i+1] < '0' || s[i+1] > '7' || !isDigit(s[i+2]) {
		return false
	}
	if i+3 == len(s) {
		return true
	}
	switch c := s[i+3]; c {
	case '-':
		return i+8 > len(s) || strings.Trim(s[i+4:i+8], "0123456789") != "" // 555-1234
	case ' ', ':', '\n', '\t', '\r', '.', ',', ')', '#', '>', '"', '_', ';', ']':
		return c != '.' && c != ']' || i+4 == len(s) || !isDigit(s[i+4])
	default:
		return false
	}
}

// partOfAddress reports whether the digits at i are of a host's name or address, of a time or a port, as in "[192.0.2.1]:550".
func partOfAddress(s string, i int) bool {
	if i == 0 {
		return false
	}
	switch s[i-1] {
	case ':':
		return i > 1 && (s[i-2] == ']' || isDigit(s[i-2]))
	case '-':
		return i > 1 && (isDigit(s[i-2]) || isLetter(s[i-2])) && !(i > 3 && replyAt(s, i-4))
	case '[', '=', ',':
		return i+3 < len(s) && s[i+3] == '.'
	default:
		return false
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// statusAfter returns the enhanced status code that follows a reply code, with at most a few signs between.
func statusAfter(s string, i int) string {
	for n := 0; n < 8 && i < len(s); n++ {
		if s[i] >= '2' && s[i] <= '5' {
			if st := statusAt(s, i); st != "" {
				return st
			}
			if !replyAt(s, i) { // 550 550 5.1.1, 550-550-5.1.1
				return ""
			}
			i += 3
			continue
		}
		if strings.IndexByte(" -:#('\"[\t\n,", s[i]) < 0 {
			return ""
		}
		i++
	}
	return ""
}

// statusAt returns the enhanced status code at i, or "". What goes on as an IP address or a version does is none.
func statusAt(s string, i int) string {
	end := i + 1
	for part := 0; part < 2; part++ {
		if end >= len(s) || s[end] != '.' {
			return ""
		}
		from := end + 1
		end = from
		for end < len(s) && isDigit(s[end]) {
			end++
		}
		if end == from || end-from > 3 {
			return ""
		}
	}
	if end < len(s) && (isLetter(s[end]) || s[end] == '.' && end+1 < len(s) && (isDigit(s[end+1]) || isLetter(s[end+1])) || s[end] == '/') {
		return ""
	}
	if s[i] != '2' && s[i] != '4' && s[i] != '5' {
		return ""
	}
	return s[i:end]
}

// statusCode finds an enhanced status code (RFC 3463 §2) at the beginning of s.
func statusCode(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	return statusAt(s, 0)
}

// vague reports whether a status code says no more than its first figure does.
func vague(status string) bool {
	return status == "" || strings.HasSuffix(status, ".0.0")
}
