package mail

import (
	"encoding/base64"
	"strings"
)

// utf7Base64 is UTF-7's alphabet without padding (RFC 2152).
var utf7Base64 = base64.StdEncoding.WithPadding(base64.NoPadding)

// decodeUTF7 reads UTF-7 (RFC 2152), which old Outlooks wrote and which go-message's tables leave out.
func decodeUTF7(data []byte) string {
	var out strings.Builder
	s := string(data)
	for {
		i := strings.IndexByte(s, '+')
		if i < 0 {
			out.WriteString(s)
			return Clean(out.String())
		}
		out.WriteString(s[:i])
		s = s[i+1:]
		n := 0
		for n < len(s) && isBase64(s[n]) {
			n++
		}
		if n == 0 {
			out.WriteByte('+')
		} else {
			out.WriteString(utf7Run(s[:n]))
		}
		s = strings.TrimPrefix(s[n:], "-")
	}
}

// utf7Run decodes one run of base64 as UTF-16.
func utf7Run(s string) string {
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	data, err := utf7Base64.DecodeString(s)
	if err != nil && len(data) == 0 {
		return "+" + s
	}
	return decodeUTF16(data, 1, 0)
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
