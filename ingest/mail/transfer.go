package mail

import (
	"bytes"
	"io"
	"strings"
)

// An encoding is a content transfer encoding (RFC 2045 §6).
type encoding uint8

const (
	encodingNone encoding = iota // 7bit, 8bit, binary
	encodingBase64
	encodingQuoted
	encodingUU
	encodingYenc
)

// parseEncoding reads a Content-Transfer-Encoding in the spellings that mail has for it; known is false for any other,
// whose data is then taken as it is.
func parseEncoding(v string) (e encoding, known bool) {
	v = strings.ToLower(strings.Trim(v, " \t\"'"))
	if i := strings.IndexAny(v, " \t;,("); i > 0 {
		v = v[:i]
	}
	switch strings.Trim(v, "\"'") {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "none", "7bits", "8bits", "text", "ascii", "utf-8":
		return encodingNone, true
	case "base64", "b", "base-64", "base_64", "x-base64":
		return encodingBase64, true
	case "quoted-printable", "quoted_printable", "quotedprintable", "q", "qp", "quoted-printeable", "quoted printable":
		return encodingQuoted, true
	case "x-uuencode", "x-uu", "uuencode", "x-uue", "uue":
		return encodingUU, true
	default:
		return encodingNone, false
	}
}

// A decoder reads transfer-encoded bytes. It never fails: what breaks the rules is skipped or taken literally, and
// counted. Strict decoders, go-message's among them, stop at the first such byte and lose the rest of the part.
type decoder interface {
	io.Reader
	broken() int
}

func newDecoder(src []byte, e encoding) decoder {
	switch e {
	case encodingBase64:
		return &base64Reader{src: src}
	case encodingQuoted:
		return &quotedReader{src: src}
	case encodingUU:
		return &uuReader{src: src}
	case encodingYenc:
		return &yencReader{src: src}
	default:
		return &plainReader{Reader: *bytes.NewReader(src)}
	}
}

// A plainReader is the decoder for data that needs none.
type plainReader struct{ bytes.Reader }

func (*plainReader) broken() int { return 0 }

// decodeAll decodes all of src; without an encoding the result is src itself.
func decodeAll(src []byte, e encoding) (data []byte, broken int) {
	return decodeUpTo(src, e, len(src))
}

// decodeUpTo decodes at most limit bytes of src. No encoding grows data, so len(src) is always room enough.
func decodeUpTo(src []byte, e encoding, limit int) (data []byte, broken int) {
	if e == encodingNone {
		return src[:min(limit, len(src))], 0
	}
	data = make([]byte, min(limit, len(src)))
	d := newDecoder(src, e)
	n := 0
	for n < len(data) {
		k, err := d.Read(data[n:])
		n += k
		if err != nil {
			break
		}
	}
	return data[:n], d.broken()
}
