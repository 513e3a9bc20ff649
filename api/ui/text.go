package ui

import (
	"strings"

	"postroom/ingest"
)

const (
	maxText  = 200_000 // bytes of a mail's text on a page; the rest is in the raw mail
	foldFrom = 3       // lines of a quote that is folded away
)

// content is what a page shows of a mail.
type content struct {
	To          []string
	Blocks      []block
	Attachments []attachment
	Cut         bool   // the text goes on in the raw mail
	Automatic   string // which kind of machine sent it
	Defects     int
}

// A block is a piece of a mail's text: the sender's words, or what they quote.
type block struct {
	Text  string
	Quote bool
	Lines int
}

// Folded reports whether the block is a quote that is too long to be in the way.
func (b block) Folded() bool { return b.Quote && b.Lines >= foldFrom }

type attachment struct {
	Name, Type string
	Size       int64
}

func contentOf(c ingest.Content) content {
	text, cut := clip(c.Text, maxText)
	out := content{Blocks: blocks(text), Cut: cut || c.Over != nil, Automatic: automaticWords(c.Automatic.Kind), Defects: len(c.Defects)}
	for _, a := range c.To {
		out.To = append(out.To, person(a.Name, a.Email))
	}
	for _, p := range c.Parts {
		if p.Body {
			continue
		}
		name := p.Filename
		if name == "" {
			name = fileWords(p.ContentType)
		}
		out.Attachments = append(out.Attachments, attachment{name, p.ContentType, p.Size})
	}
	return out
}

func automaticWords(kind string) string {
	switch kind {
	case "bounce":
		return "Delivery report"
	case "feedback":
		return "Abuse report"
	case "auto-reply":
		return "Automatic reply"
	case "receipt":
		return "Read receipt"
	case "list":
		return "List or bulk mail"
	}
	return kind
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	return strings.ToValidUTF8(s[:n], ""), true
}

// blocks parts a mail's text into what its sender wrote and what they quote:
// lines that begin with ">", the line that announces them, and everything behind
// the rule that some programs put over the mail they answer.
func blocks(text string) []block {
	var out []block
	add := func(lines []string, quote bool) {
		if t := strings.Trim(strings.Join(lines, "\n"), "\n"); strings.TrimSpace(t) != "" {
			out = append(out, block{t, quote, strings.Count(t, "\n") + 1})
		}
	}
	lines := strings.Split(text, "\n")
	for len(lines) > 0 {
		n := ownLines(lines)
		add(lines[:n], false)
		lines = lines[n:]
		n = quotedLines(lines)
		add(lines[:n], true)
		lines = lines[n:]
	}
	return out
}

// ownLines counts the lines before the next quote.
func ownLines(lines []string) int {
	for i, l := range lines {
		if original(l) {
			return i
		}
		if !strings.HasPrefix(l, ">") {
			continue
		}
		// "On …, … wrote:" belongs to what it announces.
		j := i
		for j > 0 && strings.TrimSpace(lines[j-1]) == "" {
			j--
		}
		if j > 0 && strings.HasSuffix(strings.TrimSpace(lines[j-1]), ":") {
			return j - 1
		}
		return i
	}
	return len(lines)
}

// quotedLines counts the lines of the quote that lines begin with.
func quotedLines(lines []string) int {
	if len(lines) > 0 && original(lines[0]) {
		return len(lines)
	}
	end, seen := 0, false
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, ">"):
			end, seen = i+1, true
		case strings.TrimSpace(l) == "", !seen:
		default:
			return end
		}
	}
	return end
}

// original reports whether a line is the rule over a mail that is answered or
// passed on ("-----Original Message-----", in whatever language).
func original(l string) bool {
	l = strings.TrimSpace(l)
	inner := strings.Trim(l, "-")
	return len(l)-len(inner) >= 8 && strings.HasPrefix(l, "----") && strings.HasSuffix(l, "----") &&
		strings.TrimSpace(inner) != "" && len(inner) < 60
}
