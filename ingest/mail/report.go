package mail

import (
	"bytes"
	"strings"
)

// reportLimit is how much of a report's part is read, and recipientLimit how many recipients of it are kept.
const (
	reportLimit    = 256 << 10
	recipientLimit = 200
)

// A statusBlock is one group of fields in a report.
type statusBlock []Field

// get returns the value of the first field with this name, or "".
func (b statusBlock) get(name string) string {
	for _, f := range b {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// block reads one group of fields and forgives what a message's header is forgiven.
func block(data []byte) statusBlock {
	s := headerScan{raw: data, odd: func(string, string) {}}
	s.scan(0)
	var m Mail
	m.readHeader(data, s.fields)
	return m.Header
}

// deliveryStatus reads a delivery report: a group for the message, then one for each recipient (RFC 3464 §2).
func (m *Mail) deliveryStatus(data []byte) {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	for group := range bytes.SplitSeq(data, []byte("\n\n")) {
		group = bytes.TrimLeft(group, "\n")
		if len(group) == 0 || len(m.Automatic.Recipients) >= recipientLimit {
			continue
		}
		b := block(group)
		if r, ok := recipientIn(b); ok {
			m.Automatic.Recipients = append(m.Automatic.Recipients, r)
		}
	}
}

// recipientIn reads the group of one recipient.
func recipientIn(b statusBlock) (r Recipient, ok bool) {
	for _, name := range []string{"Final-Recipient", "Original-Recipient", "X-Actual-Recipient"} {
		if to := cleanEmail(afterType(b.get(name))); r.Address == "" || strings.IndexByte(r.Address, '@') < 0 && strings.IndexByte(to, '@') > 0 {
			r.Address = to
		}
	}
	if r.Address == "" {
		return r, false
	}
	r.Status = statusCode(b.get("Status"))
	r.Diagnostic = clip(squeeze(afterType(b.get("Diagnostic-Code"))), maxDiagnostic)
	if response := squeeze(b.get("SMTP-Response")); r.Diagnostic == "" && response != "" {
		r.Diagnostic = clip(response, maxDiagnostic)
	}
	switch action := strings.ToLower(firstWord(strings.TrimSpace(b.get("Action")))); action {
	case "delivered", "relayed", "expanded", "deliverable":
		r.Reason = "delivered"
	}
	return r, true
}

// feedback reads an abuse report (RFC 5965 §3).
func (m *Mail) feedback(data []byte) {
	b := block(data)
	kind := b.get("Feedback-Type")
	for _, f := range b {
		name := strings.ToLower(f.Name)
		if (name == "original-rcpt-to" || name == "removal-recipient") && len(m.Automatic.Recipients) < recipientLimit {
			m.Automatic.Recipients = append(m.Automatic.Recipients, Recipient{Address: cleanEmail(f.Value), Reason: "feedback", Diagnostic: kind})
		}
	}
	if len(m.Automatic.Recipients) == 0 && kind != "" {
		m.Automatic.Recipients = []Recipient{{Address: m.returnedTo(&transcript{}), Reason: "feedback", Diagnostic: kind}}
	}
}

// receipt reads a disposition notification (RFC 8098 §3).
func (m *Mail) receipt() {
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.ContentType != "message/disposition-notification" {
			continue
		}
		b := block(p.head())
		m.Automatic.Original = firstID(b.get("Original-Message-ID"))
		if to := cleanEmail(afterType(b.get("Final-Recipient"))); to != "" {
			m.Automatic.Recipients = []Recipient{{Address: to, Diagnostic: clip(squeeze(b.get("Disposition")), maxDiagnostic)}}
		}
		return
	}
}

// squeeze makes runs of white space one space; folding leaves them.
func squeeze(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// afterType returns what follows the type in "rfc822; user@host" or "smtp; 550 no".
func afterType(s string) string {
	kind, v, ok := strings.Cut(s, ";")
	if ok && len(kind) < 20 && strings.IndexByte(strings.TrimSpace(kind), ' ') < 0 {
		return strings.TrimSpace(v)
	}
	return strings.TrimSpace(s)
}

func firstID(s string) string {
	if ids, _ := messageIDs(s); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// indexFold returns where the ASCII string lower stands in data, in any case, or -1.
func indexFold(data []byte, lower string) int {
	return bytes.Index(bytes.ToLower(data), []byte(lower))
}
