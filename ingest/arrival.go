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
	if len(from.Email) > tickets.MaxAddress {
		from.Email = "" // nobody can be written to there; the message's row and the raw mail have it
	}
	return tickets.Arrival{
		MessageID: j.id, MailboxID: j.mailbox, At: j.receivedAt, Subject: j.subject(),
		FromName: from.Name, FromEmail: from.Email,
		Others: j.others(), SentTo: j.sentTo(), Text: j.mail.Text,
		MailID: j.mail.MessageID, InReplyTo: j.mail.InReplyTo, References: j.mail.References,
		Automatic: j.mail.Automatic.Kind, Original: j.mail.Automatic.Original, Ours: j.ours(),
	}
}

// sentTo are all addresses that a message was sent to, the envelope's first.
func (j *job) sentTo() []string {
	list := []string{strings.ToLower(j.envelope.RcptTo)}
	for _, a := range slices.Concat(j.mail.To, j.mail.Cc) {
		list = append(list, strings.ToLower(a.Email))
	}
	return list
}

// untagged is an address without what stands behind a plus in its local part (RFC 5233).
func untagged(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	base, _, _ := strings.Cut(local, "+")
	return base + "@" + domain
}

// others are the addresses that a message was sent to besides our own.
func (j *job) others() []string {
	var list []string
	own := untagged(j.envelope.RcptTo)
	for _, a := range slices.Concat(j.mail.To, j.mail.Cc) {
		email := strings.ToLower(a.Email)
		if email == "" || len(email) > tickets.MaxAddress || strings.ContainsFunc(email, unicode.IsSpace) || untagged(email) == own {
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
