package mail

import (
	"io"
	"strings"
	"time"
)

// The values of [Forward.How].
const (
	ForwardInline   = "inline"   // copied into the text below header lines
	ForwardAttached = "attached" // as a part of type message/rfc822
	ForwardResent   = "resent"   // as it was, with Resent- fields (RFC 5322 §3.6.6)
)

// A Forward is a mail that somebody passed on. What it says about its origin is that person's word, no more.
type Forward struct {
	How       string    `json:"how"`
	From      []Address `json:"from"`       // who wrote the mail that is passed on
	Date      time.Time `json:"date"`       // zero where it cannot be read
	Sent      string    `json:"sent"`       // the date as it stands there
	Subject   string    `json:"subject"`    // likewise
	MessageID string    `json:"message_id"` // only of attached and resent mail
	Text      string    `json:"text"`
}

// forwardLimit is how much of an attached message is read.
const forwardLimit = 4 << 20

// Forward returns the mail that m passes on, or nil. It is recognised by its structure: by Resent- fields, a marker line or
// header lines in the text, or an attached message that is no report's.
func (m *Mail) Forward() *Forward {
	if f := m.resent(); f != nil {
		return f
	}
	if f := m.inlineForward(m.Reply()); f != nil {
		return f
	}
	return m.attachedForward()
}

// resent reads a mail that was passed on as it was.
func (m *Mail) resent() *Forward {
	by := m.addresses("Resent-From")
	if len(by) == 0 || len(m.From) > 0 && by[0].Email == m.From[0].Email {
		return nil
	}
	return &Forward{
		How: ForwardResent, From: m.From, Date: m.Date, Sent: m.Get("Date"), Subject: m.Subject, MessageID: m.MessageID, Text: m.Text,
	}
}

// inlineForward reads a forward out of the text.
func (m *Mail) inlineForward(r Reply) *Forward {
	for i, s := range r.Segments {
		if s.Kind != SegmentForwarded || i == 0 || r.Segments[i-1].Kind != SegmentAttribution {
			continue
		}
		b := copiedHeaders(r.Segments[i-1].Text)
		f := &Forward{How: ForwardInline, Subject: b.values[roleSubject], Sent: b.values[roleDate], Text: withoutMarks(s.Text)}
		f.From = copiedAddresses(b.values[roleFrom])
		f.Date, _ = readableDate(f.Sent)
		return f
	}
	return nil
}

// copiedHeaders reads the header lines in the text of an attribution, the marker above them left aside.
func copiedHeaders(text string) headerBlock {
	all := strings.Split(clip(text, 16<<10), "\n")
	for i := range all {
		all[i] = unquoted(strings.TrimSpace(all[i]))
	}
	for i := range all {
		if role, _ := headerLine(all[i]); role == 0 {
			continue
		}
		return readHeaders(i, func(n int) (string, bool) {
			if n >= len(all) {
				return "", false
			}
			return clip(all[n], maxAttribution), true
		})
	}
	return headerBlock{}
}

// copiedAddresses reads an address as mail programs copy it: "Jane Roe [mailto:jane@example.org]" or with the address
// twice.
func copiedAddresses(s string) []Address {
	s = strings.Map(func(r rune) rune {
		if isDirection(r) {
			return -1
		}
		return r
	}, s)
	s = strings.NewReplacer("[mailto:", "<", "<mailto:", " <", "]", ">", ";", ",").Replace(s)
	list, _ := parseAddresses(s)
	for _, a := range list {
		if strings.IndexByte(a.Email, '@') > 0 {
			return []Address{a}
		}
	}
	if name := strings.Trim(s, `"' <>,`); name != "" && strings.IndexByte(name, '@') < 0 {
		return []Address{{Name: name}}
	}
	return list
}

// withoutMarks removes one level of ">" where every line has it.
func withoutMarks(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimLeft(line, " \t")
		switch {
		case strings.HasPrefix(bare, ">"):
			b.WriteString(strings.TrimPrefix(bare[1:], " "))
		case strings.TrimSpace(line) == "":
			b.WriteByte('\n')
		default:
			return trimBlankLines(text)
		}
	}
	return trimBlankLines(b.String())
}

// attachedForward reads the first attached message, unless it is what a machine sends back.
func (m *Mail) attachedForward() *Forward {
	if k := m.Automatic.Kind; k == KindBounce || k == KindFeedback || k == KindReceipt {
		return nil
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.ContentType != "message/rfc822" && p.ContentType != "message/global" {
			continue
		}
		raw, _ := io.ReadAll(io.LimitReader(p.Open(), forwardLimit)) // a decoder never fails
		inner, _ := Parse(raw, Budget{})                             // over its budget it is still read as far as that goes
		return &Forward{
			How: ForwardAttached, From: inner.From, Date: inner.Date, Sent: inner.Get("Date"), Subject: inner.Subject,
			MessageID: inner.MessageID, Text: inner.Text,
		}
	}
	return nil
}

// passesOn reports whether header lines in m's text are those of a mail that m passes on, and not of one that it answers.
// The program writes both alike. It is a forward by its subject, or when it answers nothing and the sender of the mail
// below is none of those it goes to.
func (m *Mail) passesOn(headers string) bool {
	if startsWithAny(strings.TrimSpace(m.Subject), forwardSubjects) {
		return true
	}
	if len(m.InReplyTo) > 0 || len(m.References) > 0 {
		return false
	}
	from := copiedAddresses(copiedHeaders(headers).values[roleFrom])
	if len(from) == 0 || from[0].Email == "" {
		return false
	}
	for _, list := range [][]Address{m.From, m.To, m.Cc, m.ReplyTo} {
		for _, a := range list {
			if strings.EqualFold(a.Email, from[0].Email) {
				return false
			}
		}
	}
	return len(m.To) > 0
}

// forwardSubjects are how the subjects of forwarded mail begin, in lower case.
var forwardSubjects = []string{
	"fw:", "fwd:", "[fwd:", "wg:", "tr:", "rv:", "enc:", "i:", "r: fwd", "doorst:", "pd:", "vs:", "vb:", "vl:", "vm:", "ynl:", "ilt:", "i̇lt:", "προωθ:", "пер:",
	"转发:", "转发：", "轉寄:", "轉寄：", "転送:", "fw：", "fwd：", "전달:", "הועבר:", "إعادة توجيه:", "trs:", "továbbítás:", "fyi:", "reenv:", "rv：", "перенаправлено:",
}
