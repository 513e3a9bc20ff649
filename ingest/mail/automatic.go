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
	Reason    string `json:"reason"`     // what the server said
	Hard      bool   `json:"hard"`       // the address is at fault: no such user or host, or moved away
}

// detect fills in m.Automatic.
func (m *Mail) detect() {
	a := &m.Automatic
	report := m.reportType()
	switch {
	case report == "delivery-status" || m.hasPart("message/delivery-status"):
		a.Kind = KindBounce
	case report == "feedback-report" || m.hasPart("message/feedback-report"):
		a.Kind = KindFeedback
	case report == "disposition-notification" || m.hasPart("message/disposition-notification"):
		a.Kind = KindReceipt
	case m.returned():
		a.Kind = KindBounce
	case m.autoSubmitted() || startsWithAny(m.Subject, autoSubjects):
		a.Kind = KindAutoReply
	case m.field("List-Id") != nil || m.field("List-Unsubscribe") != nil || m.bulk():
		a.Kind = KindList
	}
	if a.Kind == KindBounce || a.Kind == KindFeedback {
		m.readReports()
	}
	if a.Kind == KindBounce && len(a.Recipients) == 0 {
		m.readTranscript()
	}
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
// from a mail system, which says so by its name alone, or by a less certain name and the subject or an empty return path.
func (m *Mail) returned() bool {
	certain, likely := false, len(m.From) == 0 && m.nullSender()
	for _, a := range m.From {
		who := strings.ToLower(a.Name + " <" + a.Email)
		certain = certain || strings.Contains(who, "mailer-daemon") || strings.Contains(who, "mail delivery s")
		likely = likely || strings.Contains(who, "postmaster") || strings.Contains(who, "post_master") ||
			m.nullSender() && strings.Contains(who, "no-reply")
	}
	if certain {
		return m.nullSender() || len(m.InReplyTo) == 0 || startsWithAny(m.Subject, returnSubjects)
	}
	return likely && (startsWithAny(m.Subject, returnSubjects) || m.nullSender() && m.field("X-Failed-Recipients") != nil)
}

// nullSender reports whether the envelope's sender was empty, as a bounce's must be (RFC 5321 §4.5.5).
func (m *Mail) nullSender() bool {
	f := m.field("Return-Path")
	return f != nil && strings.TrimSpace(strings.Trim(f.Value, "<> ")) == ""
}

// returnSubjects are how the subjects of bounces begin, in lower case.
var returnSubjects = []string{
	"undeliver", "delivery status", "delivery failure", "delivery failed", "delivery notification", "delivery report",
	"mail delivery", "mail could not", "mail system error", "message delivery", "returned mail", "returned to sender",
	"failure notice", "failure delivery", "failed mail", "warning: could not send", "warning: message", "delayed mail",
	"could not deliver", "nondeliverable", "non-deliverable", "non remis", "unzustellbar", "nicht zustellbar", "mail fehler",
	"não entregue", "no se puede entregar", "mancato recapito", "メールエラー通知", "メッセージを配信できません",
}

// autoSubjects are how the subjects of vacation notices begin, in lower case, where no header tells.
var autoSubjects = []string{
	"automatic reply", "auto reply:", "auto-reply:", "autoreply:", "auto response:", "out of office:", "out of the office:",
	"abwesenheitsnotiz", "automatische antwort", "réponse automatique", "respuesta automática", "resposta automática",
	"risposta automatica", "automatisk svar", "autosvar", "automatisch antwoord", "自動応答", "自动回复", "автоответ",
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
	if m.field("X-Autoreply") != nil || m.field("X-Autorespond") != nil || m.field("X-Auto-Response-From") != nil {
		return true
	}
	return strings.EqualFold(strings.TrimSpace(m.Get("Precedence")), "auto_reply")
}

func (m *Mail) bulk() bool {
	switch strings.ToLower(strings.TrimSpace(m.Get("Precedence"))) {
	case "bulk", "list", "junk":
		return true
	default:
		return false
	}
}
