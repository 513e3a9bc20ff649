package mail

import "bytes"

// A fileBlock is a file that stands in the middle of a text, uuencoded or yEnc, the way files were sent before MIME.
type fileBlock struct {
	start, end int // in the text
	name       string
	encoding   encoding
	size       int64 // as announced, or -1
}

// fileBlocks finds the files in a text, in order.
func fileBlocks(text []byte) (list []fileBlock) {
	if !bytes.Contains(text, []byte("begin ")) {
		return nil
	}
	uu, isUU := uuBlock(text, 0)
	yenc, isYenc := yencBlock(text, 0)
	for isUU || isYenc {
		b := uu
		if !isUU || isYenc && yenc.start < uu.start {
			b = yenc
		}
		list = append(list, b)
		if isUU && uu.start < b.end {
			uu, isUU = uuBlock(text, b.end)
		}
		if isYenc && yenc.start < b.end {
			yenc, isYenc = yencBlock(text, b.end)
		}
	}
	return list
}

// uuBlock finds the next uuencoded file from pos. A block begins with "begin MODE NAME" and a line of data that is as long
// as it says; it ends with "end", or where the text does when that line was lost.
func uuBlock(text []byte, pos int) (b fileBlock, ok bool) {
	for pos < len(text) {
		i := bytes.Index(text[pos:], []byte("begin "))
		if i < 0 {
			break
		}
		start := pos + i
		body := lineEnd(text, start)
		name, ok := beginLine(trimEOL(text[start:body]))
		if !ok || start > 0 && text[start-1] != '\n' || !isUULine(text[body:lineEnd(text, body)]) {
			pos = start + 1
			continue
		}
		end := len(text)
		if j := bytes.Index(text[body:], []byte("\nend")); j >= 0 {
			end = lineEnd(text, body+j+1)
		}
		return fileBlock{start: start, end: end, name: name, encoding: encodingUU, size: -1}, true
	}
	return b, false
}

// beginLine reads "begin 644 name".
func beginLine(line []byte) (name string, ok bool) {
	f := bytes.SplitN(line, []byte(" "), 3)
	if len(f) != 3 || len(f[1]) < 3 || len(f[1]) > 4 || len(bytes.Trim(f[1], "01234567")) > 0 {
		return "", false
	}
	return safeFilename(plain(string(f[2]))), true
}

// isUULine reports whether a line has the number of characters that its first one announces; trailing spaces may be lost.
func isUULine(line []byte) bool {
	line = trimEOL(line)
	if len(line) == 0 || line[0] < ' ' || line[0] > '`' {
		return false
	}
	size := int(line[0]-' ') & 63
	want := (size+2)/3*4 + 1
	return size > 0 && len(line) <= want+2 && len(line) > want/2
}

// takeBlocks makes parts of the files that stand in a body and returns the text without them.
func (w *walker) takeBlocks(p *Part, data []byte) []byte {
	if p.ContentType != "text/plain" {
		return data
	}
	found := fileBlocks(data)
	if len(found) == 0 {
		return data
	}
	var text []byte
	from := 0
	for _, b := range found {
		if !w.room() {
			break
		}
		file := Part{
			ContentType: "application/octet-stream", Filename: b.name, Disposition: "attachment",
			encoding: b.encoding, src: data[b.start:b.end],
		}
		if broken := file.measure(); b.encoding == encodingYenc && (broken > 0 || b.size >= 0 && b.size != file.Size) {
			w.m.defectOnce(DefectYenc, b.name)
		}
		w.extra = append(w.extra, file)
		text = append(text, data[from:b.start]...)
		from = b.end
	}
	return append(text, data[from:]...)
}

// room reports whether the budget allows one part more; if not, it ends the reading.
func (w *walker) room() bool {
	n := len(w.nodes) + len(w.extra)
	if n >= w.budget.Parts {
		w.over(LimitParts, int64(w.budget.Parts), int64(n+1))
	}
	return n < w.budget.Parts
}
