package mail

// decode measures a part and, for a body, makes its text. room is what may still be kept.
func (w *walker) decode(n *node, room *int) {
	p := &n.part
	if !w.spend(len(p.src)) {
		p.Body = false
		return
	}
	if p.encoding == encodingBase64 && !plausibleBase64(p.src) && (p.Body || !mostlyBase64(p.src)) {
		w.m.defectOnce(DefectEncoding, "text that claims to be base64")
		p.encoding = encodingNone
	}
	var data []byte
	broken := 0
	if p.Body && len(p.src) <= *room { // once is enough
		data, broken = decodeAll(p.src, p.encoding)
		p.holds(data)
	} else {
		broken = p.measure()
	}
	if broken > 0 {
		w.m.defectOnce(DefectEncoding, p.ContentType)
	}
	if !p.Body {
		w.examine(p)
		return
	}
	if data == nil {
		data, _ = decodeUpTo(p.src, p.encoding, *room)
	}
	if int64(len(data)) < p.Size {
		w.m.defectOnce(DefectBodyCut, p.ContentType)
	}
	*room -= len(data)
	data = w.takeBlocks(p, data)
	n.text = lines(clip(w.text(p, data), BodyLimit))
	if p.flowed {
		n.text = unflow(n.text, p.delSp)
	}
}

// text turns a body into UTF-8 and records when its charset was not as claimed.
func (w *walker) text(p *Part, data []byte) string {
	label := p.Charset
	if label == "" && p.ContentType == "text/html" && !isASCII(data) {
		label = htmlCharset(data)
	}
	text, used, clean := decodeCharset(data, label)
	if !clean && canonicalCharset(p.Charset) == "" {
		w.m.defectOnce(DefectCharsetAbsent, used)
	} else if !clean {
		w.m.defectOnce(DefectCharset, p.Charset+" read as "+used)
	}
	return text
}

// examine looks into an attachment: whether it is a winmail.dat, and whether it is what it claims to be.
func (w *walker) examine(p *Part) {
	if p.isTNEF() {
		w.openTNEF(p)
	}
	if runs(p.Detected) && !mayRun(p.ContentType) {
		w.m.defectOnce(DefectTypeLie, p.ContentType+" is "+p.Detected)
	}
}

// plausibleBase64 reports whether the first line with something in it could be base64: no words, no punctuation.
func plausibleBase64(src []byte) bool {
	for len(src) > 0 {
		n := lineEnd(src, 0)
		line := clipBytes(trimEOL(src[:n]), 200)
		src = src[n:]
		if len(line) > 0 {
			return allBase64(line)
		}
	}
	return true
}

// mostlyBase64 reports whether the beginning of a file could be base64 with some damage; words with spaces between are not.
func mostlyBase64(src []byte) bool {
	good, bad := 0, 0
	for _, c := range clipBytes(src, 1024) {
		switch {
		case isBase64(c) || c == '=':
			good++
		case c != '\r' && c != '\n':
			bad++
		}
	}
	return good > 8*bad
}
