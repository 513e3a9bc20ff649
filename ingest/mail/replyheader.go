package mail

import "strings"

// A headerRole is what a header line that a mail program has copied into the text stands for. Values are bits.
type headerRole uint8

const (
	roleFrom headerRole = 1 << iota
	roleDate
	roleTo
	roleSubject
	roleCc
	roleReplyTo
)

// Limits on copied header lines.
const (
	maxHeaderName  = 48 // bytes before the colon
	maxHeaderBlock = 40 // lines
	maxHeaderWrap  = 3  // lines between two fields that belong to the first
)

// headerLine reads a line as "From: value", in any language and with the marks of bold type that text made from HTML has.
func headerLine(line string) (role headerRole, value string) {
	line = strings.TrimLeft(line, "*_ \t\u00a0|\u200e\u200f\u202a\u202b")
	i, width := strings.IndexByte(clip(line, maxHeaderName), ':'), 1
	if j := strings.Index(clip(line, maxHeaderName), "："); j >= 0 && (i < 0 || j < i) {
		i, width = j, len("：")
	}
	if i < 1 {
		if name, rest, ok := strings.Cut(line, "\t"); ok && len(name) < maxHeaderName {
			return headerNames[strings.ToLower(strings.TrimSpace(name))] & roleFrom, strings.TrimSpace(rest)
		}
		return 0, ""
	}
	name := strings.ToLower(strings.Trim(line[:i], "*_ \t\u00a0\u3000"))
	role = headerNames[name]
	if role == 0 && strings.IndexByte(name, ' ') >= 0 {
		role = headerNames[strings.ReplaceAll(name, " ", "")] // 主 题
	}
	if role == 0 {
		return 0, ""
	}
	return role, strings.Trim(line[i+width:], "*_ \t\u00a0|\u200e\u200f\u202c\r\n")
}

// A headerBlock is a run of copied header lines.
type headerBlock struct {
	end    int // the line after it
	roles  headerRole
	count  int
	values map[headerRole]string
}

// readHeaders reads the copied header lines from line i on; line returns line n without its quoting, or false at the end.
func readHeaders(i int, line func(n int) (string, bool)) (b headerBlock) {
	wraps, blank := 0, false
	for n := i; n < i+maxHeaderBlock; n++ {
		s, ok := line(n)
		if !ok {
			return b
		}
		role, value := headerRole(0), ""
		if s != "" {
			role, value = headerLine(s)
		}
		switch {
		case s == "" && (blank || wraps > 0):
			return b
		case s == "":
			blank = true // one empty line may part two fields: double spacing
		case role != 0 && role&b.roles == 0:
			b.set(role, value)
			b.end, wraps, blank = n+1, 0, false
		case blank || b.count == 0 || wraps == maxHeaderWrap:
			return b
		default:
			wraps++
		}
	}
	return b
}

func (b *headerBlock) set(role headerRole, value string) {
	if b.values == nil {
		b.values = map[headerRole]string{}
	}
	b.roles |= role
	b.values[role] = clip(value, maxAttribution)
	b.count++
}

// complete reports whether the lines can hardly be anything but a mail's header. Three fields alone may be a form that
// somebody filled in, with "From" and "To" a journey's ends.
func (b *headerBlock) complete() bool {
	if b.count < 3 {
		return false
	}
	if b.roles&roleFrom == 0 {
		return b.roles&roleSubject != 0 && b.roles&roleTo != 0 && b.roles&roleDate != 0
	}
	return b.roles&roleSubject != 0 || strings.IndexByte(b.values[roleFrom], '@') > 0
}

// headersAt returns the anchor of the header lines that begin at line i. Below a marker fewer are enough.
func (t *trimmer) headersAt(i int, marked bool) (anchor, bool) {
	quoted := t.lines[i].tag == lineQuote
	head := clip(t.line(i), maxAttribution)
	if quoted {
		head = unquoted(head)
	}
	if role, _ := headerLine(head); role == 0 {
		return anchor{}, false
	}
	if t.looks++; t.looks > maxLooks {
		return anchor{}, false
	}
	b := readHeaders(i, func(n int) (string, bool) {
		if n >= len(t.lines) || t.lines[n].tag == lineCode || t.lines[n].tag == lineQuote && !quoted {
			return "", false
		}
		line := clip(t.line(n), maxAttribution)
		if quoted {
			line = unquoted(line)
		}
		return line, true
	})
	marked = marked || t.dividerAbove(i)
	if !b.complete() && !(marked && b.roles&roleFrom != 0 && b.count > 1) {
		return anchor{}, false
	}
	end := b.end
	if b.roles&roleSubject != 0 && t.wrappedSubject(end) {
		end++
	}
	return anchor{first: i, last: end, header: true}, true
}

// wrappedSubject reports whether line i, right below header lines, belongs to them: the last field was wrapped.
func (t *trimmer) wrappedSubject(i int) bool {
	return i+1 < len(t.lines) && i > 0 && t.lines[i].tag == lineText && t.lines[i+1].tag == lineBlank &&
		strings.HasPrefix(t.text[t.lines[i].start:], " ")
}

// dividerAbove reports whether the line above i, empty ones left aside, is a line drawn across.
func (t *trimmer) dividerAbove(i int) bool {
	for i--; i >= 0 && t.lines[i].tag == lineBlank; i-- {
	}
	return i >= 0 && t.lines[i].tag == lineText && isDivider(t.line(i))
}

// isDivider reports whether line consists of nothing but one sign drawn across, as "-----".
func isDivider(line string) bool {
	if len(line) < 2 {
		return false
	}
	for _, r := range line {
		switch r {
		case '-', '_', '=', '*', '#', '~', '+', ' ', '–', '—', '―', '‐':
		default:
			return false
		}
	}
	return true
}

// markerAt returns the anchor of a marker such as "-----Original Message-----" at line i, with the header lines below it.
func (t *trimmer) markerAt(i int) (anchor, bool) {
	line := t.line(i)
	if len(line) > maxAttributionLine || len(line) < 6 {
		return anchor{}, false
	}
	forward, known := markerLine(line)
	if !known && !dashedWords(line) {
		return anchor{}, false
	}
	a := anchor{first: i, last: i + 1, forward: forward}
	next := t.next(i + 1)
	if next < len(t.lines) && t.lines[next].tag == lineText {
		if h, ok := t.headersAt(next, true); ok {
			a.last, a.header = h.last, true
			return a, true
		}
	}
	return a, known
}

// markerLine reports whether line is a marker, and whether of a forward.
func markerLine(line string) (forward, known bool) {
	if line == "" {
		return false, false
	}
	first, last := line[0], line[len(line)-1]
	if first < 0x80 && strings.IndexByte("-_=*[>", first) < 0 && last < 0x80 && strings.IndexByte(":*", last) < 0 {
		return false, false
	}
	const marks = "-_=*‐–—―>.: \t\u00a0：﹕[]"
	inner := strings.ToLower(strings.Trim(line, marks))
	if inner == "" || len(inner) > 80 {
		return false, false
	}
	ruled := strings.IndexAny(line, "-_=‐–—―*[") == 0
	if forwardMarkers[inner] {
		return true, ruled || strings.HasSuffix(strings.TrimRight(line, " *"), ":") || strings.HasSuffix(line, "：")
	}
	return false, originalMarkers[inner] && (ruled || strings.HasSuffix(line, ":"))
}

// dashedWords reports whether line is words between dashes, as markers are in languages that are not in the tables.
func dashedWords(line string) bool {
	return strings.HasPrefix(line, "---") && strings.HasSuffix(line, "---") && strings.Trim(line, "- ") != ""
}

// forwardInQuote finds a forward that is quoted as a whole, as Apple's Mail does, at the quoted line i. It returns the
// line after its header.
func (t *trimmer) forwardInQuote(i int) (end int, ok bool) {
	forward, known := markerLine(unquoted(clip(t.line(i), maxAttributionLine)))
	if !known || !forward {
		return 0, false
	}
	next := i + 1
	for next < len(t.lines) && t.lines[next].tag == lineQuote && unquoted(t.line(next)) == "" {
		next++
	}
	if next < len(t.lines) && t.lines[next].tag == lineQuote {
		if h, found := t.headersAt(next, true); found {
			return h.last, true
		}
	}
	return i + 1, true
}

// hasCopiedHeaders reports whether an attribution holds copied header lines.
func hasCopiedHeaders(text string) bool {
	b := copiedHeaders(text)
	return b.count > 1
}
