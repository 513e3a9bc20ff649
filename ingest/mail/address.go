package mail

import "strings"

// An Address is a mailbox (RFC 5322 §3.4). Email has its domain in lower case and in Unicode (RFC 6532), whichever way it
// was written; it is "" when a header names somebody without saying where, as bounces do.
type Address struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// String returns the address the way people write it.
func (a Address) String() string {
	switch {
	case a.Name == "":
		return a.Email
	case a.Email == "":
		return a.Name
	default:
		return a.Name + " <" + a.Email + ">"
	}
}

// parseAddresses reads an address list from a header that is unfolded but not decoded. It forgives everything: names with
// commas or dots that should be quoted, quotes and brackets that do not close, encoded words in any place, semicolons
// as separators, groups, addresses without brackets among words. What could be an address is never lost.
func parseAddresses(s string) (list []Address, over bool) {
	p := addressList{rest: s}
	for p.rest != "" {
		entry, sep := p.entry()
		if sep == ':' && !strings.Contains(entry, "@") && !strings.Contains(entry, "<") {
			p.name = "" // a group's name says who they are together, not where
			continue
		}
		p.add(entry)
		if len(p.list) >= AddressLimit {
			return p.list, true
		}
	}
	p.flush()
	return p.list, false
}

// An addressList is a list being read.
type addressList struct {
	rest string
	list []Address
	name string // words without an address: the beginning of a name with a comma in it, or all there is

	noQuote, noAngle, noComment bool // none of these closes from here on, so nobody needs to look again
}

// entry takes text up to the next separator outside quotes, brackets and comments.
func (p *addressList) entry() (entry string, sep byte) {
	s := p.rest
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && !p.noQuote:
			i = skip(s, i, quoteEnd, &p.noQuote)
		case c == '<' && !p.noAngle:
			i = skip(s, i, angleEnd, &p.noAngle)
		case c == '(' && !p.noComment:
			i = skip(s, i, commentEnd, &p.noComment)
		case c == ',' || c == ';':
			p.rest = s[i+1:]
			return s[:i], c
		case c == ':' && !strings.EqualFold(strings.TrimSpace(s[:i]), "mailto"):
			p.rest = s[i+1:]
			return s[:i], c
		}
	}
	p.rest = ""
	return s, 0
}

// skip returns the index of the end of what opens at i, or i itself when it does not close.
func skip(s string, i int, end func(string, int) int, none *bool) int {
	if j := end(s, i); j > 0 {
		return j
	}
	*none = true
	return i
}

// quoteEnd returns where the quoted string that opens at i closes, or -1.
func quoteEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// angleEnd returns where the bracket that opens at i closes, or -1. A second "<" or a comma before it means that this one
// was never closed; quotes inside belong to the local part.
func angleEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '>':
			return i
		case '<':
			return -1
		case '"':
			j := quoteEnd(s, i)
			if j < 0 {
				return -1
			}
			i = j
		}
	}
	return -1
}

// commentEnd returns where the comment that opens at i closes, or -1; comments nest.
func commentEnd(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// add reads one entry: NAME <ADDRESS>, ADDRESS (NAME), ADDRESS, or words.
func (p *addressList) add(entry string) {
	entry = strings.TrimSpace(entry)
	if entry == "" {
		return
	}
	entry = p.several(entry)
	if open := strings.LastIndexByte(entry, '<'); open >= 0 {
		inside, after, _ := strings.Cut(entry[open+1:], ">")
		name := strings.Trim(strings.ReplaceAll(entry[:open], "<", " ")+" "+after, " >")
		email := cleanEmail(inside)
		if email == "" && strings.Contains(name, "@") {
			p.bare(name)
			return
		}
		p.push(phrase(name), email)
		return
	}
	if strings.Contains(entry, "@") {
		p.bare(entry)
		return
	}
	if decoded, _ := decodeWords(entry); strings.Contains(decoded, "@") && decoded != entry {
		p.add(decoded) // the whole address was encoded, which RFC 2047 §5 forbids
		return
	}
	if len(p.name) < maxName {
		p.name = strings.TrimPrefix(p.name+", "+phrase(entry), ", ")
	}
}

// several takes all addresses in brackets but the last from an entry in which the commas between them are missing.
func (p *addressList) several(entry string) string {
	for {
		open := strings.IndexByte(entry, '<')
		end := strings.IndexByte(entry, '>')
		if open < 0 || end < open || strings.Count(entry[open:end], "<") > 1 || !strings.Contains(entry[open:end], "@") {
			return entry
		}
		next := strings.IndexByte(entry[end:], '<')
		if next < 0 || !strings.Contains(entry[end+next:], "@") || len(p.list) >= AddressLimit {
			return entry
		}
		p.push(phrase(entry[:open]), cleanEmail(entry[open+1:end]))
		entry = strings.TrimSpace(entry[end+1:])
	}
}

// maxName bounds a name with commas in it.
const maxName = 1000

// bare reads an entry without brackets: the word with the "@" is the address, the others and any comment are the name.
func (p *addressList) bare(entry string) {
	var name []string
	email := ""
	var w wordCutter
	for entry != "" {
		word, rest := w.cut(entry)
		if email == "" && word[0] != '(' && strings.IndexByte(word, '@') >= 0 {
			email = cleanEmail(word)
		} else {
			name = append(name, strings.Trim(word, "()"))
		}
		entry = strings.TrimLeft(rest, " ")
	}
	p.push(phrase(strings.Join(name, " ")), email)
}

// A wordCutter cuts an entry into words. Like addressList it remembers what does not close, to look for it only once.
type wordCutter struct {
	noQuote, noComment bool
}

// cut returns the next word: a comment, or what goes up to a space outside quotes.
func (w *wordCutter) cut(s string) (word, rest string) {
	if s[0] == '(' && !w.noComment {
		if end := skip(s, 0, commentEnd, &w.noComment); end > 0 {
			return s[:end+1], s[end+1:]
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && !w.noQuote:
			i = skip(s, i, quoteEnd, &w.noQuote)
		case i > 0 && (c == ' ' || c == '(' && !w.noComment):
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// push adds an address; words that stood before it, up to a comma, are the beginning of its name ("Doe, Jane <jane@…>").
func (p *addressList) push(name, email string) {
	if p.name != "" && name != "" {
		name = p.name + ", " + name
	} else if p.name != "" {
		p.flush()
	}
	p.name = ""
	if name == email {
		name = ""
	}
	if name != "" || email != "" {
		p.list = append(p.list, Address{Name: name, Email: email})
	}
}

// flush adds words that no address followed.
func (p *addressList) flush() {
	if p.name != "" {
		p.list = append(p.list, Address{Name: p.name})
		p.name = ""
	}
}

// phrase makes a display name readable: quotes and comments' brackets go, escapes and encoded words are decoded.
func phrase(s string) string {
	if strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '\\') >= 0 {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			} else if s[i] == '"' {
				continue
			}
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	s, _ = decodeWords(s)
	s = strings.TrimSpace(oneLine(s))
	if n := len(s); n > 1 && (s[0] == '\'' && s[n-1] == '\'' || s[0] == '(' && s[n-1] == ')') {
		s = strings.TrimSpace(s[1 : n-1])
	}
	return s
}
