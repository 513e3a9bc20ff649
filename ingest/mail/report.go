package mail

import (
	"bytes"
	"io"
	"strings"
)

// reportLimit is how much of a report's part is read, and recipientLimit how many recipients of it are kept.
const (
	reportLimit    = 256 << 10
	recipientLimit = 200
)

// readReports reads the machine-readable parts of a bounce or feedback report, and the returned message's id.
func (m *Mail) readReports() {
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.ContentType {
		case "message/delivery-status", "message/global-delivery-status":
			m.deliveryStatus(p.head())
		case "message/feedback-report":
			m.feedback(p.head())
		case "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global":
			if m.Automatic.Original == "" {
				m.Automatic.Original = firstID(block(p.head()).get("Message-ID"))
			}
		}
	}
}

// head returns the beginning of the part, decoded.
func (p *Part) head() []byte {
	data, _ := io.ReadAll(io.LimitReader(p.Open(), reportLimit)) // a decoder never fails
	return data
}

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
		to := afterType(b.get("Final-Recipient"))
		if to == "" {
			to = afterType(b.get("Original-Recipient"))
		}
		if to == "" {
			continue
		}
		r := Recipient{Address: cleanEmail(to), Status: statusCode(b.get("Status")), Reason: squeeze(afterType(b.get("Diagnostic-Code")))}
		r.ReplyCode = replyCode(r.Reason)
		r.Hard = r.addressAtFault()
		m.Automatic.Recipients = append(m.Automatic.Recipients, r)
	}
}

// addressAtFault reports whether the address itself is why mail did not arrive. A permanent error alone does not say so: a
// full mailbox and a refused attachment are answered with 5xx too.
func (r *Recipient) addressAtFault() bool {
	if strings.HasPrefix(r.Status, "4") || r.Status == "" && strings.HasPrefix(r.ReplyCode, "4") {
		return false
	}
	reason := strings.ToLower(r.Reason)
	for _, words := range otherFaults {
		if strings.Contains(reason, words) {
			return false
		}
	}
	switch r.Status { // RFC 3463 §3.2
	case "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4":
		return true
	}
	for _, words := range addressFaults {
		if strings.Contains(reason, words) {
			return true
		}
	}
	return false
}

// otherFaults are what servers say when the address is fine, or cannot be told, whatever the code.
var otherFaults = []string{
	"spam", "blocked", "blacklist", "block list", "policy", "denied", "quota", "mailbox full", "mailbox is full", "over the limit",
	"rejected due to", "reputation", "disabled", "suspended", "inactive", "relay", "authenticat", "spf", "dkim", "dmarc", "sender",
	"too many", "message size", "virus", "content", "reverse dns", "ptr",
}

// addressFaults are how servers say that there is no such user or host.
var addressFaults = []string{
	"user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "no mailbox", "user not found",
	"recipient not found", "not a valid mailbox", "does not exist", "doesn't exist", "doesn't have a", "unknown recipient",
	"recipient unknown", "unknown address", "address unknown", "invalid recipient", "invalid mailbox", "invalid address",
	"mailbox not found", "mailbox unavailable", "unknown mailbox", "recipient rejected", "recipient address rejected",
	"undeliverable address", "user doesn", "not our customer", "unrouteable", "host unknown", "host not found",
	"domain not found", "no such domain", "unknown host", "name or service not known", "has moved", "not listed in",
	"no account", "unknown or illegal", "unknown local", "not known", "unknown alias", "no such person", "no such address",
}

// feedback reads an abuse report (RFC 5965 §3).
func (m *Mail) feedback(data []byte) {
	b := block(data)
	for _, f := range b {
		if strings.EqualFold(f.Name, "Original-Rcpt-To") && len(m.Automatic.Recipients) < recipientLimit {
			m.Automatic.Recipients = append(m.Automatic.Recipients, Recipient{
				Address: cleanEmail(f.Value), Reason: b.get("Feedback-Type"),
			})
		}
	}
}

// squeeze makes runs of white space one space; folding leaves them.
func squeeze(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// afterType returns what follows the type in "rfc822; user@host" or "smtp; 550 no".
func afterType(s string) string {
	if _, v, ok := strings.Cut(s, ";"); ok {
		return strings.TrimSpace(v)
	}
	return strings.TrimSpace(s)
}

// statusCode finds an enhanced status code (RFC 3463 §2) at the beginning of s.
func statusCode(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	p := strings.Split(clip(s, len("5.999.999")), ".")
	if len(p) != 3 || p[0] != "2" && p[0] != "4" && p[0] != "5" || p[1] == "" || p[2] == "" || strings.Trim(p[1]+p[2], "0123456789") != "" {
		return ""
	}
	return s
}

// replyCode finds an SMTP reply code at the beginning of s (RFC 5321 §4.2).
func replyCode(s string) string {
	if len(s) < 3 || s[0] < '2' || s[0] > '5' || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
		return ""
	}
	for _, c := range []byte(s[1:3]) {
		if c < '0' || c > '9' {
			return ""
		}
	}
	return s[:3]
}

func firstID(s string) string {
	if ids, _ := messageIDs(s); len(ids) > 0 {
		return ids[0]
	}
	return ""
}
