package mail

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// TNEF is how Outlook wraps a message for its own kind: a file winmail.dat that holds the body and the attachments, as a
// list of attributes ([MS-OXTNEF]). Other programs show the file, and the customer's invoice is in it.

const (
	tnefDepth = 5       // messages inside each other
	tnefLimit = 8 << 20 // bytes of bodies, unpacked
)

// A tnef is a reading under way.
type tnef struct {
	files          []Part
	text, html     string
	codepage       string
	incomplete     bool
	room           int // files that may still be taken
	lost           bool
	depth          int
	file           *Part // the attachment that is being described
	embeddedObject []byte
}

// isTNEF reports whether a part claims to be a winmail.dat, or is one.
func (p *Part) isTNEF() bool {
	return p.ContentType == "application/ms-tnef" || p.ContentType == "application/vnd.ms-tnef" || p.Detected == "application/vnd.ms-tnef"
}

// openTNEF reads a winmail.dat: its attachments become parts beside it, and its bodies are kept for a message that has no other.
func (w *walker) openTNEF(p *Part) {
	if !w.spend(2 * len(p.src)) {
		return
	}
	data, _ := decodeAll(p.src, p.encoding)
	t := tnef{room: max(0, w.budget.Parts-len(w.nodes)-len(w.extra))}
	t.read(data)
	if t.lost {
		w.m.defectOnce(DefectLost, p.Filename)
	}
	if t.incomplete {
		w.m.defectOnce(DefectTNEF, p.Filename)
	}
	for i := range t.files {
		t.files[i].measure()
	}
	w.extra = append(w.extra, t.files...)
	if w.packed.text == "" && w.packed.html == "" {
		w.packed = t
	}
}

const tnefSignature = 0x223e9f78

// read takes the attributes: level, id and type, length, data, checksum.
func (t *tnef) read(data []byte) {
	if len(data) < 6 || binary.LittleEndian.Uint32(data) != tnefSignature {
		t.incomplete = true
		return
	}
	data = data[6:]
	for len(data) >= 9 {
		level, id, size := data[0], binary.LittleEndian.Uint16(data[1:]), int64(binary.LittleEndian.Uint32(data[5:]))
		data = data[9:]
		value := data
		if size <= int64(len(data)) {
			value = data[:size]
		}
		t.attribute(level, id, value)
		if size+2 > int64(len(data)) {
			t.incomplete = t.incomplete || size > int64(len(data))
			data = nil
			break
		}
		data = data[size+2:]
	}
	t.closeFile()
}

// The attributes that are read.
const (
	tnefBody       = 0x800c
	tnefData       = 0x800f
	tnefTitle      = 0x8010
	tnefRender     = 0x9002 // begins an attachment
	tnefProperties = 0x9003
	tnefAttachment = 0x9005 // an attachment's properties
	tnefCodepage   = 0x9007
)

func (t *tnef) attribute(level byte, id uint16, value []byte) {
	switch {
	case id == tnefCodepage && len(value) >= 4:
		t.codepage = codepage(binary.LittleEndian.Uint32(value))
	case id == tnefBody && level == 1 && t.text == "":
		t.text = t.string8(value)
	case id == tnefProperties:
		properties(value, t.property)
	case id == tnefRender:
		t.closeFile()
		t.file = &Part{ContentType: "application/octet-stream", Disposition: "attachment"}
	case t.file == nil:
	case id == tnefTitle && t.file.Filename == "":
		t.file.Filename = safeFilename(t.string8(value))
	case id == tnefData:
		t.file.src = value
	case id == tnefAttachment:
		properties(value, t.property)
	}
}

// The properties that are read ([MS-OXPROPS]).
const (
	propertyBody      = 0x1000
	propertyRTF       = 0x1009
	propertyHTML      = 0x1013
	propertyObject    = 0x3701
	propertyLongName  = 0x3707
	propertyMIMEType  = 0x370e
	propertyContentID = 0x3712
)

func (t *tnef) property(id, kind uint16, value []byte) {
	switch {
	case id == propertyBody && t.file == nil:
		t.text = t.string(kind, value)
	case id == propertyHTML && t.file == nil:
		text, _, _ := decodeCharset(clipBytes(value, tnefLimit), htmlCharset(value))
		t.html = strings.TrimRight(lines(text), "\x00")
	case id == propertyRTF && t.file == nil:
		if rtf := unpackRTF(value); rtf != nil {
			t.add(Part{ContentType: "application/rtf", Filename: "message.rtf", Disposition: "attachment", src: rtf})
		}
	case t.file == nil:
	case id == propertyLongName:
		if name := safeFilename(t.string(kind, value)); name != "" {
			t.file.Filename = name
		}
	case id == propertyMIMEType:
		if claim, _ := parseParams(t.string(kind, value)); strings.Contains(claim, "/") {
			t.file.ContentType = claim
		}
	case id == propertyContentID:
		t.file.ContentID = strings.Trim(t.string(kind, value), "<> ")
	case id == propertyObject && len(value) > 16:
		t.embeddedObject = value[16:] // behind the id of its kind
	}
}

// closeFile keeps the attachment that has been described; a message that was attached gives its own attachments.
func (t *tnef) closeFile() {
	f, object := t.file, t.embeddedObject
	t.file, t.embeddedObject = nil, nil
	if f == nil {
		return
	}
	if f.src == nil && object != nil {
		f.src = object
		f.ContentType = "application/ms-tnef"
	}
	t.add(*f)
	if object == nil || t.depth >= tnefDepth || len(object) < 4 || binary.LittleEndian.Uint32(object) != tnefSignature {
		return
	}
	inner := tnef{depth: t.depth + 1, room: t.room}
	inner.read(object)
	t.files, t.room, t.lost = append(t.files, inner.files...), inner.room, t.lost || inner.lost
}

func (t *tnef) add(p Part) {
	if t.room == 0 {
		t.lost = true
		return
	}
	t.room--
	t.files = append(t.files, p)
}

// properties reads a list of properties and calls take with those that hold text or bytes.
func properties(data []byte, take func(id, kind uint16, value []byte)) {
	r := tnefCursor{data: data}
	count := r.uint32()
	for ; count > 0 && !r.over; count-- {
		kind, id := r.uint16(), r.uint16()
		if id >= 0x8000 { // by name
			r.skip(16)
			if r.uint32() == 0 {
				r.skip(4)
			} else {
				r.padded()
			}
		}
		values := uint32(1)
		many := kind&0x1000 != 0
		kind &^= 0x1000
		varies := kind == 0x1e || kind == 0x1f || kind == 0x0d || kind == 0x102
		if many || varies {
			values = r.uint32()
		}
		for ; values > 0 && !r.over; values-- {
			if !varies {
				r.skip(fixedSize(kind))
				continue
			}
			if v := r.padded(); !r.over {
				take(id, kind, v)
			}
		}
	}
}

// fixedSize returns how many bytes a value takes; small ones are padded to four.
func fixedSize(kind uint16) int {
	switch kind {
	case 0x05, 0x06, 0x07, 0x14, 0x40:
		return 8
	case 0x48:
		return 16
	default:
		return 4
	}
}

// A tnefCursor reads numbers and bytes in turn, and remembers when they have run out.
type tnefCursor struct {
	data []byte
	over bool
}

func (c *tnefCursor) skip(n int) []byte {
	if n < 0 || n > len(c.data) {
		c.over, c.data = true, nil
		return nil
	}
	v := c.data[:n]
	c.data = c.data[n:]
	return v
}

func (c *tnefCursor) uint16() uint16 {
	if v := c.skip(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (c *tnefCursor) uint32() uint32 {
	if v := c.skip(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

// padded reads a length, that many bytes, and what fills them up to a multiple of four.
func (c *tnefCursor) padded() []byte {
	n := int64(c.uint32())
	if n > int64(len(c.data)) {
		c.over, c.data = true, nil
		return nil
	}
	v := c.skip(int(n))
	c.skip(min(int(-n&3), len(c.data)))
	return v
}

// codepage names a Windows code page as mail does.
func codepage(n uint32) string {
	switch n {
	case 65001:
		return "utf-8"
	case 932:
		return "shift_jis"
	case 936:
		return "gb18030"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	default:
		return "windows-" + strconv.Itoa(int(n))
	}
}

func (t *tnef) string(kind uint16, value []byte) string {
	if kind == 0x1f {
		return strings.TrimRight(lines(decodeUTF16(clipBytes(value, tnefLimit), 0, 1)), "\x00")
	}
	return t.string8(value)
}

func (t *tnef) string8(value []byte) string {
	value = bytes.TrimRight(clipBytes(value, tnefLimit), "\x00")
	text, _, _ := decodeCharset(value, t.codepage)
	return lines(text)
}
