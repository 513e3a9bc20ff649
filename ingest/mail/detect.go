package mail

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gogs/chardet"
)

const (
	// detectBytes is how much of a text the detector sees: some 0.2 ms of work, and more changes nothing.
	detectBytes = 2048
	// detectLeast is how many bytes beyond ASCII it takes to tell charsets apart at all.
	detectLeast = 4
	// detectLatin is how many it takes to tell the Latin charsets from each other.
	detectLatin = 8
)

// detectCharset says which charset text is most likely in that is neither UTF-8 nor labelled truly. It returns
// "windows-1252", which reads everything, when nothing speaks for another.
func detectCharset(data []byte) string {
	if c := utf16WithoutMark(data); c != "" {
		return c
	}
	sample, high, letters := detectSample(data)
	if high < detectLeast {
		return "windows-1252"
	}
	isolated := letters > high // in "Grüße" most letters are ASCII, in "Привет" and "日本" hardly any
	if isolated && high < detectLatin {
		return "windows-1252"
	}
	results, err := chardet.NewTextDetector().DetectAll(sample)
	if err != nil {
		return "windows-1252"
	}
	slices.SortFunc(results, func(a, b chardet.Result) int { // they come as their goroutines end
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), strings.Compare(a.Charset, b.Charset))
	})
	for _, r := range results {
		c := canonicalCharset(r.Charset)
		if c == "utf-8" || isLatin(c) != isolated {
			continue
		}
		if text, ok := convert(sample, c); ok && readable(text) {
			return c
		}
	}
	return "windows-1252"
}

// isLatin reports whether c is one of the charsets of languages written with Latin letters.
func isLatin(c string) bool {
	switch c {
	case "windows-1252", "windows-1250", "windows-1254", "iso-8859-2":
		return true
	default:
		return false
	}
}

// readable reports whether text decoded without breaches, and into characters that people write.
func readable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	bad, high := 0, 0
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
		case r == utf8.RuneError || r < 0xa0 || 0xe000 <= r && r < 0xf900:
			bad++
		default:
			high++
		}
	}
	return bad*20 <= high
}

// detectSample collects the words of data that have bytes beyond ASCII, and counts those and the ASCII letters among them.
func detectSample(data []byte) (sample []byte, high, letters int) {
	sample = make([]byte, 0, detectBytes)
	tag := false
	for len(data) > 0 && len(sample) < detectBytes {
		n := bytes.IndexAny(data, " \n<>") + 1
		if n == 0 {
			n = len(data)
		}
		word := data[:n]
		data = data[n:]
		if !tag && !isASCII(word) {
			word = clipBytes(word, detectBytes-len(sample))
			sample = append(sample, word...)
			for _, c := range word {
				if c >= utf8.RuneSelf {
					high++
				} else if 'a' <= c|0x20 && c|0x20 <= 'z' {
					letters++
				}
			}
		}
		switch word[len(word)-1] {
		case '<':
			tag = true
		case '>':
			tag = false
		}
	}
	return sample, high, letters
}

// utf16WithoutMark recognises UTF-16 by its NULs: every other byte of what is mostly ASCII.
func utf16WithoutMark(data []byte) string {
	data = clipBytes(data, detectBytes)
	if len(data) < 8 {
		return ""
	}
	var nul [2]int
	for i, c := range data {
		if c == 0 {
			nul[i&1]++
		}
	}
	pairs := len(data) / 2
	switch {
	case nul[1]*4 > pairs*3 && nul[0]*10 < pairs:
		return "utf-16le"
	case nul[0]*4 > pairs*3 && nul[1]*10 < pairs:
		return "utf-16be"
	default:
		return ""
	}
}

// decodeAs converts data from a charset that was detected.
func decodeAs(data []byte, label string) string {
	switch label {
	case "utf-16le":
		return decodeUTF16(data, 0, 1)
	case "utf-16be":
		return decodeUTF16(data, 1, 0)
	}
	text, ok := convert(data, label)
	if !ok {
		text = strings.ToValidUTF8(string(data), "\uFFFD")
	}
	return Clean(text)
}
