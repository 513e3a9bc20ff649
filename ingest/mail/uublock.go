package mail

import "bytes"

// A uuBlock is a file that stands uuencoded in the middle of a text, the way files were sent before MIME.
type uuBlock struct {
	start, end int // of the block in the text
	name       string
}

// uuBlocks finds the uuencoded files in a text. A block begins with "begin MODE NAME" and a line of data that is as long
// as it says; it ends with "end", or where the text does when that line was lost.
func uuBlocks(text []byte) (blocks []uuBlock) {
	for pos := 0; pos < len(text); {
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
		blocks = append(blocks, uuBlock{start, end, name})
		pos = end
	}
	return blocks
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

// takeUUBlocks makes parts of the files that stand uuencoded in a body and returns the text without them. It reads bodies
// without a transfer encoding only: the parts are slices of the message.
func (w *walker) takeUUBlocks(p *Part, data []byte) []byte {
	if p.encoding != encodingNone || p.ContentType != "text/plain" {
		return data
	}
	blocks := uuBlocks(data)
	if len(blocks) == 0 {
		return data
	}
	var text []byte
	from := 0
	for _, b := range blocks {
		if len(w.nodes)+len(w.extra) >= w.budget.Parts {
			w.over(LimitParts, int64(w.budget.Parts), int64(len(w.nodes)+len(w.extra)+1))
			break
		}
		file := Part{
			ContentType: "application/octet-stream", Filename: b.name, Disposition: "attachment",
			encoding: encodingUU, src: data[b.start:b.end],
		}
		file.measure()
		w.extra = append(w.extra, file)
		text = append(text, data[from:b.start]...)
		from = b.end
	}
	return append(text, data[from:]...)
}
