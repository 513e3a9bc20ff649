package classify

import (
	"net/netip"
	"strings"
)

// receivingHeader reports whether the receiving side writes a field of this name. Such fields tell how mail was
// gathered, sorted or judged: they would let the filter learn its own or another filter's verdict.
func receivingHeader(name string) bool {
	lower := strings.ToLower(clip(name, maxWord))
	return strings.HasPrefix(lower, "x-spam") || receivingNames[lower]
}

var receivingNames = map[string]bool{
	"arc-authentication-results": true, "arc-message-signature": true, "arc-seal": true, "authentication-results": true,
	"content-length": true, "delivered-to": true, "envelope-to": true, "lines": true, "received-spf": true,
	"return-path": true, "status": true, "x-apparently-to": true, "x-bogosity": true, "x-envelope-to": true,
	"x-gmail-labels": true, "x-keywords": true, "x-original-to": true, "x-status": true, "x-uid": true, "x-uidl": true,
	"x-virus-scanned": true,
}

// header keeps, of every field that the sender's side wrote, its name and some words of its value. Fields with a
// grammar of their own give the parts that mean something; Subject and addresses are read from their decoded form.
func (b *builder) header(fields []Field) {
	for _, f := range fields[:min(len(fields), maxFields)] {
		if receivingHeader(f.Name) {
			continue
		}
		b.token("header:", f.Name)
		v := clip(f.Value, maxFieldValue)
		switch name := strings.ToLower(f.Name); name {
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
			b.fieldWords(clip(name, maxWord)+":", v)
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
		b.size(name+":addresses ", strings.Count(v, "@"))
		return
	}
	if i := strings.IndexByte(v, '<'); i >= 0 {
		b.fieldWords(name+" name:", v[:i])
	} else {
		b.token("quirk:", "no name in "+name)
	}
}

// addresses keeps each address whole, its local part's shape and its domain with the domains above it.
func (b *builder) addresses(kind string, list []string) {
	for _, a := range list[:min(len(list), maxAddresses)] {
		a = clip(a, 4*maxWord)
		b.lower(kind+":", a)
		at := strings.LastIndexByte(a, '@')
		if at < 0 {
			b.token("quirk:", kind+" is no address")
			continue
		}
		b.shape(kind+" shape:", a[:at])
		b.domain(kind+" domain:", a[at+1:])
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
	for word := range strings.FieldsFuncSeq(v, func(r rune) bool {
		return r <= ' ' || r == '(' || r == ')' || r == '[' || r == ']' || r == ';' || r == ',' || r == '<' || r == '>' || r == '='
	}) {
		if strings.IndexByte(word, '.') < 0 || len(word) > 4*maxWord {
			continue
		}
		if ip, err := netip.ParseAddr(word); err == nil {
			b.network(ip)
			continue
		}
		if c := word[len(word)-1] | 0x20; c < 'a' || c > 'z' || strings.IndexByte(word, '@') >= 0 {
			continue
		}
		b.domain("received host:", word)
	}
}

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
