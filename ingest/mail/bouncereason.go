package mail

import "strings"

// reasonOf says in one word why mail to r did not arrive: by what the server said, else by the text around it, else by
// the codes. Words come first because servers put the same few codes to everything.
func reasonOf(r *Recipient, text string) string {
	stage := stageIn(r.Diagnostic + "\n" + text)
	said := r.Diagnostic
	if code, _, at := saidCodes(said); code != "" {
		said = said[at:]
	}
	byCode := statusReasons[r.Status]
	reason := reasonInWords(said)
	if reason == "" {
		reason = reasonInWords(r.Diagnostic)
	}
	if reason == "" && (byCode == "" || byCode == "expired" || byCode == "securityerror" || byCode == "systemerror") {
		reason = reasonInWords(text)
	}
	switch {
	case reason == "userunknown" && closedMailbox(r, stage):
		return "filtered"
	case byCode == "rejected" && (reason == "hostunknown" || reason == "userunknown") && strings.HasPrefix(r.Status[1:], ".1."):
		return "rejected" // 5.1.7 and 5.1.8 are about the sender's address
	case reason != "":
		return reason
	case byCode != "":
		return byCode
	case statusClass(r.Status) != "":
		return statusClass(r.Status)
	case r.ReplyCode == "552":
		return "mailboxfull"
	case r.ReplyCode == "421":
		return "expired"
	case r.ReplyCode != "" || r.Status != "":
		return "onhold"
	default:
		return "undefined"
	}
}

// reasonInWords looks for the phrases of each reason, the telling ones first.
func reasonInWords(said string) string {
	full := strings.ToLower(squeeze(clip(said, saidLimit)))
	if full == "" {
		return ""
	}
	s := bareWords(full)
	for _, rule := range reasonRules {
		if rule.matches(s, full) {
			return rule.reason
		}
	}
	return ""
}

// closedMailbox tells a mailbox that its owner has closed to this sender from one that does not exist: the servers of
// mobile carriers answer "550 : User unknown", without the address, or refuse only after the text has been sent.
func closedMailbox(r *Recipient, stage string) bool {
	if r.Status == "5.1.1" {
		return false
	}
	said := strings.ToLower(r.Diagnostic)
	if strings.Contains(said, "550 : user unknown") || strings.Contains(said, "550: : user unknown") {
		return true
	}
	return (stage == "data" || stage == "mail") && !strings.Contains(said, ">: user unknown") && !strings.Contains(said, "delivery error: dd")
}

// bareWords returns s without addresses and links, whose parts look like reasons: <blocked@example.org>, …/policy.
func bareWords(s string) string {
	var b strings.Builder
	for w := range strings.FieldsSeq(s) {
		switch {
		case strings.Contains(w, "://") || strings.Contains(w, "www."):
			continue
		case strings.IndexByte(w, '@') >= 0:
			if i := strings.LastIndexByte(w, '>'); i >= 0 {
				w = w[i+1:]
			} else {
				w = ""
			}
		}
		if w == "" {
			continue
		}
		if b.Len() > 0 && w != "..." {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

// A reasonRule is one reason and the phrases it is known by. A phrase with " & " in it needs both halves; one that begins
// with "@" may stand in a link too.
type reasonRule struct {
	reason  string
	phrases []string
}

func (r *reasonRule) matches(s, full string) bool {
	for _, p := range r.phrases {
		if link, ok := strings.CutPrefix(p, "@"); ok {
			if strings.Contains(full, link) {
				return true
			}
			continue
		}
		first, second, both := strings.Cut(p, " & ")
		if strings.Contains(s, first) && (!both || strings.Contains(s, second)) {
			return true
		}
	}
	return false
}

// statusReasons are the reasons that an enhanced status code names by itself (RFC 3463 and its registry).
var statusReasons = map[string]string{
	"5.1.0": "userunknown", "5.1.1": "userunknown", "5.1.2": "hostunknown", "4.1.2": "hostunknown", "5.1.3": "userunknown", "5.1.4": "filtered", "5.1.6": "hasmoved",
	"5.1.7": "rejected", "5.1.8": "rejected", "4.1.8": "rejected", "5.1.9": "systemerror", "5.1.10": "notaccept", "4.1.9": "expired",
	"5.2.0": "filtered", "5.2.1": "suspend", "4.2.1": "suspend", "5.2.2": "mailboxfull", "4.2.2": "mailboxfull", "5.2.3": "exceedlimit", "4.2.3": "exceedlimit", "5.2.4": "filtered",
	"5.3.0": "systemerror", "4.3.0": "systemerror", "5.3.1": "systemfull", "4.3.1": "systemfull", "5.3.2": "notaccept", "4.3.2": "notaccept", "5.3.3": "systemerror", "5.3.4": "mesgtoobig",
	"4.3.4": "mesgtoobig", "5.3.5": "systemerror", "4.3.5": "systemerror", "4.2.0": "systemerror",
	"5.4.0": "networkerror", "4.4.0": "networkerror", "5.4.1": "rejected", "4.4.1": "expired", "5.4.2": "networkerror", "4.4.2": "networkerror", "5.4.3": "systemerror",
	"4.4.3": "systemerror", "5.4.4": "hostunknown", "4.4.4": "hostunknown", "5.4.5": "networkerror", "4.4.5": "systemfull", "5.4.6": "networkerror", "4.4.6": "networkerror", "5.4.7": "expired", "4.4.7": "expired",
	"5.5.1": "syntaxerror", "5.5.2": "syntaxerror", "5.5.3": "toomanyconn", "4.5.3": "toomanyconn", "5.5.4": "syntaxerror", "5.5.5": "syntaxerror",
	"5.6.0": "contenterror", "5.6.1": "contenterror", "5.6.2": "contenterror", "5.6.3": "contenterror", "5.6.6": "contenterror", "5.6.7": "contenterror", "5.6.9": "contenterror",
	"5.7.0": "securityerror", "5.7.1": "securityerror", "5.7.2": "securityerror", "5.7.3": "securityerror", "5.7.4": "securityerror", "5.7.5": "securityerror", "5.7.6": "securityerror", "5.7.7": "securityerror",
	"5.7.8": "securityerror", "5.7.9": "securityerror", "5.7.10": "failedstarttls", "5.7.13": "suspend", "5.7.20": "authfailure", "5.7.21": "authfailure", "5.7.22": "authfailure", "5.7.23": "authfailure",
	"5.7.24": "authfailure", "5.7.25": "requireptr", "4.7.25": "requireptr", "5.7.26": "authfailure", "4.7.26": "authfailure", "5.7.27": "notaccept", "5.7.28": "toomanyconn", "5.7.29": "authfailure", "5.7.30": "authfailure",
	"4.7.0": "badreputation", "4.7.1": "blocked", "4.7.5": "securityerror", "5.7.64": "norelaying", "5.7.509": "authfailure", "5.7.511": "blocked", "5.7.515": "authfailure",
}

// statusClass returns the reason for the codes of a subject that are not in the table.
func statusClass(status string) string {
	switch {
	case strings.HasPrefix(status, "5.7.6") && len(status) > len("5.7.6"), strings.HasPrefix(status, "5.7.7") && len(status) > len("5.7.7"):
		return "blocked" // Exchange Online: 5.7.606 to 5.7.750
	case strings.HasPrefix(status, "5.7."):
		return "securityerror"
	case strings.HasPrefix(status, "5.6."):
		return "contenterror"
	case strings.HasPrefix(status, "4.4."):
		return "expired"
	default:
		return ""
	}
}
