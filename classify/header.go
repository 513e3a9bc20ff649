package classify

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// A fieldName is what a field's name says. Receiving names are written by the receiving side: they tell how mail was
// gathered, sorted or judged, and would let the filter learn its own or another filter's verdict.
type fieldName struct {
	prefix    string // the name in lower case, and a colon
	receiving bool
}

// lower is the name in lower case.
func (n fieldName) lower() string { return n.prefix[:len(n.prefix)-1] }

var fieldNames = func() map[string]fieldName {
	names := map[string]fieldName{}
	for _, name := range []string{
		"arc-authentication-results", "arc-message-signature", "arc-seal", "authentication-results", "content-length", "delivered-to", "envelope-to",
		"lines", "received-spf", "return-path", "status", "x-apparently-to", "x-bogosity", "x-envelope-to", "x-gmail-labels", "x-keywords",
		"x-original-to", "x-status", "x-uid", "x-uidl", "x-virus-scanned",
	} {
		names[name] = fieldName{name + ":", true}
	}
	for _, name := range []string{ // common, so that they need no memory of their own
		"subject", "to", "cc", "from", "reply-to", "sender", "received", "message-id", "content-type", "date", "dkim-signature", "references",
		"in-reply-to", "thread-index", "thread-topic", "mime-version", "content-transfer-encoding", "x-mailer", "user-agent", "list-id", "list-post",
		"list-help", "list-subscribe", "list-unsubscribe", "list-archive", "errors-to", "precedence", "x-priority", "importance", "organization",
	} {
		names[name] = fieldName{name + ":", false}
	}
	return names
}()

// names reads the names of a header's fields, once for all who look at them.
func (b *builder) names(fields []Field) {
	b.fields = b.fields[:0]
	for i := range fields[:min(len(fields), maxFields)] {
		b.fields = append(b.fields, b.nameOf(fields[i].Name))
	}
}

func (b *builder) nameOf(name string) fieldName {
	b.lowered = b.lowered[:0]
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			b.lowered = append(b.lowered[:0], strings.ToLower(name)...)
			break
		}
		b.lowered = append(b.lowered, lowerASCII(name[i]))
	}
	if n, ok := fieldNames[string(b.lowered)]; ok {
		return n
	}
	return fieldName{string(append(b.lowered, ':')), bytes.HasPrefix(b.lowered, []byte("x-spam"))}
}

// header keeps, of every field that the sender's side wrote, its name and some words of its value. Fields with a
// grammar of their own give the parts that mean something; Subject and addresses are read from their decoded form.
func (b *builder) header(fields []Field) {
	for i, f := range fields[:len(b.fields)] {
		if b.fields[i].receiving {
			continue
		}
		b.token("header:", f.Name)
		v := clip(f.Value, maxFieldValue)
		switch name := b.fields[i].lower(); name {
		case "subject", "to", "cc", "from", "reply-to", "sender":
			b.displayNames(name, v)
		case "received":
			b.received(v)
		case "message-id":
			b.messageID(v)
		case "content-type":
			b.contentType(v)
		case "date":
			b.date(v)
		case "dkim-signature", "x-google-dkim-signature", "references", "in-reply-to", "thread-index":
			// Opaque per message: only their presence is evidence.
		default:
			prefix := b.fields[i].prefix
			if len(name) > maxWord {
				prefix = name[:maxWord] + ":"
			}
			b.fieldWords(prefix, v)
		}
	}
	b.size("header:fields ", len(fields))
}

func (b *builder) fieldWords(prefix, v string) {
	w := wordScan{b: b, prefix: prefix, left: maxFieldWords}
	w.scan(v)
	w.end()
}

func (b *builder) displayNames(name, v string) {
	if name == "subject" {
		return
	}
	if name != "from" && name != "reply-to" {
		b.arena = append(b.arena, name...) // the token's beginning
		b.size(":addresses ", strings.Count(v, "@"))
		return
	}
	prefix, none := "from name:", "no name in from"
	if name == "reply-to" {
		prefix, none = "reply-to name:", "no name in reply-to"
	}
	if i := strings.IndexByte(v, '<'); i >= 0 {
		b.fieldWords(prefix, v[:i])
	} else {
		b.token("quirk:", none)
	}
}

// addressTokens are what the tokens of one kind of address begin with.
var addressTokens = func() map[string]struct{ whole, shape, domain, none string } {
	kinds := map[string]struct{ whole, shape, domain, none string }{}
	for _, k := range []string{"from", "reply-to", "to"} {
		kinds[k] = struct{ whole, shape, domain, none string }{k + ":", k + " shape:", k + " domain:", k + " is no address"}
	}
	return kinds
}()

// addresses keeps each address whole, its local part's shape and its domain with the domains above it.
func (b *builder) addresses(kind string, list []string) {
	tokens := addressTokens[kind]
	for _, a := range list[:min(len(list), maxAddresses)] {
		a = clip(a, 4*maxWord)
		b.lower(tokens.whole, a)
		at := strings.LastIndexByte(a, '@')
		if at < 0 {
			b.token("quirk:", tokens.none)
			continue
		}
		b.shape(tokens.shape, a[:at])
		b.domain(tokens.domain, a[at+1:])
	}
}

// domain keeps host and the domains above it, as far as they have at most maxHostLabels labels.
func (b *builder) domain(prefix, host string) {
	host = strings.Trim(clip(host, 4*maxWord), ".")
	for labels := strings.Count(host, ".") + 1; ; labels-- {
		if labels <= maxHostLabels {
			b.lower(prefix, host)
		}
		dot := strings.IndexByte(host, '.')
		if dot < 0 {
			return
		}
		host = host[dot+1:]
	}
}

// shape keeps the form of s: runs of lower case, upper case, digits and the marks between them, at most 12 runs.
func (b *builder) shape(prefix, s string) {
	b.arena = append(b.arena, prefix...)
	last, runs := byte(0), 0
	for i := 0; i < len(s) && runs < 12; i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z':
			c = 'a'
		case 'A' <= c && c <= 'Z':
			c = 'A'
		case '0' <= c && c <= '9':
			c = '9'
		case c >= 0x80:
			c = '~'
		}
		if c != last {
			b.arena = append(b.arena, c)
			last = c
			runs++
		}
	}
	b.commit()
}

func (b *builder) messageID(v string) {
	id := strings.Trim(v, "<> \t")
	at := strings.LastIndexByte(id, '@')
	if at < 0 {
		b.token("quirk:", "message-id without host")
		at = len(id)
	} else {
		b.domain("message-id host:", id[at+1:])
	}
	b.shape("message-id shape:", id[:at])
	b.size("message-id length ", at)
}

func (b *builder) contentType(v string) {
	kind, params, _ := strings.Cut(v, ";")
	b.lower("content-type:", strings.TrimSpace(kind))
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		value = strings.Trim(value, `" `)
		switch name = strings.ToLower(name); name {
		case "boundary":
			b.shape("boundary shape:", value)
		case "charset":
			b.lower("charset:", value)
		case "":
		default:
			b.lower("content-type parameter:", name)
		}
	}
}

// date keeps the time zone and the form of a Date field; the day itself is no evidence.
func (b *builder) date(v string) {
	v = strings.TrimSpace(v)
	if i := strings.LastIndexAny(v, "+-"); i >= 0 && len(v)-i >= 5 {
		b.token("date zone:", v[i:i+5])
	} else {
		b.token("quirk:", "date without zone")
	}
	b.shape("date shape:", v)
}

// received keeps the hosts a hop names and the networks of its addresses.
func (b *builder) received(v string) {
	for v != "" {
		end := 0
		for end < len(v) && !betweenHosts[v[end]] {
			end++
		}
		word := v[:end]
		v = v[min(end+1, len(v)):]
		if strings.IndexByte(word, '.') < 0 || len(word) > 4*maxWord {
			continue
		}
		if '0' <= word[0] && word[0] <= '9' || strings.IndexByte(word, ':') >= 0 {
			if ip, err := netip.ParseAddr(word); err == nil {
				b.network(ip)
				continue
			}
		}
		if c := word[len(word)-1] | 0x20; c < 'a' || c > 'z' || strings.IndexByte(word, '@') >= 0 {
			continue
		}
		b.domain("received host:", word)
	}
}

// betweenHosts are the bytes that part the words of a Received field.
var betweenHosts = func() (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || strings.IndexByte("()[];,<>=", byte(c)) >= 0
	}
	return t
}()

func (b *builder) network(ip netip.Addr) {
	wide, narrow := 16, 24
	if ip.Is6() {
		wide, narrow = 32, 48
	}
	for _, bits := range []int{wide, narrow} {
		if p, err := ip.Prefix(bits); err == nil {
			b.token("received net:", p.String())
		}
	}
}

// signals keeps what others found out about the message.
func (b *builder) signals(d *Document) {
	for _, s := range d.Auth[:min(len(d.Auth), maxFieldWords)] {
		b.lower("auth:", s)
	}
	b.size("size:text ", len(d.Text))
	if d.HTML != "" {
		b.size("size:html ", len(d.HTML))
		if len(strings.TrimSpace(clip(d.Text, 64))) == 0 {
			b.token("quirk:", "html without text")
		}
	}
	if d.Subject == "" {
		b.token("quirk:", "no subject")
	}
}

// parts keeps the types, charsets and names of the parts.
func (b *builder) parts(parts []PartInfo) {
	b.size("part:count ", len(parts))
	for _, p := range parts[:min(len(parts), maxParts)] {
		b.lower("part:", p.ContentType)
		if p.Charset != "" {
			b.lower("charset:", p.Charset)
		}
		if p.Filename == "" {
			continue
		}
		b.token("part:", "has a file name")
		b.size("part:size ", p.Size)
		if dot := strings.LastIndexByte(p.Filename, '.'); dot >= 0 {
			b.lower("part extension:", clip(p.Filename[dot+1:], 8))
		}
	}
}
