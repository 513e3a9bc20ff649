package mail

import (
	"crypto/sha256"
	"io"
	"strings"
)

// A Part is one leaf of a message: a body, an attachment, an attached message. Every leaf is listed, whatever the message
// says about it, so nothing that was sent can go unseen.
type Part struct {
	ContentType string   // as claimed: type/subtype in lower case, parameters left out
	Detected    string   // what the first bytes are: a content type, or "" when they do not tell
	Charset     string   // as claimed, lower case; "" for no claim
	Filename    string   // made safe to show and to save; may be ""
	Disposition string   // "inline", "attachment", "" or what else was claimed, lower case (RFC 2183)
	ContentID   string   // without angle brackets (RFC 2392)
	Size        int64    // decoded, in bytes
	SHA256      [32]byte // of the decoded bytes
	Inline      bool     // shown inside the HTML, which refers to it by its ContentID
	Body        bool     // chosen as the message's text or HTML, or as a piece of it

	src      []byte // encoded: a slice of the raw message
	encoding encoding
	flowed   bool // format=flowed (RFC 3676)
	delSp    bool // delsp=yes
}

// Open decodes the part from the raw message as it is read, so reading costs no memory. Text comes in the charset that
// the part claims, not in UTF-8. The reader never fails: broken encoding is skipped or taken literally.
func (p *Part) Open() io.Reader {
	return newDecoder(p.src, p.encoding)
}

// measure fills in Size and SHA256 by decoding the part once, and returns how many breaches of its encoding there were.
func (p *Part) measure() (broken int) {
	if p.encoding == encodingNone {
		p.holds(p.src)
		return 0
	}
	d := newDecoder(p.src, p.encoding)
	h := sha256.New()
	buf := make([]byte, min(len(p.src)+1, 32<<10))
	for {
		n, err := d.Read(buf)
		if p.Size == 0 && n > 0 {
			p.Detected = sniff(clipBytes(buf[:n], sniffBytes))
		}
		h.Write(buf[:n])
		p.Size += int64(n)
		if err != nil {
			break
		}
	}
	h.Sum(p.SHA256[:0])
	return d.broken()
}

// holds fills in what measure does, from the part's decoded bytes.
func (p *Part) holds(data []byte) {
	p.Size, p.SHA256 = int64(len(data)), sha256.Sum256(data)
	p.Detected = sniff(clipBytes(data, sniffBytes))
}

// isText reports whether the part can be a message's text.
func (p *Part) isText() bool {
	return p.ContentType == "text/plain" || p.ContentType == "text/html"
}

// isMedia reports whether the part can be shown among text (RFC 8621 §4.1.4).
func (p *Part) isMedia() bool {
	return strings.HasPrefix(p.ContentType, "image/") || strings.HasPrefix(p.ContentType, "audio/") ||
		strings.HasPrefix(p.ContentType, "video/")
}
