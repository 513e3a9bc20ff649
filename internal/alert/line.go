package alert

import "strings"

// Line makes what a stranger's server says fit for a text column and a line of at
// most so many octets: valid UTF-8 without control characters.
func Line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
