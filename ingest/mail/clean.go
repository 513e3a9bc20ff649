package mail

import (
	"strings"
	"unicode/utf8"
)

// Clean is the gate that every string of a [Mail] has passed: it returns s as valid UTF-8 without NUL, the two things
// that a PostgreSQL text column refuses. Each run of invalid bytes becomes one U+FFFD; NULs go.
func Clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if utf8.ValidString(s) { // many times faster than looking for what to replace
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// clip returns at most n bytes of s, cut between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// isASCII reports whether all of b is 7-bit.
func isASCII[T string | []byte](b T) bool {
	for ; len(b) >= 8; b = b[8:] {
		if b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7] >= utf8.RuneSelf {
			return false
		}
	}
	for i := range len(b) {
		if b[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lines gives text the line endings it has everywhere in a Mail: LF alone.
func lines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\r')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		b.WriteByte('\n')
		s = s[i+1:]
		s = strings.TrimPrefix(s, "\n")
	}
}
