package ui

import (
	"strings"

	"postroom/ingest"
)

const (
	maxText  = 200_000 // bytes of a mail's text on a page; the rest is in the raw mail
	foldFrom = 3       // lines of a quote or signature that is folded away
)

// A blockKind says what a piece of a text is to its reader.
type blockKind string

const (
	own       blockKind = "own"       // the sender's words
	answered  blockKind = "answered"  // quoted to be answered below
	quoted    blockKind = "quoted"    // the mail that is answered
	forwarded blockKind = "forwarded" // the mail that is passed on
	signature blockKind = "signature"
)

// kindOf is the kind of a segment of the text; what introduces a quote becomes a
// part of it.
var kindOf = map[string]blockKind{
	"fresh": own, "answered": answered, "quoted": quoted, "forwarded": forwarded, "signature": signature,
}

// A block is a piece of a mail's text.
type block struct {
	Text  string
	Kind  blockKind
	Lines int
	Open  bool // though it can be folded
}

// Folds reports whether the block can be folded away.
func (b block) Folds() bool {
	return b.Kind == forwarded || b.Lines >= foldFrom && (b.Kind == quoted || b.Kind == signature)
}

// Label is what is seen of the block when it is folded.
func (b block) Label() string {
	switch b.Kind {
	case forwarded:
		return "Forwarded message"
	case signature:
		return "Signature"
	}
	return plural(b.Lines, "quoted line", "quoted lines")
}

// blocks tells a mail's text apart as it is shown. The segments put together are
// the text. What introduces a quote goes with it; when all that there is could be
// folded away, it is open.
func blocks(text string, segments []ingest.Segment) (list []block) {
	var kinds []blockKind
	var starts []int
	begin := func(kind blockKind, at int) {
		if len(kinds) == 0 || kinds[len(kinds)-1] != kind {
			kinds, starts = append(kinds, kind), append(starts, at)
		}
	}
	at, intro := 0, -1 // intro is where what introduces something begins
	for _, s := range segments {
		kind, known := kindOf[string(s.Kind)]
		switch {
		case !known && intro < 0:
			intro = at
		case !known:
		case intro >= 0 && kind != own && kind != signature:
			begin(kind, intro)
			intro = -1
		default:
			if intro >= 0 {
				begin(quoted, intro)
				intro = -1
			}
			begin(kind, at)
		}
		at += len(s.Text)
	}
	if intro >= 0 {
		begin(quoted, intro)
	}
	for i, kind := range kinds {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		list = append(list, block{Kind: kind, Text: text[starts[i]:end]})
	}
	return finish(list)
}

// finish leaves out what is empty and decides what is open.
func finish(list []block) []block {
	var out []block
	folded := true
	for _, b := range list {
		b.Text = strings.TrimRight(strings.Trim(b.Text, "\n"), " \t\n")
		if strings.TrimSpace(b.Text) == "" {
			continue
		}
		b.Lines = strings.Count(b.Text, "\n") + 1
		b.Open = b.Kind == forwarded
		folded = folded && b.Folds() && !b.Open
		out = append(out, b)
	}
	if folded && len(out) > 0 {
		out[0].Open = true
	}
	return out
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	return strings.ToValidUTF8(s[:n], ""), true
}
