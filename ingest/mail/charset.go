package mail

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	htmlcharset "golang.org/x/net/html/charset"
)

// decodeCharset turns data into UTF-8. The declared label wins whenever data decodes cleanly in it; otherwise the charset
// is guessed and clean is false. used names the charset that was applied. An empty label is no claim: clean then says
// whether a guess was needed.
func decodeCharset(data []byte, label string) (text, used string, clean bool) {
	label = canonicalCharset(label)
	if s, used, ok := byMark(data); ok {
		return s, used, label == "" || label == used || strings.HasPrefix(label, "utf")
	}
	switch label {
	case "", "us-ascii":
		if isASCII(data) && bytes.IndexByte(data, 0x1b) < 0 {
			return Clean(string(data)), "us-ascii", true
		}
		text, used = guessed(data)
		return text, used, false
	case "utf-8":
		if utf8.Valid(data) {
			return Clean(string(data)), label, true
		}
		if mostlyUTF8(data) {
			return Clean(string(data)), label, false
		}
		text, used = guessed(data)
		return text, used, false
	}
	text, ok := convert(data, label)
	if ok && !strings.ContainsRune(text, utf8.RuneError) {
		return Clean(text), label, true
	}
	if !ok || utf8.Valid(data) {
		text, used = guessed(data)
		return text, used, false
	}
	return Clean(text), label, false // a few bytes are broken: the claim is still the best guess
}

// aliases are names that mail uses for charsets, and charsets whose everyday superset reads the same text and more, as
// the WHATWG Encoding standard has it.
var aliases = map[string]string{
	"ascii": "us-ascii", "ansi_x3.4-1968": "us-ascii", "iso-646": "us-ascii", "iso646-us": "us-ascii", "7bit": "us-ascii",
	"utf8": "utf-8", "utf_8": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-utf-8": "utf-8", "unicode-1-1-utf-7": "utf-7",
	"iso-8859-1": "windows-1252", "iso8859-1": "windows-1252", "iso_8859-1": "windows-1252", "latin1": "windows-1252",
	"latin-1": "windows-1252", "l1": "windows-1252", "iso-8859-1-windows-3.1-latin-1": "windows-1252",
	"iso88591": "windows-1252", "8859_1": "windows-1252", "cp1252": "windows-1252", "ansi": "windows-1252",
	"iso-8859-9": "windows-1254", "iso-8859-11": "windows-874", "tis-620": "windows-874",
	"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "hz": "hz-gb-2312",
	"ks_c_5601-1987": "euc-kr", "ks_c_5601": "euc-kr", "ksc5601": "euc-kr", "cp949": "euc-kr", "uhc": "euc-kr",
	"shift-jis": "shift_jis", "sjis": "shift_jis", "x-sjis": "shift_jis", "cp932": "shift_jis", "ms_kanji": "shift_jis",
	"windows-31j": "shift_jis", "iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "csiso2022jp": "iso-2022-jp",
	"cp-850": "ibm850", "cp850": "ibm850", "cp437": "ibm437", "koi8r": "koi8-r", "iso-8859-8-i": "iso-8859-8",
	"x-unknown": "", "unknown": "", "unknown-8bit": "", "default": "", "default_charset": "", "x-user-defined": "", "none": "",
}

// canonicalCharset brings the many spellings of a charset to one; "" is no claim.
func canonicalCharset(label string) string {
	label = strings.ToLower(strings.Trim(label, " \t\"'<>"))
	if i := strings.IndexAny(label, " \t;,"); i >= 0 {
		label = label[:i]
	}
	if a, ok := aliases[label]; ok {
		return a
	}
	if n, ok := strings.CutPrefix(label, "cp125"); ok && len(n) == 1 {
		return "windows-125" + n
	}
	return label
}

// convert decodes data by go-message's charset tables; ok is false when they do not know the label.
func convert(data []byte, label string) (text string, ok bool) {
	switch label {
	case "":
		return "", false
	case "utf-7":
		return decodeUTF7(data), true
	}
	if label == "windows-1252" && isASCII(data) {
		return string(data), true
	}
	r, err := charset.Reader(label, bytes.NewReader(data))
	if err != nil {
		return "", false
	}
	high := 0
	for _, c := range data {
		high += int(c >> 7)
	}
	var out strings.Builder
	out.Grow(len(data) + high) // hardly any charset needs more, and large texts need not grow
	var chunk [2048]byte
	for {
		n, err := r.Read(chunk[:])
		out.Write(chunk[:n])
		switch {
		case errors.Is(err, io.EOF):
			return out.String(), true
		case err != nil:
			return "", false
		}
	}
}

// byMark decodes text that begins with a byte order mark.
func byMark(data []byte) (text, used string, ok bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return Clean(string(data[3:])), "utf-8", true
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return decodeUTF16(data[2:], 0, 1), "utf-16le", true
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decodeUTF16(data[2:], 1, 0), "utf-16be", true
	default:
		return "", "", false
	}
}

func decodeUTF16(data []byte, low, high int) string {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, uint16(data[high])<<8|uint16(data[low]))
	}
	return Clean(string(utf16.Decode(units)))
}

// sniffLen is how much of a text decides which charset it is in.
const sniffLen = 16 << 10

// guessed decodes text whose charset is not known, by its bytes alone.
func guessed(data []byte) (text, used string) {
	switch {
	case utf8.Valid(data) && bytes.IndexByte(data, 0x1b) < 0:
		return Clean(string(data)), "utf-8"
	case looksISO2022JP(data):
		used = "iso-2022-jp"
	default:
		used = detectCharset(data)
	}
	return decodeAs(data, used), used
}

// mostlyUTF8 reports whether data is UTF-8 with some damage, as after a cut in the middle of a character.
func mostlyUTF8(data []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(data); {
		if data[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, n := utf8.DecodeRune(data[i:])
		if n > 1 {
			good++
		} else {
			bad++
		}
		i += n
	}
	return good > 3*bad
}

// looksISO2022JP reports whether data switches character sets the way ISO-2022-JP does (RFC 1468).
func looksISO2022JP(data []byte) bool {
	if bytes.IndexByte(data, 0x1b) < 0 {
		return false
	}
	return bytes.Contains(data, []byte("\x1b$B")) || bytes.Contains(data, []byte("\x1b$@")) || bytes.Contains(data, []byte("\x1b(J"))
}

// htmlCharset returns the charset that an HTML document names itself, or "".
func htmlCharset(data []byte) string {
	_, name, certain := htmlcharset.DetermineEncoding(data[:min(len(data), sniffLen)], "")
	if name == "windows-1252" && !certain || bytes.IndexByte(data[:min(len(data), sniffLen)], '<') < 0 {
		return ""
	}
	return name
}
