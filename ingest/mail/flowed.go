package mail

import "strings"

// unflow joins the lines that format=flowed (RFC 3676) broke softly: a line that ends with a space goes on in the next
// one of the same quote depth. With delSp that space is part of the break. The signature's "-- " stays a line, and so does an
// empty line, although the RFC lets the one before it flow into it: people mean a paragraph.
func unflow(s string, delSp bool) string {
	var b strings.Builder
	b.Grow(len(s))
	open := false // the line before ended softly
	depth := 0
	for len(s) > 0 {
		line, rest, _ := strings.Cut(s, "\n")
		s = rest
		d, text := quoteDepth(line)
		signature := text == "-- "
		if open && (d != depth || signature || text == "") {
			b.WriteByte('\n')
			open = false
		}
		if !open && d > 0 {
			b.WriteString(strings.Repeat(">", d))
			if text != "" {
				b.WriteByte(' ')
			}
		}
		depth = d
		soft := strings.HasSuffix(text, " ") && !signature
		if soft && delSp {
			text = text[:len(text)-1]
		}
		b.WriteString(text)
		if open = soft; !open {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// quoteDepth counts the quote marks before a flowed line and removes them and the space that stuffs it (RFC 3676 §4.4).
func quoteDepth(line string) (depth int, text string) {
	for depth < len(line) && line[depth] == '>' {
		depth++
	}
	return min(depth, maxQuoteDepth), strings.TrimPrefix(line[depth:], " ")
}

// maxQuoteDepth bounds what a line of quote marks alone can grow to.
const maxQuoteDepth = 100
