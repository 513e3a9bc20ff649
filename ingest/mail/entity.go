package mail

import (
	"bytes"
	"strings"
)

// An entity is what the header of a message or part says about its body (RFC 2045).
type entity struct {
	part     Part // all but its bytes
	boundary string
	merged   Part // what a second Content-Type claims: the header of a multipart and of its first part have run together
}

// entity reads the MIME fields of the header that has just been scanned. Of fields that come twice the first counts.
func (w *walker) entity(digest bool) entity {
	var e entity
	var kind, disposition params
	var seen [4]bool
	for _, f := range w.scan.fields {
		if len(f.name) < len("Content-ID") {
			continue
		}
		i, ok := mimeField(f.name)
		if !ok || seen[i] {
			if ok && i == fieldType && strings.HasPrefix(e.part.ContentType, "multipart/") {
				e.merge(fieldBytes(w.raw[f.start:f.end]))
			}
			continue
		}
		seen[i] = true
		value := fieldBytes(w.raw[f.start:f.end])
		switch i {
		case fieldType:
			e.part.ContentType, kind = parseParams(value)
		case fieldEncoding:
			known := false
			if e.part.encoding, known = parseEncoding(value); !known {
				w.m.defectOnce(DefectEncoding, value)
			}
		case fieldDisposition:
			e.part.Disposition, disposition = parseParams(value)
			e.part.Disposition = Clean(e.part.Disposition)
		case fieldID:
			if ids, _ := messageIDs(value); len(ids) > 0 {
				e.part.ContentID = ids[0]
			} else {
				e.part.ContentID = Clean(strings.Trim(value, "<> "))
			}
		}
	}
	e.part.Filename = disposition.get("filename")
	for _, other := range []string{kind.get("name"), disposition.get("name"), kind.get("filename"), kind.get("file")} {
		if e.part.Filename == "" {
			e.part.Filename = other
		}
	}
	e.part.Filename = safeFilename(e.part.Filename)
	w.contentType(&e.part, digest)
	e.part.Charset = strings.ToLower(kind.get("charset"))
	if strings.HasPrefix(e.part.ContentType, "multipart/") {
		e.boundary = kind.raw("boundary")
		e.merged.encoding = e.part.encoding
	} else if e.part.ContentType == "text/plain" {
		e.part.flowed = strings.EqualFold(kind.get("format"), "flowed")
		e.part.delSp = strings.EqualFold(kind.get("delsp"), "yes")
	}
	return e
}

// merge keeps the text type that a multipart's header claims besides.
func (e *entity) merge(value string) {
	claim, kind := parseParams(value)
	if claim == "text/plain" || claim == "text/html" {
		e.merged.ContentType = claim
		e.merged.Charset = strings.ToLower(kind.get("charset"))
		e.merged.flowed = claim == "text/plain" && strings.EqualFold(kind.get("format"), "flowed")
	}
}

// contentType puts a claim that is missing or cannot be read in order (RFC 2045 §5.2): text where nothing is said,
// except in a digest (RFC 2046 §5.1.5).
func (w *walker) contentType(p *Part, digest bool) {
	major, minor, ok := strings.Cut(p.ContentType, "/")
	switch {
	case p.ContentType == "" && digest:
		p.ContentType = "message/rfc822"
	case p.ContentType == "":
		p.ContentType = "text/plain"
	case ok && major != "" && minor != "":
		p.ContentType = Clean(p.ContentType)
	default:
		w.m.defectOnce(DefectContentType, p.ContentType)
		switch {
		case major == "text" || major == "plain":
			p.ContentType = "text/plain"
		case major == "html" || minor == "html":
			p.ContentType = "text/html"
		case p.Filename == "" && p.encoding != encodingBase64:
			p.ContentType = "text/plain"
		default:
			p.ContentType = "application/octet-stream"
		}
	}
}

// The MIME fields that a part is read from.
const (
	fieldType = iota
	fieldEncoding
	fieldDisposition
	fieldID
)

func mimeField(name []byte) (i int, ok bool) {
	for i, n := range [...]string{"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"} {
		if len(n) == len(name) && bytes.EqualFold([]byte(n), name) {
			return i, true
		}
	}
	return 0, false
}

// How far guessBoundary looks.
const guessBytes = 8 << 10

// guessBoundary finds the boundary of a multipart that does not name one: the first line of its body that begins with
// "--" and is followed by a field about content. It returns "" when there is none.
func guessBoundary(body []byte) string {
	body = clipBytes(body, guessBytes)
	for len(body) > 0 {
		n := lineEnd(body, 0)
		line := bytes.TrimRight(trimEOL(body[:n]), " \t")
		body = body[n:]
		if len(line) > 2 && bytes.HasPrefix(line, []byte("--")) && len(body) > 8 && bytes.EqualFold(body[:8], []byte("content-")) {
			return string(line[2:])
		}
	}
	return ""
}
