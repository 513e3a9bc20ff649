package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on signatures, in lines with something in them. Longer ones are taken for text.
const (
	maxSignature     = 40 // below "-- ", which RFC 3676 §4.3 reserves for it
	maxLooseDash     = 25 // below "--" without the space
	maxRuled         = 10 // below a line drawn across
	maxSignatureLine = 160
	minSentFrom      = 8    // bytes
	maxNotice        = 60   // lines of one disclaimer
	noticePhrases    = 3    // phrases of lawyers that make a paragraph a disclaimer
	maxShortDash     = 8    // below a long dash
	noticeLead       = 1500 // bytes of a disclaimer that are read
	maxPeeled        = 60   // lines and disclaimers that are taken off the end one by one
)

// signatureIn returns where the signature begins among the lines from first to before last, or last.
func (t *trimmer) signatureIn(first, last int) int {
	cut := t.delimiterIn(first, last)
	for range maxPeeled {
		end := cut
		for end > first && t.lines[end-1].tag == lineBlank {
			end--
		}
		if end == first || t.lines[end-1].tag != lineText {
			return cut
		}
		switch line := t.line(end - 1); {
		case isDivider(line) || line == "ᐧ" || isSentFrom(line):
			cut = end - 1
		default:
			up := t.noticeAbove(first, end)
			if up == end {
				return cut
			}
			cut = up
		}
	}
	return cut
}

// delimiterIn returns the first line that delimits a signature, or last.
func (t *trimmer) delimiterIn(first, last int) int {
	left := 0 // lines with something in them below i
	found := last
	for i := last - 1; i >= first && left <= maxSignature; i-- {
		switch t.lines[i].tag {
		case lineBlank:
			continue
		case lineCode:
			return found
		}
		if room := t.delimits(i); room > 0 && left <= room && (left > 0 || i > first) {
			found = i
		}
		left++
	}
	return found
}

// delimits returns how many lines a signature below line i may have, 0 when the line delimits none.
func (t *trimmer) delimits(i int) int {
	l := t.lines[i]
	if l.end-l.start > 90 {
		return 0
	}
	raw := strings.TrimRight(t.text[l.start:l.end], "\r\n")
	switch raw {
	case "-- ", "--\u00a0":
		return maxSignature
	}
	switch line := strings.TrimSpace(raw); {
	case line == "--" || line == "- --":
		return maxLooseDash
	case line == "—" || line == "– –" || line == "—-":
		return maxShortDash
	case len(line) >= 5 && strings.Trim(line, "_") == "" && (i == 0 || t.lines[i-1].tag == lineBlank):
		return maxRuled
	default:
		return 0
	}
}

// isSentFrom reports whether line is one of those that mobile mail programs and the like put below a mail.
func isSentFrom(line string) bool {
	if len(line) > maxSignatureLine || len(line) < minSentFrom {
		return false
	}
	s := strings.ToLower(strings.Trim(line, "<>()[]*_-—–|. \t\u00a0\u200e\u200f\u202a\u202c"))
	s = strings.ReplaceAll(s, "[", "") // Get [Outlook for iOS](…)
	count := len(strings.Fields(s))
	for _, p := range sentWhole {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	if count <= 5 && (strings.HasSuffix(s, " from mobile") || strings.HasSuffix(s, " from my mobile")) {
		return true
	}
	switch {
	case hasAnyPrefix(s, sentFrom):
		if count > maxSentWords && !strings.Contains(s, "excuse") && !strings.Contains(s, "typo") {
			return false
		}
		return namesDevice(s) || count <= 8 && strings.HasPrefix(s, "sent from my ") || strings.HasPrefix(s, "from my ") && count <= 5 && namesDevice(s)
	case hasAnySuffix(s, sentEnd):
		return (!spaced(s) || hasAnyPrefix(s, sentEndOpeners)) && count <= maxSentWords && namesDevice(s)
	default:
		return false
	}
}

// maxSentWords is how many words a line of a mobile mail program has at most; a longer one is a sentence.
const maxSentWords = 10

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func hasAnySuffix(s string, suffixes []string) bool {
	for _, p := range suffixes {
		if strings.HasSuffix(s, p) {
			return true
		}
	}
	return false
}

// spaced reports whether s ends in a script that parts words by spaces.
func spaced(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r < 0x2e80
}

// namesDevice reports whether the line names a thing or a program that sends mail.
func namesDevice(s string) bool {
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' }) {
		if devices[w] {
			return true
		}
		for i := range len(w) { // 自我的iPhone, iphone'umdan, "iOShttps"
			if r := w[i]; r == 'i' || r == 'a' || r == 'o' || r == 's' {
				if hasAnyPrefix(w[i:], deviceStems) {
					return true
				}
			}
		}
	}
	return false
}

// noticeAbove returns where the disclaimer or footer that ends right above line end begins, or end. It is a paragraph in
// which lawyers' or scanners' phrases stand; paragraphs below such a one belong to it.
func (t *trimmer) noticeAbove(first, end int) int {
	begin := end
	for begin > first && begin > end-maxNotice && t.lines[begin-1].tag == lineText {
		begin--
	}
	if begin == end || int(t.lines[end-1].end-t.lines[begin].start) > 8<<10 {
		return end
	}
	s := t.text[t.lines[begin].start:t.lines[end-1].end]
	if len(s) < 40 {
		return end
	}
	if begin > first && t.lines[begin-1].tag != lineBlank {
		return end
	}
	if isNotice(s) {
		return begin
	}
	return end
}

// isNotice reports whether a paragraph is a disclaimer, a scanner's stamp or a list's footer.
func isNotice(s string) bool {
	s = strings.ToLower(strings.Join(strings.Fields(strings.TrimLeft(clip(s, noticeLead), "-_=* \t\r\n")), " "))
	for _, p := range stamps {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	if len(s) < 120 {
		return false
	}
	n, phrases := 0, legalese
	if isASCII(s) {
		phrases = legaleseASCII
	}
	for _, p := range phrases {
		if strings.Contains(s, p) {
			if n++; n == noticePhrases {
				return true
			}
		}
	}
	return false
}
