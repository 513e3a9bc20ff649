package mail

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestYenc(t *testing.T) {
	t.Parallel()
	content := make([]byte, 256)
	var coded strings.Builder
	for i := range content {
		content[i] = byte(i)
		c := byte(i) + 42
		if c == 0 || c == '\n' || c == '\r' || c == '=' {
			coded.WriteByte('=')
			c += 64
		}
		coded.WriteByte(c)
		if i%64 == 63 {
			coded.WriteString("\r\n")
		}
	}
	block := "=ybegin line=64 size=256 name=../all bytes.bin\r\n" + coded.String() + "=yend size=256\r\n"
	tests := []struct {
		name, body, text string
		content          []byte
		defect           bool
	}{
		{"whole", "See here:\r\n" + block + "Bye\r\n", "See here:\nBye", content, false},
		{"cut off", "See here:\r\n" + block[:150], "See here:", content[:99], true},
		{"wrong size", strings.ReplaceAll(block, "size=256", "size=99"), "", content, true},
		{"no block", "=ybegin is how it starts\r\n", "=ybegin is how it starts", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := Parse([]byte("From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+test.body), Budget{})
			if err != nil || m.Text != test.text {
				t.Fatalf("Parse: text %q, %v, want %q", m.Text, err, test.text)
			}
			if has(m, DefectYenc) != test.defect {
				t.Errorf("defects %v, want %s: %v", m.Defects, DefectYenc, test.defect)
			}
			if test.content == nil {
				return
			}
			p := m.Parts[len(m.Parts)-1]
			got, err := io.ReadAll(p.Open())
			if len(m.Parts) != 2 || p.Filename != "all bytes.bin" || err != nil || !bytes.Equal(got, test.content) {
				t.Errorf("%d parts, the last is %q, %d bytes: %x, %v, want all bytes.bin: %x", len(m.Parts), p.Filename, len(got), got, err, test.content)
			}
		})
	}
}

func has(m *Mail, kind string) bool {
	for _, d := range m.Defects {
		if d.Kind == kind {
			return true
		}
	}
	return false
}

// A tnefFile is a winmail.dat being written.
type tnefFile struct{ bytes.Buffer }

func newTNEF() *tnefFile {
	f := new(tnefFile)
	f.number(4, tnefSignature)
	f.number(2, 1)
	return f
}

func (f *tnefFile) number(size int, n uint64) {
	f.Write(binary.LittleEndian.AppendUint64(nil, n)[:size])
}

func (f *tnefFile) attribute(level byte, id uint16, value []byte) {
	f.WriteByte(level)
	f.number(4, uint64(id))
	f.number(4, uint64(len(value)))
	f.Write(value)
	f.number(2, 0) // a checksum that nobody looks at
}

// property writes a property of one value that has a length.
func property(id, kind uint16, value string) []byte {
	var f tnefFile
	f.number(2, uint64(kind))
	f.number(2, uint64(id))
	f.number(4, 1)
	f.number(4, uint64(len(value)))
	f.WriteString(value)
	f.WriteString("\x00\x00\x00"[:-len(value)&3])
	return f.Bytes()
}

func TestTNEF(t *testing.T) {
	t.Parallel()
	inner := newTNEF()
	inner.attribute(2, tnefRender, nil)
	inner.attribute(2, tnefTitle, []byte("inner.txt\x00"))
	inner.attribute(2, tnefData, []byte("inside"))
	file := newTNEF()
	file.attribute(1, tnefCodepage, []byte{0xe2, 0x04, 0, 0, 0, 0, 0, 0}) // 1250
	rtf := append(binary.LittleEndian.AppendUint32(nil, 99), "\x05\x00\x00\x00LEMA\x00\x00\x00\x00{\\rtf"...)
	binary.LittleEndian.PutUint32(rtf[8:], rtfPlain)
	file.attribute(1, tnefProperties, bytes.Join([][]byte{{2, 0, 0, 0}, property(propertyBody, 0x1e, "\x8aedivost"), property(propertyRTF, 0x102, string(rtf))}, nil))
	file.attribute(2, tnefRender, nil)
	file.attribute(2, tnefTitle, []byte("INVOIC~1.PDF\x00"))
	file.attribute(2, tnefData, []byte("%PDF-1.7 an invoice"))
	file.attribute(2, tnefAttachment, bytes.Join([][]byte{{2, 0, 0, 0}, property(propertyLongName, 0x1f, "i\x00n\x00.\x00p\x00d\x00f\x00\x00\x00"), property(propertyMIMEType, 0x1e, "application/PDF\x00")}, nil))
	file.attribute(2, tnefRender, nil)
	file.attribute(2, tnefTitle, []byte("Forwarded\x00"))
	file.attribute(2, tnefAttachment, append([]byte{1, 0, 0, 0}, property(propertyObject, 0x0d, strings.Repeat("g", 16)+inner.String())...))
	raw := "From: a@b.example\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: binary\n\n"
	m, err := Parse(append([]byte(raw), file.Bytes()...), Budget{})
	if err != nil || m.Text != "Šedivost" || has(m, DefectTNEF) {
		t.Errorf("Parse: text %q, defects %v, %v, want the body and none", m.Text, m.Defects, err)
	}
	var got []string
	for i := range m.Parts {
		p := &m.Parts[i]
		got = append(got, p.ContentType+" "+p.Filename+" "+p.Detected)
	}
	want := []string{
		"application/ms-tnef winmail.dat application/vnd.ms-tnef", "application/rtf message.rtf application/rtf", "application/pdf in.pdf application/pdf",
		"application/ms-tnef Forwarded application/vnd.ms-tnef", "application/octet-stream inner.txt text/plain",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	whole := append([]byte(raw), file.Bytes()...)
	for cut := len(raw); cut < len(whole); cut++ { // wherever it is cut off, it is read as far as it goes
		m, err := Parse(whole[:cut], Budget{})
		if problem := unsound(m); err != nil || problem != "" {
			t.Fatalf("cut at %d: %v, %s", cut, err, problem)
		}
	}
	if m, _ := Parse(whole[:len(whole)-40], Budget{}); !has(m, DefectTNEF) {
		t.Errorf("cut off: defects %v, want %s", m.Defects, DefectTNEF)
	}
}

// TestUnpackRTF reads the example that the format's description gives ([MS-OXRTFCP] §4.1.1).
func TestUnpackRTF(t *testing.T) {
	t.Parallel()
	packed := []byte{
		0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42,
		0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
	}
	if got, want := string(unpackRTF(packed)), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"; got != want {
		t.Errorf("unpackRTF = %q, want %q", got, want)
	}
}

func TestLastResort(t *testing.T) {
	t.Parallel()
	invitation := "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Visit\\, at last\nDTSTART;TZID=Europe/Berlin:20260301T090000\n" +
		"DTEND:20260301T093000Z\nLOCATION:Room\n  7\nORGANIZER;CN=\"Ann Lee\":mailto:ann@x.example\nBEGIN:VALARM\nDESCRIPTION:Ring\nEND:VALARM\nDESCRIPTION:Bring it\\nall\nEND:VEVENT\nEND:VCALENDAR\n"
	tests := []struct{ name, raw, want string }{
		{"invitation", mime("text/calendar; method=REQUEST", invitation),
			"[request]\nVisit, at last\nWhen: 2026-03-01 09:00 Europe/Berlin – 2026-03-01 09:30 UTC\nWhere: Room 7\nFrom: Ann Lee <ann@x.example>\n\nBring it\nall"},
		{"invitation beside a text", mime("multipart/mixed; boundary=x", "--x\n\nCome\n--x\nContent-Type: text/calendar\n\n"+invitation+"--x--\n"), "Come"},
		{"text before the parts", mime("multipart/mixed; boundary=x", "Read this.\n--x\nContent-Type: image/png\n\nx\n--x--\n"), "Read this."},
		{"text behind the parts", mime("multipart/mixed; boundary=x", "--x\nContent-Type: image/png\n\nx\n--x--\nRead this.\n"), "Read this."},
		{"nothing worth reading before", mime("multipart/mixed; boundary=x", "This is a multi-part message in MIME format.\n--x\nContent-Type: image/png\n\nx\n--x--\n"), ""},
		{"headers run together", mime("multipart/alternative; boundary=x\nContent-Type: text/plain; charset=utf-8", "Plain\n--x\nContent-Type: text/html\n\n<p>Rich\n--x--\n"), "Plain"},
		{"delimiter behind data", mime("multipart/mixed; boundary=x", "--x\n\nbody--x--\n"), "body"},
		{"words behind a delimiter", mime("multipart/mixed; boundary=x", "--x and so on\n\nbody\n--x-- the end\nmore"), "body"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := Parse([]byte(test.raw), Budget{})
			if err != nil || m.Text != test.want {
				t.Errorf("Parse(%q): text %q, %v, want %q", test.raw, m.Text, err, test.want)
			}
		})
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	tests := []struct{ data, want string }{
		{"%PDF-1.4", "application/pdf"}, {"\x89PNG\r\n\x1a\n", "image/png"}, {"PK\x03\x04 mimetypeapplication/vnd.oasis.opendocument.textPK", "application/vnd.oasis.opendocument.text"},
		{"PK\x03\x04 xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}, {"MZ\x90\x00", "application/vnd.microsoft.portable-executable"},
		{"MZ is no program", "text/plain"}, {"BM is no picture", "text/plain"}, {"\n<!DOCTYPE HTML>", "text/html"}, {"Grüße", "text/plain"}, {"\x00\x01\x02", ""}, {"", ""},
	}
	for _, test := range tests {
		if got := sniff([]byte(test.data)); got != test.want {
			t.Errorf("sniff(%q) = %q, want %q", test.data, got, test.want)
		}
	}
	m, err := Parse([]byte("From: a@b.example\nContent-Type: application/pdf; name=invoice.pdf\nContent-Disposition: attachment\n\nMZ\x90\x00\x03"), Budget{})
	if err != nil || !has(m, DefectTypeLie) || m.Parts[0].Detected != "application/vnd.microsoft.portable-executable" {
		t.Errorf("Parse: %+v, %v, %v, want %s", m.Parts, m.Defects, err, DefectTypeLie)
	}
}
