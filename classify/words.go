package classify

import (
	"unicode"
	"unicode/utf8"
)

// text keeps the words of s under prefix: runs of letters and digits, lower-cased, joined by inner ' - . _ and led by
// a currency sign; pairs of neighbours in scripts that do not part words; and what is odd about them.
func (b *builder) text(prefix, s string, most int) {
	w := wordScan{b: b, prefix: prefix}
	w.scan(clip(s, most))
	w.end()
	if w.hidden > 0 {
		b.token("quirk:", "invisible characters")
		b.signalSet.add(signalInvisible)
	}
	if w.broken > 0 {
		b.token("quirk:", "invalid characters")
	}
	if w.long > 0 {
		b.size("quirk:long words ", w.long)
	}
	if w.upper > 4 {
		b.size(prefix+"quirk:capitals 1/16 ", w.upper*16/(w.upper+w.other))
	}
}

// wordScan is the state of one pass over a text.
type wordScan struct {
	b      *builder
	prefix string
	size   int  // bytes of the word so far; 0 outside a word
	caps   int  // its capitals
	inner  byte // a joining byte seen after the word so far; 0 if none
	latin  bool // it has an ASCII letter
	alien  bool // it has a Cyrillic or Greek letter
	last   rune // the neighbour in a script without spaces
	left   int  // words that may still be kept; 0 means any number

	hidden, broken, long, upper, other int // oddities counted over the text
}

func (w *wordScan) scan(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			i += n
			w.rune(r, n)
		case asciiKind[c] >= kindDigit:
			i += w.run(s[i:])
		default:
			i++
			w.mark(c)
		}
	}
}

// run takes in the ASCII letters and digits that s begins with, and returns how many they are.
func (w *wordScan) run(s string) int {
	w.endPair()
	w.joined()
	w.open()
	arena, most := w.b.arena, maxWord+1-w.size // of a longer word no more is kept: it is only counted
	var kinds [kindUpper + 1]int
	n := 0
	for ; n < len(s); n++ {
		c := s[n]
		if c >= utf8.RuneSelf {
			break
		}
		kind := asciiKind[c]
		if kind < kindDigit {
			break
		}
		kinds[kind]++
		if n < most {
			arena = append(arena, asciiLower[c])
		}
	}
	w.b.arena = arena
	w.size += n
	w.caps += kinds[kindUpper]
	w.upper += kinds[kindUpper]
	w.other += kinds[kindLower]
	w.latin = w.latin || kinds[kindUpper]+kinds[kindLower] > 0
	return n
}

// mark takes in an ASCII character that is neither letter nor digit.
func (w *wordScan) mark(c byte) {
	w.endPair()
	switch asciiKind[c] {
	case kindInner:
		if w.size > 0 && w.inner == 0 {
			w.inner = c
			return
		}
		w.end()
	case kindLead:
		w.end()
		w.open()
		w.b.arena = append(w.b.arena, c)
		w.size++
	default:
		w.end()
	}
}

func (w *wordScan) rune(r rune, n int) {
	switch {
	case r == utf8.RuneError && n == 1:
		w.broken++
		w.end()
	case invisible(r):
		w.hidden++
	case undivided(r):
		w.end()
		w.pair(r)
	case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r):
		w.endPair()
		w.alien = w.alien || unicode.In(r, unicode.Cyrillic, unicode.Greek)
		w.other++
		w.joined()
		w.open()
		w.b.arena = utf8.AppendRune(w.b.arena, unicode.ToLower(r))
		w.size += n
	default:
		w.endPair()
		w.end()
	}
}

func (w *wordScan) open() {
	if w.size == 0 {
		w.b.arena = append(w.b.arena, w.prefix...)
	}
}

func (w *wordScan) joined() {
	if w.inner != 0 {
		w.b.arena = append(w.b.arena, w.inner)
		w.size++
		w.inner = 0
	}
}

// end closes the word under construction and keeps it if it is of use.
func (w *wordScan) end() {
	if w.size == 0 {
		return
	}
	b, start := w.b, w.b.start()
	switch {
	case w.size > maxWord:
		w.long++
		b.arena = b.arena[:start]
	case w.size < 2 || w.left < 0:
		b.arena = b.arena[:start]
	default:
		w.keep(start)
	}
	w.size, w.caps, w.inner, w.latin, w.alien = 0, 0, 0, false, false
}

func (w *wordScan) keep(start int) {
	b := w.b
	shout := w.caps >= 3 && w.caps == w.size
	mixed := w.latin && w.alien
	b.commit()
	if shout && b.start() > start {
		end := min(len(b.arena), start+2*maxWord)
		b.arena = append(b.arena, "capitals:"...)
		b.arena = append(b.arena, b.arena[start:end]...)
		b.commit()
	}
	if mixed {
		b.token("quirk:", "mixed alphabets in a word")
		b.signalSet.add(signalMixedAlphabets)
	}
	if w.left > 0 {
		if w.left--; w.left == 0 {
			w.left = -1
		}
	}
}

// pair keeps r with the rune before it: words of scripts without spaces are mostly two runes long.
func (w *wordScan) pair(r rune) {
	if w.last != 0 && w.left >= 0 {
		b := w.b
		b.arena = append(b.arena, w.prefix...)
		b.arena = utf8.AppendRune(b.arena, w.last)
		b.arena = utf8.AppendRune(b.arena, r)
		b.commit()
	}
	w.last = r
}

func (w *wordScan) endPair() { w.last = 0 }

// The kinds of ASCII characters; from kindDigit on they are parts of words.
const (
	kindOther = iota
	kindInner
	kindLead
	kindDigit
	kindLower
	kindUpper
)

// asciiLower is every ASCII character in lower case.
var asciiLower = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		t[c] = lowerASCII(byte(c))
	}
	return t
}()

var asciiKind = func() (k [utf8.RuneSelf]uint8) {
	for c := range k {
		switch {
		case 'A' <= c && c <= 'Z':
			k[c] = kindUpper
		case 'a' <= c && c <= 'z':
			k[c] = kindLower
		case '0' <= c && c <= '9':
			k[c] = kindDigit
		case c == '\'' || c == '-' || c == '.' || c == '_':
			k[c] = kindInner
		case c == '$':
			k[c] = kindLead
		}
	}
	return k
}()

// invisible reports whether r takes no room on the page; spam hides words with such runes.
func invisible(r rune) bool {
	switch {
	case r == 0xad, r == 0x34f, r == 0x61c, r == 0xfeff, 0x200b <= r && r <= 0x200f, 0x202a <= r && r <= 0x202e, 0x2060 <= r && r <= 0x2064:
		return true
	}
	return false
}

// undivided reports whether r belongs to a script that writes words without spaces between them.
func undivided(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
