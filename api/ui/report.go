package ui

import "postroom/ingest"

// A report is what a bounce says of one recipient.
type report struct {
	Address string
	Words   string // why, in a sentence
	Hard    bool   // trying again does not help
	Failed  bool
	Status  string
	Reply   string
	Said    string // by the server
}

// reportsOf are the deliveries that a bounce or a complaint is about.
func reportsOf(c ingest.Content) (list []report, more int) {
	if k := c.Automatic.Kind; k != "bounce" && k != "feedback" {
		return nil, 0
	}
	for i, r := range c.Automatic.Recipients {
		if i == maxReports {
			return list, len(c.Automatic.Recipients) - i
		}
		list = append(list, report{
			Address: r.Address, Words: reasonWords(r.Reason), Hard: r.Hard, Failed: r.Reason != "delivered" && r.Reason != "feedback",
			Status: r.Status, Reply: r.ReplyCode, Said: r.Diagnostic,
		})
	}
	return list, 0
}

func automaticWords(kind string) string {
	switch kind {
	case "bounce":
		return "Delivery report"
	case "feedback":
		return "Abuse report"
	case "auto-reply":
		return "Automatic reply"
	case "receipt":
		return "Read receipt"
	case "list":
		return "List or bulk mail"
	}
	return kind
}

// reasons say in words why mail did not arrive (docs/replies.md).
var reasons = map[string]string{
	"userunknown": "There is no such mailbox.",
	"hostunknown": "There is no such mail domain.",
	"hasmoved":    "The mailbox has moved to another address.",
	"mailboxfull": "The mailbox is full.",
	"suspend":     "The mailbox is suspended or not in use.",
	"filtered":    "Its owner does not take mail from us.",
	"exceedlimit": "The mail is larger than this mailbox takes.",
	"notaccept":   "The domain does not take mail.",

	"blocked":       "Their server blocks our server's address.",
	"badreputation": "Their server mistrusts our server for its reputation.",
	"requireptr":    "Their server wants a reverse DNS entry for ours.",
	"authfailure":   "The mail failed their check of its sender (SPF, DKIM or DMARC).",
	"rejected":      "Their server does not take mail from this sender.",
	"norelaying":    "The server asked does not deliver mail for this address.",
	"speeding":      "We sent too much in too short a time.",
	"toomanyconn":   "Our server had too many connections to theirs.",

	"spamdetected":    "Their filter took the mail for spam.",
	"virusdetected":   "Their scanner found a virus in the mail.",
	"policyviolation": "The mail is against a policy of their server.",
	"securityerror":   "Their server refused the mail for its security.",
	"mesgtoobig":      "The mail is too large for their server.",
	"contenterror":    "Their server could not take what is in the mail.",
	"notcompliantrfc": "Their server found the mail badly formed.",

	"networkerror":   "Their server could not be reached.",
	"expired":        "It was tried until time ran out.",
	"systemerror":    "Their server had a fault.",
	"systemfull":     "Their server has no room.",
	"mailererror":    "The program that delivers their mail failed.",
	"syntaxerror":    "The servers did not understand each other.",
	"failedstarttls": "No encrypted connection could be made.",

	"feedback":  "The reader complained about the mail.",
	"delivered": "The mail has arrived.",
	"onhold":    "Refused without a reason.",
	"undefined": "No reason was given.",
}

func reasonWords(reason string) string {
	if words, ok := reasons[reason]; ok {
		return words
	}
	return reason
}
