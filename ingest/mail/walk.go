package mail

import (
	"bytes"
	"strings"
)

// A walker finds the parts of a message in one pass over its bytes. All open multiparts are kept on a stack, and each line
// that begins with "--" is compared with all of their boundaries at once, so a part that its own multipart never closes ends
// where an outer one goes on (RFC 2046 §5.1.2), and depth costs nothing.
type walker struct {
	m      *Mail
	budget Budget
	err    *BudgetError

	raw     []byte
	body    int // where the body of the entity being read begins
	scan    headerScan
	headers int   // header bytes so far
	work    int64 // work units so far
	nodes   []node
	stack   []level
	extra   []Part           // files found inside other parts
	packed  tnef             // the bodies of the first winmail.dat that has any
	outside []string         // texts found before and after the parts of multiparts
	levels  map[string][]int // where each boundary stands on the stack
	lost    map[string]bool  // boundaries of multiparts that an outer one cut short
	leaf    int              // the node whose body is being read, or -1
}

// A node is one entity of the message's tree; nodes stand in the order of the message, so a multipart's children are the
// nodes between it and its end.
type node struct {
	part     Part
	text     string // the decoded text of a leaf that is chosen as a body
	multi    string // subtype of a multipart, "" for a leaf
	end      int    // index after the last node inside
	bodyFrom int
}

// A level is a multipart that has begun.
type level struct {
	boundary []byte
	node     int
	closed   bool
}

// begin reads the message's own header into the Mail and opens the tree. Mail whose lines end with CR alone is copied
// with LF, so that everything after knows one line ending.
func (w *walker) begin(raw []byte) {
	w.leaf = -1
	w.raw = w.m.repairLines(raw)
	pos := w.m.skipPreface(w.raw)
	w.scan = headerScan{odd: w.m.defectOnce}
	w.body = w.header(pos)
	w.m.readHeader(w.raw, w.scan.fields)
	if w.err == nil {
		w.open(w.body, false)
	}
}

// repairLines returns raw with CR line endings made LF when it has no others in its first lines.
func (m *Mail) repairLines(raw []byte) []byte {
	head := raw[:min(len(raw), lookaheadBytes)]
	if bytes.IndexByte(head, '\n') >= 0 || bytes.IndexByte(head, '\r') < 0 {
		return raw
	}
	m.defect(DefectBareCR, "")
	return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
}

// skipPreface returns where the header begins: after empty lines and the "From " line of a mailbox file (RFC 4155).
func (m *Mail) skipPreface(raw []byte) int {
	pos := 0
	for pos < len(raw) && (raw[pos] == '\n' || raw[pos] == '\r') {
		pos++
	}
	rest := raw[pos:]
	if isMboxLine(rest) || bytes.HasPrefix(rest, []byte(">From ")) {
		m.defect(DefectMboxLine, string(trimEOL(clipBytes(rest[:lineEnd(rest, 0)], 80))))
		return lineEnd(raw, pos)
	}
	return pos
}

// header reads the header block at pos within the budget and returns where its body begins.
func (w *walker) header(pos int) int {
	room := w.budget.HeaderBytes - w.headers
	w.scan.raw = w.raw[:min(len(w.raw), pos+room)]
	if len(w.stack) > 0 {
		w.scan.stop = w.isDelimiter
	}
	next := w.scan.scan(pos)
	w.headers += next - pos
	w.work += int64(next - pos)
	if next == len(w.scan.raw) && next < len(w.raw) {
		w.over(LimitHeaderBytes, int64(w.budget.HeaderBytes), int64(w.headers)+1)
	}
	return next
}

// over stops the walk.
func (w *walker) over(limit string, most, got int64) {
	if w.err == nil {
		w.err = &BudgetError{Limit: limit, Max: most, Got: got}
	}
}

// spend charges n bytes of reading and reports whether there is budget for it.
func (w *walker) spend(n int) bool {
	w.work += int64(n)
	if w.work > w.budget.Work {
		w.over(LimitWork, w.budget.Work, w.work)
	}
	return w.work <= w.budget.Work
}

// walk reads from delimiter to delimiter until the message ends or the budget does.
func (w *walker) walk() {
	if !w.spend(len(w.raw) - w.body) {
		return
	}
	pos := w.body
	for w.err == nil {
		d := w.next(pos)
		if d.level < len(w.stack)-1 {
			d.bodyEnd = w.gluedEnd(pos, d.bodyEnd)
		}
		if w.leaf < 0 && (d.level >= 0 || w.nodes[len(w.nodes)-1].multi == "") {
			w.noteOutside(pos, d.bodyEnd)
		}
		w.closeLeaf(pos, d.bodyEnd)
		if d.level < 0 {
			break
		}
		w.unwind(d.level+1, d.bodyEnd)
		top := &w.stack[d.level]
		pos = d.after
		if d.lost {
			w.m.defectOnce(DefectReopened, "")
		}
		if d.closing {
			top.closed = top.closed || !d.lost
			continue
		}
		if top.closed {
			top.closed = false
			w.m.defectOnce(DefectReopened, string(top.boundary))
		}
		if pos == len(w.raw) {
			continue // a delimiter with nothing after it
		}
		digest := w.nodes[top.node].multi == "digest"
		body := w.header(pos)
		if w.err == nil {
			w.open(body, digest)
		}
		pos = body
	}
	w.unwind(0, len(w.raw))
}

// A delimiter is a line that separates parts.
type delimiter struct {
	level   int // on the stack; -1 at the end of the message
	closing bool
	lost    bool // it belongs to a multipart that was thought over
	bodyEnd int  // where the part before it ends: the line ending belongs to the delimiter
	after   int  // where the line after it begins
}

// next finds the next delimiter from pos, which is the beginning of a line.
func (w *walker) next(pos int) delimiter {
	start := pos
	for len(w.stack) > 0 {
		if !bytes.HasPrefix(w.raw[pos:], []byte("--")) {
			i := bytes.Index(w.raw[pos:], []byte("\n--"))
			if i < 0 {
				break
			}
			pos += i + 1
		}
		after := lineEnd(w.raw, pos)
		if d := w.match(w.raw[pos:after]); d.level >= 0 {
			d.bodyEnd, d.after = max(start, len(trimEOL(w.raw[:pos]))), after
			return d
		}
		pos = after
	}
	return delimiter{level: -1, bodyEnd: len(w.raw)}
}

// match looks a line up among the boundaries on the stack, innermost first; a multipart that is still open goes before one that
// has closed, for messages that use one boundary for both. Where parts are wrongly nested, the delimiters of an inner multipart
// go on after an outer one seemed to end it; they then divide the outer one.
func (w *walker) match(line []byte) delimiter {
	line = trimEOL(line)
	found, open := delimiter{level: -1}, false
	if len(line) < 2 {
		return found
	}
	line = line[2:]
	lost := delimiter{level: -1}
	try := func(name []byte, closing bool) {
		levels := w.levels[string(name)]
		for n := len(levels) - 1; n >= 0 && n >= len(levels)-sameBoundary; n-- {
			i := levels[n]
			if !w.stack[i].closed {
				if !open || i > found.level {
					found, open = delimiter{level: i, closing: closing}, true
				}
				return
			}
			if !open && !closing && i > found.level {
				found.level = i
			}
		}
		if w.lost[string(name)] {
			lost = delimiter{level: len(w.stack) - 1, closing: closing, lost: true}
		}
	}
	names(line, try)
	if found.level < 0 {
		return lost
	}
	return found
}

// sameBoundary is how many multiparts with one boundary are told apart.
const sameBoundary = 50

// names calls try with each boundary that line, without the dashes in front, can be a delimiter of. What follows behind a space does
// not count (RFC 2046 §5.1.1), and two dashes close the multipart, unless they are the boundary's own.
func names(line []byte, try func(name []byte, closing bool)) {
	ends := [3]int{len(line), len(bytes.TrimRight(line, " \t")), bytes.IndexAny(line, " \t")}
	for i, end := range ends {
		if end <= 0 || i > 0 && end == ends[i-1] {
			continue
		}
		try(line[:end], false)
		if end > 2 && string(line[end-2:end]) == "--" {
			try(line[:end-2], true)
		}
	}
}

func (w *walker) isDelimiter(line []byte) bool {
	return w.match(line).level >= 0
}

// open adds the entity whose header has just been scanned; its body begins at pos.
func (w *walker) open(pos int, digest bool) {
	if len(w.nodes) >= w.budget.Parts {
		w.over(LimitParts, int64(w.budget.Parts), int64(len(w.nodes)+1))
		return
	}
	e := w.entity(digest)
	if trimmed := strings.TrimRight(e.boundary, " \t"); !bytes.Contains(clipBytes(w.raw[pos:], guessBytes), []byte("--"+e.boundary)) {
		e.boundary = trimmed // RFC 2046 §5.1.1: a boundary ends with no space
	}
	n := node{part: e.part, bodyFrom: pos}
	sub, multi := strings.CutPrefix(e.part.ContentType, "multipart/")
	if multi && e.boundary == "" {
		e.boundary = guessBoundary(w.raw[pos:])
		w.m.defectOnce(DefectBoundary, e.boundary)
	}
	switch {
	case multi && e.boundary == "":
		n.part.ContentType = "text/plain"
		w.leaf = len(w.nodes)
	case !multi:
		w.leaf = len(w.nodes)
	case len(w.stack) >= w.budget.Depth:
		w.over(LimitDepth, int64(w.budget.Depth), int64(len(w.stack)+1))
		return
	default:
		n.multi = sub
		if w.levels == nil {
			w.levels, w.lost = map[string][]int{}, map[string]bool{}
		}
		w.levels[e.boundary] = append(w.levels[e.boundary], len(w.stack))
		w.stack = append(w.stack, level{boundary: []byte(e.boundary), node: len(w.nodes)})
	}
	w.nodes = append(w.nodes, n)
	if n.multi != "" && e.merged.ContentType != "" && !w.isDelimiter(w.raw[pos:lineEnd(w.raw, pos)]) {
		w.leaf = len(w.nodes)
		w.nodes = append(w.nodes, node{part: e.merged, bodyFrom: pos})
	}
}

// closeLeaf gives the leaf that is open its body.
func (w *walker) closeLeaf(from, to int) {
	if w.leaf < 0 {
		return
	}
	w.nodes[w.leaf].part.src = w.raw[from:max(from, to)]
	w.nodes[w.leaf].end = w.leaf + 1
	w.leaf = -1
}

// unwind leaves all multiparts above the lowest n; the message has been read up to end.
func (w *walker) unwind(n, end int) {
	for len(w.stack) > n {
		l := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		same := w.levels[string(l.boundary)]
		w.levels[string(l.boundary)] = same[:len(same)-1]
		top := &w.nodes[l.node]
		top.end = len(w.nodes)
		switch {
		case w.err != nil:
		case top.end == l.node+1:
			w.childless(l, end)
		case !l.closed:
			if len(w.lost) < w.budget.Depth {
				w.lost[string(l.boundary)] = true
			}
			w.m.defectOnce(DefectNotClosed, string(l.boundary))
		}
	}
}

// childless turns a multipart whose boundary never came into a leaf, so that its text is seen.
func (w *walker) childless(l level, end int) {
	top := &w.nodes[l.node]
	w.m.defectOnce(DefectBoundary, string(l.boundary))
	top.multi = ""
	top.part.ContentType = "text/plain"
	top.part.src = w.raw[top.bodyFrom:max(top.bodyFrom, end)]
}
