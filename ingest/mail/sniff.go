package mail

import (
	"bytes"
	"strings"
)

// sniffBytes is how much of a part is looked at to tell what it really is.
const sniffBytes = 512

// A signature is how files of a type begin.
type signature struct {
	offset int
	magic  string
	kind   string
}

// signatures are ordered: the first that matches counts.
var signatures = []signature{
	{0, "%PDF-", "application/pdf"},
	{0, "\x89PNG\r\n\x1a\n", "image/png"},
	{0, "\xff\xd8\xff", "image/jpeg"},
	{0, "GIF87a", "image/gif"},
	{0, "GIF89a", "image/gif"},
	{8, "WEBPVP8", "image/webp"},
	{8, "WAVEfmt", "audio/wav"},
	{8, "AVI LIST", "video/x-msvideo"},
	{0, "BM", "image/bmp"},
	{0, "II*\x00", "image/tiff"},
	{0, "MM\x00*", "image/tiff"},
	{0, "\x00\x00\x01\x00", "image/vnd.microsoft.icon"},
	{4, "ftypheic", "image/heic"},
	{4, "ftypavif", "image/avif"},
	{4, "ftypqt", "video/quicktime"},
	{4, "ftypM4A", "audio/mp4"},
	{4, "ftyp", "video/mp4"},
	{0, "\x1aE\xdf\xa3", "video/webm"},
	{0, "ID3", "audio/mpeg"},
	{0, "OggS", "audio/ogg"},
	{0, "fLaC", "audio/flac"},
	{0, "#!AMR", "audio/amr"},
	{0, "PK\x03\x04", "application/zip"}, // office documents too; see zipKind
	{0, "PK\x05\x06", "application/zip"},
	{0, "Rar!\x1a\x07", "application/vnd.rar"},
	{0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
	{0, "\x1f\x8b", "application/gzip"},
	{0, "BZh", "application/x-bzip2"},
	{0, "\xfd7zXZ\x00", "application/x-xz"},
	{0, "\x28\xb5\x2f\xfd", "application/zstd"},
	{257, "ustar", "application/x-tar"},
	{0, "MSCF", "application/vnd.ms-cab-compressed"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"}, // old office documents, .msg
	{0, "{\\rtf", "application/rtf"},
	{0, "\x78\x9f\x3e\x22", "application/vnd.ms-tnef"},
	{0, "MZ", "application/vnd.microsoft.portable-executable"},
	{0, "\x7fELF", "application/x-elf"},
	{0, "\xcf\xfa\xed\xfe", "application/x-mach-binary"},
	{0, "\xce\xfa\xed\xfe", "application/x-mach-binary"},
	{0, "\xca\xfe\xba\xbe", "application/java-vm"},
	{0, "L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"},
	{0, "BEGIN:VCALENDAR", "text/calendar"},
	{0, "BEGIN:VCARD", "text/vcard"},
	{0, "<?xml", "text/xml"},
	{0, "#!", "text/x-shellscript"},
	{0, "wOFF", "font/woff"},
	{0, "wOF2", "font/woff2"},
}

// sniff says what data is by how it begins; "" when that says nothing. Its answer is a hint for people and the filter: content
// is never served by it.
func sniff(data []byte) string {
	for _, s := range signatures {
		if len(data) >= s.offset+len(s.magic) && string(data[s.offset:s.offset+len(s.magic)]) == s.magic {
			switch {
			case s.kind == "application/zip":
				return zipKind(data)
			case s.magic == "BM" && (len(data) < 14 || data[6]|data[7]|data[8]|data[9] != 0): // "BM" also begins words
				continue
			case s.magic == "MZ" && isASCII(data):
				continue
			}
			return s.kind
		}
	}
	return sniffText(data)
}

// zipKind tells the documents that are zip archives by the name of their first file.
func zipKind(data []byte) string {
	switch {
	case bytes.Contains(data, []byte("mimetypeapplication/")):
		_, kind, _ := bytes.Cut(data, []byte("mimetype"))
		end := bytes.IndexFunc(kind, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-+/", r) })
		if end > 0 {
			return string(kind[:end])
		}
	case bytes.Contains(data, []byte("word/")):
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case bytes.Contains(data, []byte("xl/")):
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case bytes.Contains(data, []byte("ppt/")):
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case bytes.Contains(data, []byte("META-INF/MANIFEST.MF")):
		return "application/java-archive"
	}
	return "application/zip"
}

// sniffText tells HTML, SVG and other text.
func sniffText(data []byte) string {
	head := bytes.ToLower(bytes.TrimLeft(data, "\xef\xbb\xbf \t\r\n"))
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<iframe"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return "text/html"
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("<svg")):
		return "image/svg+xml"
	case len(data) == 0 || bytes.IndexFunc(data, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f\x1b", r) }) >= 0:
		return ""
	default:
		return "text/plain"
	}
}

// Runs reports whether the part is a program, whatever it claims to be.
func (p *Part) Runs() bool { return runs(p.Detected) }

// runs reports whether files of this type are programs.
func runs(kind string) bool {
	switch kind {
	case "application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-mach-binary", "application/java-vm",
		"application/x-ms-shortcut", "text/x-shellscript", "application/java-archive":
		return true
	default:
		return false
	}
}

// mayRun reports whether a claim says, or leaves open, that the file is a program.
func mayRun(claim string) bool {
	return runs(claim) || strings.HasPrefix(claim, "application/octet") || strings.Contains(claim, "executable") ||
		strings.Contains(claim, "msdownload") || strings.Contains(claim, "dosexec") || strings.Contains(claim, "java") ||
		strings.Contains(claim, "-sh") || strings.Contains(claim, "script")
}
