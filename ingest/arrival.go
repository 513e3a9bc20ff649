package ingest

import (
	"slices"
	"strings"
	"unicode"

	"postroom/ingest/mail"
	"postroom/tickets"
)

// maxSubject bounds a subject on a row, in bytes; the whole is in the raw mail.
const maxSubject = 998

func (j *job) arrival() tickets.Arrival {
	from := j.sender()
	from.Email = strings.ToLower(from.Email)
	return tickets.Arrival{
		MessageID: j.id, MailboxID: j.mailbox, At: j.receivedAt, Subject: j.subject(),
		FromName: from.Name, FromEmail: from.Email,
		Others: j.others(), MailID: j.mail.MessageID, InReplyTo: j.mail.InReplyTo, References: j.mail.References,
		Ours: j.ours(),
	}
}

// others are the addresses that a message was sent to besides our own.
func (j *job) others() []string {
	var list []string
	for _, a := range slices.Concat(j.mail.To, j.mail.Cc) {
		email := strings.ToLower(a.Email)
		if email == "" || len(email) > tickets.MaxAddress || strings.ContainsFunc(email, unicode.IsSpace) || strings.EqualFold(email, j.envelope.RcptTo) {
			continue
		}
		if list = append(list, email); len(list) == tickets.MaxOthers {
			break
		}
	}
	return list
}

// sender is whom a message is from, as it says itself; its envelope when it says
// nothing.
func (j *job) sender() mail.Address {
	if j.mail != nil && len(j.mail.From) > 0 {
		return j.mail.From[0]
	}
	return mail.Address{Email: j.envelope.MailFrom}
}

func (j *job) subject() string {
	if j.mail == nil {
		return ""
	}
	return clip(j.mail.Subject, maxSubject)
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
