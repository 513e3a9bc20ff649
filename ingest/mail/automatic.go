package mail

import "strings"

// The values of [Automatic.Kind].
const (
	KindBounce    = "bounce"     // a delivery status notification (RFC 3464) or its like
	KindFeedback  = "feedback"   // an abuse report (RFC 5965)
	KindAutoReply = "auto-reply" // a vacation notice or other answer by a machine (RFC 3834)
	KindReceipt   = "receipt"    // a disposition notification (RFC 8098)
	KindList      = "list"       // sent through a mailing list or in bulk (RFC 2919)
)

// Automatic says whether a machine sent the message and which kind of machine; Kind "" is mail that a person may have
// written. Mail of any kind but "" is never answered automatically (RFC 3834 §2).
type Automatic struct {
	Kind       string
	Recipients []Recipient // whom a bounce or report is about
	Original   string      // message id of the mail it is about, without angle brackets, where it says so
}

// A Recipient is one address that a delivery report is about (RFC 3464 §2.3).
type Recipient struct {
	Address   string `json:"address"`
	Status    string `json:"status"`     // enhanced status code (RFC 3463), e.g. "5.1.1"
	ReplyCode string `json:"reply_code"` // SMTP reply code (RFC 5321 §4.2), e.g. "550"
	Reason    string `json:"reason"`     // why, in one of the words of docs/replies.md, e.g. "mailboxfull"
	Hard      bool   `json:"hard"`       // the address is at fault: no such user or host, or moved away

	Diagnostic string `json:"diagnostic"` // what the server said, at most 1,000 bytes of it
}

// detect fills in m.Automatic.
func (m *Mail) detect() {
	a := &m.Automatic
	switch a.Kind = m.kind(); a.Kind {
	case KindBounce:
		m.readBounce()
	case KindFeedback:
		if !m.readNotification() {
			m.readReports()
		}
	case KindReceipt:
		m.receipt()
	case KindAutoReply:
		m.answered()
	}
	if a.Original == "" && (a.Kind == KindReceipt || a.Kind == KindAutoReply || a.Kind == KindBounce) && len(m.InReplyTo) > 0 {
		a.Original = m.InReplyTo[0]
	}
}

// kind says what kind of machine sent the message.
func (m *Mail) kind() string {
	report := m.reportType()
	n, notified := m.notified()
	switch {
	case notified && n.Type == "Complaint":
		return KindFeedback
	case notified:
		return KindBounce
	case report == "delivery-status" || m.hasPart("message/delivery-status") || m.hasPart("message/global-delivery-status"):
		return KindBounce
	case report == "feedback-report" || m.hasPart("message/feedback-report") || m.field("X-Apple-Unsubscribe") != nil:
		return KindFeedback
	case report == "disposition-notification" || m.hasPart("message/disposition-notification"):
		return KindReceipt
	case m.returned():
		return KindBounce
	case m.autoSubmitted() || m.challenges() || startsWithAny(m.Subject, autoSubjects):
		return KindAutoReply
	case m.field("List-Id") != nil || m.field("List-Unsubscribe") != nil || m.field("List-Post") != nil || m.bulk():
		return KindList
	default:
		return ""
	}
}

// answered names who answers automatically.
func (m *Mail) answered() {
	auto := strings.ToLower(m.Get("Auto-Submitted"))
	if len(m.From) == 0 || strings.HasPrefix(strings.TrimSpace(auto), "auto-generated") || m.challenges() {
		return
	}
	m.Automatic.Recipients = []Recipient{{Address: m.From[0].Email, Reason: "vacation"}}
}

// challenges reports whether the message asks its reader to prove that he is a person before his own mail is passed on.
func (m *Mail) challenges() bool {
	for _, name := range []string{"X-Boxtrapper", "X-TMDA-Confirm", "X-Qurb-Confirm", "X-ChoiceMail-Registration-Request", "X-Spamarrest-Noauth", "X-ASK-Version"} {
		if m.field(name) != nil {
			return true
		}
	}
	return startsWithAny(m.Subject, challengeSubjects)
}

// reportType returns the report-type of a multipart/report (RFC 6522), or "".
func (m *Mail) reportType() string {
	f := m.field("Content-Type")
	if f == nil {
		return ""
	}
	kind, ps := parseParams(f.raw)
	if kind != "multipart/report" {
		return ""
	}
	return strings.ToLower(ps.get("report-type"))
}

func (m *Mail) hasPart(contentType string) bool {
	for i := range m.Parts {
		if m.Parts[i].ContentType == contentType {
			return true
		}
	}
	return false
}

// returned reports whether this is a bounce by its look, as from the many servers that do not follow RFC 3464: it comes
// from a mail system, which says so by its name alone, or by a less certain name and the subject, the text's first words
// or an empty return path.
func (m *Mail) returned() bool {
	certain, likely := false, len(m.From) == 0 && m.nullSender()
	for _, a := range m.From {
		who := strings.ToLower(a.Name + " <" + a.Email)
		certain = certain || strings.Contains(who, "mailer-daemon") || strings.Contains(who, "mail delivery s")
		likely = likely || strings.Contains(who, "postmaster") || strings.Contains(who, "post_master") || strings.Contains(who, "mailmaster") ||
			m.nullSender() && strings.Contains(who, "no-reply")
		if strings.Contains(who, "no-reply") || strings.Contains(who, "noreply") {
			likely = likely || startsWithAny(m.Subject, returnSubjectsAlone) || startsWithAny(strings.TrimLeft(m.Text, " \n"), returnOpenings)
		}
	}
	switch {
	case certain:
		return m.nullSender() || len(m.InReplyTo) == 0 || startsWithAny(m.Subject, returnSubjects)
	case !likely:
		return m.field("X-MLServer") != nil && strings.Contains(strings.ToLower(m.Subject), "not member")
	default:
		return startsWithAny(m.Subject, returnSubjects) || m.nullSender() && m.field("X-Failed-Recipients") != nil ||
			startsWithAny(strings.TrimLeft(m.Text, " \n"), returnOpenings)
	}
}

// nullSender reports whether the envelope's sender was empty, as a bounce's must be (RFC 5321 §4.5.5).
func (m *Mail) nullSender() bool {
	f := m.field("Return-Path")
	return f != nil && strings.TrimSpace(strings.Trim(f.Value, "<> ")) == ""
}

func startsWithAny(s string, prefixes []string) bool {
	s = strings.ToLower(clip(s, 100))
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// autoSubmitted reports whether a header says that a machine answered or wrote (RFC 3834 §5, and what programs wrote
// before and beside it).
func (m *Mail) autoSubmitted() bool {
	if v, _, _ := strings.Cut(strings.ToLower(m.Get("Auto-Submitted")), ";"); strings.TrimSpace(v) != "" && strings.TrimSpace(v) != "no" {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Auto-Response-From", "X-AutoReply-From", "X-Mail-Autoreply", "X-Autogenerated", "X-Vacation"} {
		if v := strings.ToLower(strings.TrimSpace(m.Get(name))); m.field(name) != nil && v != "no" {
			return true
		}
	}
	return strings.EqualFold(strings.TrimSpace(m.Get("Precedence")), "auto_reply") || strings.EqualFold(strings.TrimSpace(m.Get("X-Precedence")), "auto_reply")
}

func (m *Mail) bulk() bool {
	switch strings.ToLower(strings.TrimSpace(m.Get("Precedence"))) {
	case "bulk", "list", "junk":
		return true
	default:
		return false
	}
}
