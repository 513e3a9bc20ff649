package mail

import (
	"io"
	"strings"
)

// readBounce fills in whom a bounce is about and why, from its machine-readable part, its text, and the mail it returns.
func (m *Mail) readBounce() {
	if m.readNotification() {
		return
	}
	m.readReports()
	t := m.readText()
	a := &m.Automatic
	if a.Original == "" {
		a.Original = firstID(block([]byte(headerOf(t.returned))).get("Message-ID"))
	}
	m.wrappedReport([]byte(clip(m.Text, reportLimit)))
	if len(a.Recipients) == 0 {
		m.recipientsFromText(t)
	} else if r := &a.Recipients[0]; len(a.Recipients) == 1 && strings.IndexByte(r.Address, '@') < 0 {
		if failed, _ := parseAddresses(m.Get("X-Failed-Recipients")); len(failed) == 1 {
			r.Address = failed[0].Email // the report names a file or a program
		}
	}
	if len(a.Recipients) == 0 {
		if to := m.returnedTo(t); to != "" {
			a.Recipients = []Recipient{{Address: to}}
		}
	}
	for i := range a.Recipients {
		r := &a.Recipients[i]
		r.explain(t.about(r.Address, len(a.Recipients)))
	}
}

// recipientsFromText takes the recipients that the text and the header name.
func (m *Mail) recipientsFromText(t *transcript) {
	a := &m.Automatic
	if failed, _ := parseAddresses(m.Get("X-Failed-Recipients")); len(failed) > 0 {
		for _, f := range failed[:min(len(failed), recipientLimit)] {
			a.Recipients = append(a.Recipients, Recipient{Address: f.Email})
		}
		return
	}
	for _, acc := range t.accounts {
		if !t.own[strings.ToLower(acc.address)] {
			a.Recipients = append(a.Recipients, Recipient{Address: acc.address})
		}
	}
	switch {
	case len(a.Recipients) > 0:
	case t.weak != "":
		a.Recipients = append(a.Recipients, Recipient{Address: t.weak})
	case len(t.accounts) > 0: // somebody wrote to himself
		a.Recipients = append(a.Recipients, Recipient{Address: t.accounts[0].address})
	}
}

// about returns what the text says about an address: below its heading, or all of it where there is only one recipient.
func (t *transcript) about(address string, recipients int) string {
	for _, a := range t.accounts {
		if strings.EqualFold(a.address, address) {
			if recipients > 1 {
				return a.said.String()
			}
			return a.said.String() + "\n" + t.common.said.String()
		}
	}
	if recipients > 1 && len(t.accounts) > 0 {
		return ""
	}
	var all strings.Builder
	for _, a := range t.accounts {
		all.WriteString(a.said.String())
	}
	return all.String() + t.common.said.String()
}

// returnedTo returns the recipient of the mail that was returned.
func (m *Mail) returnedTo(t *transcript) string {
	for i := range m.Parts {
		if p := &m.Parts[i]; p.isReturned() {
			if to := toIn(string(p.head())); to != "" {
				return to
			}
		}
	}
	if to := toIn(t.returned); to != "" {
		return to
	}
	if i := strings.Index(m.Text, "\nTo: "); i >= 0 {
		return addressIn(firstLine(m.Text[i+1:]))
	}
	return ""
}

// isReturned reports whether the part is a mail, or the header of one, that comes back.
func (p *Part) isReturned() bool {
	switch p.ContentType {
	case "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers", "message/partial":
		return true
	default:
		return false
	}
}

func toIn(head string) string {
	list, _ := parseAddresses(block([]byte(headerOf(head))).get("To"))
	for _, a := range list {
		if strings.IndexByte(a.Email, '@') > 0 {
			return a.Email
		}
	}
	return ""
}

// headerOf returns the header at the beginning of a mail in text, after a marker line.
func headerOf(s string) string {
	s = clip(s, 64<<10)
	if returnedBegins(firstLine(s)) && !strings.Contains(firstLine(s), ": ") {
		_, s, _ = strings.Cut(s, "\n")
	}
	s = strings.TrimLeft(s, "\r\n \t")
	if i := strings.Index(s, "\n\n"); i >= 0 {
		return s[:i+1]
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// explain fills in what is missing of r from the text about it, and says why the mail did not arrive.
func (r *Recipient) explain(text string) {
	if r.Diagnostic == "" {
		r.Diagnostic = clip(squeeze(telling(text)), maxDiagnostic)
	}
	code, status, _ := saidCodes(r.Diagnostic)
	if code == "" && vague(status) && vague(r.Status) {
		if c, s, _ := saidCodes(text); c != "" || s != "" {
			code, status = c, s
			r.Diagnostic = clip(squeeze(telling(text)), maxDiagnostic)
		}
	} else if code == "" {
		c, s, _ := saidCodes(text)
		if status == "" && (s == r.Status || vague(s)) || s == status {
			code = c
		}
	}
	r.ReplyCode = code
	if !vague(status) || r.Status == "" {
		r.Status = status
	}
	if r.Reason == "" {
		r.Reason = reasonOf(r, text)
	}
	r.Hard = r.Reason == "userunknown" || r.Reason == "hostunknown" || r.Reason == "hasmoved" ||
		r.Reason == "notaccept" && !strings.HasPrefix(r.Status, "4")
}

// maxDiagnostic bounds what is kept of a server's words, in bytes.
const maxDiagnostic = 1000

// telling returns the lines of a text that a server's answer stands in, or else those that say a reason, or all.
func telling(text string) string {
	var lines strings.Builder
	rest := 0
	for line := range strings.Lines(text) {
		code, status, at := saidCodes(line)
		if code != "" && at < len(line) || status != "" {
			if code == "" {
				at = 0
			}
			lines.WriteString(line[max(0, at):])
			rest = 2
		} else if rest > 0 && lines.Len() > 0 {
			rest--
			lines.WriteString(line)
		}
		if lines.Len() > maxDiagnostic {
			break
		}
	}
	if lines.Len() > 0 {
		return lines.String()
	}
	return text
}

// stageIn returns the SMTP command that was refused, as far as the text of a bounce shows the dialogue or names it. The
// answers to several commands that were sent at once stand behind the last of them; then the first was refused.
func stageIn(text string) string {
	lower := strings.ToLower(text)
	if s := namedStage(lower); s != "" {
		return s
	}
	last := ""
	for line := range strings.Lines(lower) {
		line = strings.TrimSpace(line)
		if said, ok := strings.CutPrefix(line, ">>> "); ok {
			last = firstWord(said)
		} else if strings.HasPrefix(line, "<<< 5") && last != "" {
			if strings.Contains(lower, "<<< 503") || strings.Contains(lower, "need rcpt") || strings.Contains(lower, "no valid recipients") {
				return "rcpt"
			}
			return last
		}
	}
	return ""
}

// namedStage finds the words by which servers name the command, in lower case.
func namedStage(s string) string {
	for _, w := range stageWords {
		if strings.Contains(s, w.phrase) {
			return w.stage
		}
	}
	return ""
}

var stageWords = []struct{ phrase, stage string }{
	{"in reply to end of data", "data"}, {"after end of data", "data"}, {"in reply to data", "data"}, {"(data phase)", "data"}, {"after data", "data"},
	{"smtp;data", "data"}, {"end of data", "data"}, {"data command", "data"}, {"[data]", "data"}, {"smtp command data", "data"},
	{"in reply to rcpt", "rcpt"}, {"after rcpt to", "rcpt"}, {"rcpt to response", "rcpt"}, {"[rcpt_to]", "rcpt"}, {"smtp:rcpt", "rcpt"},
	{"in reply to mail from", "mail"}, {"after mail from", "mail"}, {"[mail_from]", "mail"},
	{"in reply to helo", "helo"}, {"in reply to ehlo", "helo"}, {"after ehlo", "helo"}, {"after initial connection", "conn"}, {"helo handshake", "helo"},
}

// readReports reads the machine-readable parts of a bounce or feedback report, and the returned message's id.
func (m *Mail) readReports() {
	for i := range m.Parts {
		p := &m.Parts[i]
		switch {
		case p.ContentType == "message/delivery-status" || p.ContentType == "message/global-delivery-status":
			m.deliveryStatus(p.head())
		case p.ContentType == "message/feedback-report":
			m.feedback(p.head())
		case p.isReturned():
			head := p.head()
			if m.Automatic.Original == "" {
				m.Automatic.Original = firstID(block(head).get("Message-ID"))
			}
			m.wrappedReport(head)
		}
	}
}

// wrappedReport reads the report inside a bounce that something on the way has wrapped into a mail of its own.
func (m *Mail) wrappedReport(head []byte) {
	if len(m.Automatic.Recipients) > 0 {
		return
	}
	if i := indexFold(head, "\nreporting-mta:"); i >= 0 {
		m.deliveryStatus(head[i+1:])
	}
}

// head returns the beginning of the part, decoded.
func (p *Part) head() []byte {
	data, _ := io.ReadAll(io.LimitReader(p.Open(), reportLimit)) // a decoder never fails
	return data
}
