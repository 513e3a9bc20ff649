package mail

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// decodeWords decodes the encoded words of s (RFC 2047) wherever they stand: inside quotes, glued to text, with spaces
// in them, or cut in the middle of a character, all of which the RFC forbids and mail contains. Adjacent words in one
// charset are joined as bytes before the charset is applied. ok is false when something looked like a word and did not
// decode; it is then left as it was.
func decodeWords(s string) (_ string, ok bool) {
	if !strings.Contains(s, "=?") {
		return plain(s), true
	}
	ok = true
	last := strings.LastIndex(s, "?=") // no word can be complete after it: knowing that keeps the search linear
	var out strings.Builder
	var pending []byte // decoded bytes of the words just read, still in their charset
	var label string
	flush := func() {
		if len(pending) == 0 {
			return
		}
		text, _, clean := decodeCharset(pending, label)
		ok = ok && clean
		out.WriteString(oneLine(text))
		pending = pending[:0]
	}
	size := len(s)
	for {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		w, n, open := encodedWord(s[i:], last-(size-len(s)+i))
		if n == 0 {
			flush()
			out.WriteString(plain(s[:i+2]))
			s = s[i+2:]
			continue
		}
		ok = ok && !open
		if gap := s[:i]; strings.TrimSpace(gap) != "" || len(pending) == 0 {
			flush()
			out.WriteString(plain(gap))
		}
		if !strings.EqualFold(w.charset, label) {
			flush()
			label = w.charset
		}
		pending = append(pending, w.data...)
		s = s[i+n:]
	}
	flush()
	out.WriteString(plain(s))
	return Clean(out.String()), ok
}

// plain reads what stands between encoded words: ASCII, UTF-8 (RFC 6532), or bytes in a charset that has to be guessed.
func plain(s string) string {
	if utf8.ValidString(s) {
		return Clean(s)
	}
	s, _ = guessed([]byte(s))
	return s
}

// A word is one encoded word: bytes and the charset they are in.
type word struct {
	charset string
	data    []byte
}

// maxCharset bounds the charset's name in an encoded word, language tag included (RFC 2231 §5).
const maxCharset = 64

// encodedWord reads the encoded word at the beginning of s, which starts with "=?", and returns its length, or 0. last is
// where the last "?=" of s stands; a word that begins after it has lost its end, is open, and goes up to the next space.
func encodedWord(s string, last int) (w word, n int, open bool) {
	i := strings.IndexByte(s[2:min(len(s), 2+maxCharset)], '?')
	if i <= 0 || len(s) < 2+i+3 || s[2+i+2] != '?' {
		return w, 0, false
	}
	w.charset, _, _ = strings.Cut(s[2:2+i], "*") // RFC 2231 §5: a language may follow
	kind := s[2+i+1] | 0x20
	body := s[2+i+3:]
	if kind != 'b' && kind != 'q' {
		return w, 0, false
	}
	open = last < 2+i+3
	end, mark := 0, len("?=")
	if open {
		if end, mark = strings.IndexByte(body, ' '), 0; end < 0 {
			end = len(body)
		}
	} else {
		end = wordEnd(body, kind)
	}
	if kind == 'b' {
		w.data = decodeB(body[:end])
	} else {
		w.data = decodeQ(body[:end])
	}
	return w, len(s) - len(body) + end + mark, open
}

// wordEnd returns where the "?=" is that ends an encoded text; body has one. In Q encoding a "?=" may also be a question mark
// before an escape, "?=E4"; the word then goes on.
func wordEnd(body string, kind byte) int {
	for from := 0; ; {
		i := from + strings.Index(body[from:], "?=")
		tail := body[i+2:]
		if kind != 'q' || len(tail) < 2 || !isHex(tail[0]) || !isHex(tail[1]) || !strings.Contains(tail[:min(len(tail), 80)], "?=") {
			return i
		}
		from = i + 2
	}
}

func decodeB(s string) []byte {
	if out, err := base64.StdEncoding.DecodeString(s); err == nil {
		return out
	}
	out, _ := decodeAll([]byte(s), encodingBase64)
	return out
}

func decodeQ(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// oneLine makes text fit for a header: a decoded word may hold line breaks that must not become header lines.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n\t") {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '\r':
			return -1
		case '\n', '\t':
			return ' '
		default:
			return r
		}
	}, s)
}
