package classify

import (
	"strings"
	"unicode/utf8"
)

// relations keeps how the parts of a message fit together: who writes from one domain, is answered at another, numbers
// the message under a third and links to a fourth. Unlike names, they hold for senders never seen before.
func (b *builder) relations(d *Document) {
	from := ""
	if len(d.From) > 0 {
		from = domainOf(d.From[0])
	}
	for _, f := range d.Header[:min(len(d.Header), maxFields)] {
		if strings.EqualFold(f.Name, "message-id") {
			id := strings.Trim(f.Value, "<> \t")
			b.related("message-id host", from, id[strings.LastIndexByte(id, '@')+1:])
		}
	}
	if len(d.ReplyTo) > 0 {
		b.related("reply-to", from, domainOf(d.ReplyTo[0]))
	}
	same := 0
	for _, to := range d.To[:min(len(d.To), maxAddresses)] {
		if sameSite(from, domainOf(to)) {
			same++
		}
		if at := strings.IndexByte(to, '@'); at > 2 {
			if containsFold(clip(d.Subject, maxFieldValue), strings.ToLower(clip(to[:at], maxWord))) {
				b.token("relation:", "subject names recipient")
			}
		}
	}
	if same > 0 {
		b.token("relation:", "sender and recipient of one domain")
	}
	if len(d.To) == 0 {
		b.token("relation:", "no recipient named")
	}
	b.linkRelations(from)
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// related keeps whether a host belongs to the sender's domain.
func (b *builder) related(what, from, host string) {
	switch {
	case from == "" || host == "":
		return
	case strings.EqualFold(from, host):
		b.relation(what, " is sender's domain")
	case sameSite(from, host):
		b.relation(what, " is sender's site")
	default:
		b.relation(what, " is another's")
	}
}

func (b *builder) relation(what, is string) {
	b.arena = append(b.arena, "relation:"...)
	b.arena = append(b.arena, what...)
	b.arena = append(b.arena, is...)
	b.commit()
}

// sameSite reports whether two hosts share their last two labels.
func sameSite(a, b string) bool {
	return a != "" && strings.EqualFold(site(a), site(b))
}

func site(host string) string {
	host = strings.TrimSuffix(host, ".")
	if last := strings.LastIndexByte(host, '.'); last > 0 {
		if dot := strings.LastIndexByte(host[:last], '.'); dot >= 0 {
			return host[dot+1:]
		}
	}
	return host
}

// linkRelations keeps how many of the hosts that links lead to are the sender's.
func (b *builder) linkRelations(from string) {
	own, other := 0, 0
	for _, h := range b.hosts {
		if sameSite(from, h) {
			own++
		} else {
			other++
		}
	}
	if own+other == 0 {
		b.token("relation:", "no links")
		return
	}
	b.size("relation:links to others ", other)
	b.size("relation:links to sender ", own)
	if own > 0 && other == 0 {
		b.token("relation:", "all links to sender")
	}
}

// order keeps which field follows which: programs that write mail differ in it.
func (b *builder) order(fields []Field) {
	last := "start"
	for i, f := range fields[:len(b.fields)] {
		if b.fields[i].receiving || b.fields[i].lower() == "received" {
			continue
		}
		b.arena = append(b.arena, "order:"...)
		b.arena = append(b.arena, last...)
		b.arena = append(b.arena, '>')
		b.arena = append(b.arena, clip(f.Name, maxWord)...)
		b.commit()
		last = clip(f.Name, maxWord)
	}
}

// style keeps how the text looks: its lines, digits, marks and foreign characters.
func (b *builder) style(s string) {
	s = clip(s, maxText)
	if s == "" {
		return
	}
	var n [styleKinds]int
	longest, at := 0, 0
	for i := 0; i < len(s); i++ {
		kind := styleKind[s[i]]
		n[kind]++
		if kind == styleLine {
			longest = max(longest, i-at)
			at = i
		}
	}
	longest = max(longest, len(s)-at)
	b.size("style:longest line ", longest)
	b.size("style:lines ", n[styleLine]+1)
	b.size("style:digits 1/32 ", n[styleDigit]*32/len(s))
	b.size("style:foreign 1/32 ", n[styleForeign]*32/len(s))
	b.size("style:marks 1/32 ", n[styleMark]*32/len(s))
	b.size("style:exclamations ", n[styleShout])
}

const (
	styleOther = iota
	styleLine
	styleDigit
	styleForeign
	styleMark
	styleShout
	styleKinds
)

// styleKind is what a byte of a text counts as.
var styleKind = func() (k [256]uint8) {
	for c := range k {
		switch {
		case c == '\n':
			k[c] = styleLine
		case c >= utf8.RuneSelf:
			k[c] = styleForeign
		case '0' <= c && c <= '9':
			k[c] = styleDigit
		case c == '!':
			k[c] = styleShout
		case c > ' ' && asciiKind[c] == kindOther:
			k[c] = styleMark
		}
	}
	return k
}()
