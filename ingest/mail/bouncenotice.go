package mail

import (
	"encoding/json"
	"strings"
)

// A notification is what Amazon SES reports by mail about mail sent through it: a JSON document as the text.
type notification struct {
	Type   string `json:"notificationType"`
	Event  string `json:"eventType"`
	Bounce struct {
		Type       string `json:"bounceType"`
		SubType    string `json:"bounceSubType"`
		Recipients []struct {
			Address    string `json:"emailAddress"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Type       string `json:"complaintFeedbackType"`
		Recipients []struct {
			Address string `json:"emailAddress"`
		} `json:"complainedRecipients"`
	} `json:"complaint"`
	Delivery struct {
		Recipients []string `json:"recipients"`
		Response   string   `json:"smtpResponse"`
	} `json:"delivery"`
	Mail struct {
		Destination []string `json:"destination"`
		Headers     []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"mail"`
}

// notificationLimit bounds the document that is read.
const notificationLimit = 256 << 10

// notified returns the notification that m's text is, if it is one: bare, or inside the document of Amazon SNS.
func (m *Mail) notified() (n notification, ok bool) {
	text := strings.TrimLeft(m.Text, " \r\n\t")
	if !strings.HasPrefix(text, "{") || !strings.Contains(clip(text, notificationLimit), `notificationType`) {
		return n, false
	}
	text = clip(text, notificationLimit)
	var outer struct{ Message string }
	if decodeWrapped(text, &outer) && outer.Message != "" {
		text = outer.Message
	}
	return n, decodeWrapped(text, &n) && n.Type != ""
}

// decodeWrapped reads a JSON document, in which a mail server may have broken long lines.
func decodeWrapped(text string, into any) bool {
	for _, wrap := range []string{"", "\n ", "\n"} {
		t := text
		if wrap != "" {
			t = strings.ReplaceAll(text, wrap, "")
		}
		if json.NewDecoder(strings.NewReader(t)).Decode(into) == nil {
			return true
		}
	}
	return false
}

// readNotification fills in m.Automatic from a notification.
func (m *Mail) readNotification() bool {
	n, ok := m.notified()
	if !ok {
		return false
	}
	a := &m.Automatic
	add := func(r Recipient) {
		r.Address = cleanEmail(r.Address)
		r.Diagnostic = Clean(clip(squeeze(r.Diagnostic), maxDiagnostic))
		if len(a.Recipients) < recipientLimit {
			a.Recipients = append(a.Recipients, r)
		}
	}
	for _, b := range n.Bounce.Recipients {
		r := Recipient{Address: b.Address, Status: statusCode(b.Status), Diagnostic: afterType(b.Diagnostic)}
		r.explain("")
		add(r)
	}
	for _, c := range n.Complaint.Recipients {
		add(Recipient{Address: c.Address, Reason: "feedback", Diagnostic: n.Complaint.Type})
	}
	for _, to := range n.Delivery.Recipients {
		add(deliveredTo(to, n.Delivery.Response))
	}
	for _, h := range n.Mail.Headers {
		if strings.EqualFold(h.Name, "Message-ID") {
			a.Original = Clean(firstID(h.Value))
		}
	}
	return true
}

// deliveredTo is the recipient of a mail that has arrived, with what the server said, such as "250 2.6.0 queued".
func deliveredTo(address, said string) Recipient {
	r := Recipient{Address: address, Reason: "delivered", Diagnostic: said}
	if fields := strings.Fields(said); len(fields) > 1 && len(fields[0]) == 3 {
		r.ReplyCode, r.Status = clip(Clean(fields[0]), 3), statusCode(fields[1])
	}
	return r
}
