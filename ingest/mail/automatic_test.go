package mail

import (
	"strings"
	"testing"
)

func TestAutomaticKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, kind string }{
		{"a person", "From: jane@example.org\nSubject: Lamp\n\nWhere is it?", ""},
		{"a person who says no", "From: jane@example.org\nAuto-Submitted: no\nSubject: Lamp\n\nx", ""},
		{"a person about a bounce", "From: jane@example.org\nSubject: Undeliverable: Lamp\n\nWhat does this mean?", ""},
		{"a person about an absence", "From: jane@example.org\nSubject: Re: Automatic reply: Lamp\n\nx", ""},
		{"vacation by header", "From: jane@example.org\nAuto-Submitted: auto-replied (vacation)\nSubject: Re: Lamp\n\nx", KindAutoReply},
		{"vacation by subject", "From: jane@example.org\nSubject: Automatische Antwort: Lampe\n\nx", KindAutoReply},
		{"vacation, Japanese", "From: jane@example.org\nSubject: =?utf-8?b?6Ieq5YuV5b+c562U?=: x\n\nx", KindAutoReply},
		{"vacation of a program", "From: jane@example.org\nPrecedence: auto_reply\nSubject: x\n\nx", KindAutoReply},
		{"challenge", "From: jane@example.org\nX-Boxtrapper: abc\nSubject: Your email requires verification verify#abc\n\nx", KindAutoReply},
		{"list", "From: jane@example.org\nList-Id: <lamps.example.org>\nSubject: x\n\nx", KindList},
		{"bulk", "From: jane@example.org\nPrecedence: bulk\nSubject: x\n\nx", KindList},
		{"receipt", "From: jane@example.org\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\nSubject: Read: Lamp\n\n--b\n\nread\n--b\n" +
			"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; jane@example.org\nOriginal-Message-ID: <1@example.com>\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--\n", KindReceipt},
		{"feedback", "From: fbl@example.org\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\nSubject: abuse\n\n--b\n\nx\n--b\n" +
			"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <jane@example.org>\n--b--\n", KindFeedback},
	} {
		m, err := Parse([]byte(c.raw), Budget{})
		if err != nil || m.Automatic.Kind != c.kind {
			t.Errorf("%s: kind %q, error %v, want %q", c.name, m.Automatic.Kind, err, c.kind)
		}
		if c.kind == KindReceipt && (m.Automatic.Original != "1@example.com" || len(m.Automatic.Recipients) != 1) {
			t.Errorf("%s: %+v", c.name, m.Automatic)
		}
	}
}

// TestBounceDialects reads bounces without a machine-readable part, as servers of many kinds write them.
func TestBounceDialects(t *testing.T) {
	t.Parallel()
	const head = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: help@example.net\nSubject: failure notice\nContent-Type: text/plain; charset=utf-8\n\n"
	for _, c := range []struct{ name, text, want string }{
		{"qmail", "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<jane@example.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 <jane@example.org>: Recipient address rejected: User unknown\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <help@example.net>\nMessage-ID: <1@example.net>\nTo: jane@example.org\n\n",
			"jane@example.org 5.1.1 550 userunknown hard"},
		{"qmail, local", "Hi. This is the qmail-send program at mx.example.net.\n\n<jane@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <1@example.net>\n", "jane@example.org 5.1.1  userunknown hard"},
		{"Exim", "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  jane@example.org\n    SMTP error from remote mail server after RCPT TO:<jane@example.org>:\n    host mx.example.org [192.0.2.1]: 552 5.2.2 Mailbox full\n\n------ This is a copy of the message, including all the headers. ------\n\nMessage-ID: <1@example.net>\n",
			"jane@example.org 5.2.2 552 mailboxfull soft"},
		{"Postfix", "This is the mail system at host mx.example.net.\n\n<jane@example.org>: connect to mx.example.org[192.0.2.1]:25: Connection timed out\n", "jane@example.org   expired soft"},
		{"Sendmail", "   ----- The following addresses had permanent fatal errors -----\n<jane@example.org>\n    (reason: 554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.spamhaus.org)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.org.:\n>>> DATA\n<<< 554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.spamhaus.org\n", "jane@example.org 5.7.1 554 blocked soft"},
		{"Sendmail, two", "   ----- Transcript of session follows -----\n... while talking to mx.example.org.:\n>>> RCPT To:<jane@example.org>\n<<< 550 no such user here\n550 5.1.1 <jane@example.org>... User unknown\n>>> RCPT To:<joe@example.org>\n<<< 452 4.2.2 over quota\n452 4.2.2 <joe@example.org>... Deferred: mailbox full\n",
			"jane@example.org 5.1.1 550 userunknown hard|joe@example.org 4.2.2 452 mailboxfull soft"},
		{"Exchange", "Your message did not reach some or all of the intended recipients.\n\n      Subject:\tLamp\n\nThe following recipient(s) could not be reached:\n\n      jane@example.org on 2/3/2016 12:34 PM\n            The e-mail account does not exist at the organization this message was sent to.\n            <mx.example.org #5.1.1 smtp;550 5.1.1 User unknown>\n", "jane@example.org 5.1.1 550 userunknown hard"},
		{"Gmail", "** Address not found **\n\nYour message wasn't delivered to jane@example.org because the address couldn't be found, or is unable to receive mail.\n\nThe response was:\n550 5.1.1 The email account that you tried to reach does not exist.\n", "jane@example.org 5.1.1 550 userunknown hard"},
		{"Yahoo", "Sorry, we were unable to deliver your message to the following address.\n\n<jane@example.org>:\n554: delivery error: dd This user doesn't have a yahoo.com account (jane@example.org) [0] - mta.example.org\n\n--- Below this line is a copy of the message.\n", "jane@example.org  554 userunknown hard"},
		{"Notes", "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\njane@example.org\n\n------- Returned Message --------\n\nReceived: from x\n", "jane@example.org   userunknown hard"},
		{"GroupWise", "The message that you sent was undeliverable to the following:\n\tjane@example.org (550 mailbox unavailable)\n", "jane@example.org  550 userunknown hard"},
		{"MailEnable", "MailEnable: Message Delivery Failure.\n\nThe following recipient(s) could not be reached:\n\n[SMTP:jane@example.org]: Remote SMTP Server Returned: 550 Relaying denied\n", "jane@example.org  550 norelaying soft"},
		{"greylisted", "<jane@example.org>: host mx.example.org[192.0.2.1] said: 450 4.7.1 Greylisted, try again later\n", "jane@example.org 4.7.1 450 blocked soft"},
		{"too big", "<jane@example.org>: host mx.example.org[192.0.2.1] said: 552 5.3.4 Message size exceeds fixed limit\n", "jane@example.org 5.3.4 552 mesgtoobig soft"},
		{"no such host", "<jane@nohost.example>: Host or domain name not found. Name service error for name=nohost.example type=A: Host not found\n", "jane@nohost.example   hostunknown hard"},
		{"DMARC", "<jane@example.org>: host mx.example.org[192.0.2.1] said: 550 5.7.26 This mail is unauthenticated, which poses a security risk; DMARC policy of reject\n", "jane@example.org 5.7.26 550 authfailure soft"},
		{"to oneself", "<help@example.net>:\nRemote host said: 552 5.2.2 over quota\n", "help@example.net 5.2.2 552 mailboxfull soft"},
		{"no address", "Your mail could not be delivered: 550 no such user\n\n----- Original message -----\nFrom: help@example.net\nTo: Jane <jane@example.org>\nMessage-ID: <1@example.net>\n", "jane@example.org  550 userunknown hard"},
	} {
		m, err := Parse([]byte(head+c.text), Budget{})
		if err != nil || m.Automatic.Kind != KindBounce {
			t.Errorf("%s: kind %q, error %v", c.name, m.Automatic.Kind, err)
		}
		var got []string
		for _, r := range m.Automatic.Recipients {
			got = append(got, strings.Join([]string{r.Address, r.Status, r.ReplyCode, r.Reason, map[bool]string{true: "hard", false: "soft"}[r.Hard]}, " "))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: recipients %q, want %q", c.name, s, c.want)
		}
		if strings.Contains(c.text, "<1@example.net>") && m.Automatic.Original != "1@example.net" {
			t.Errorf("%s: original %q, want the id of the returned mail", c.name, m.Automatic.Original)
		}
	}
}

func TestSaidCodes(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"":                              " ",
		"550 5.1.1 User unknown":        "550 5.1.1",
		"550-5.1.1 User\n550 5.1.1 x":   "550 5.1.1",
		"smtp;550 #5.1.1 x":             "550 5.1.1",
		"550 550 5.1.1 x":               "550 5.1.1",
		"5.1.0 - error 550-'5.7.1 x":    "550 5.7.1",
		"said: 421 4.4.2 timeout":       "421 4.4.2",
		"x. (#5.4.4)":                   " 5.4.4",
		"at 192.0.2.550 and 5.1.1.9":    " ",
		"[192.0.2.1]:550 closed":        " ",
		"on 4/29/01 11:34:45 PM":        " ",
		"version 5.1.1b of 4.0.0/x":     " ",
		"250 2.0.0 Ok":                  " ",
		"554: delivery error":           "554 ",
		"<jane@example.org>: 552 quota": "552 ",
		"call 555-1234 or 550":          "550 ",
	} {
		code, status, _ := saidCodes(said)
		if got := code + " " + status; got != want {
			t.Errorf("saidCodes(%q) = %q, want %q", said, got, want)
		}
	}
}

// FuzzAutomatic holds what is made of automatic mail to the promises of [Parse] and to its limits.
func FuzzAutomatic(f *testing.F) {
	for _, raw := range written(f) {
		f.Add(string(raw))
	}
	f.Add("Return-Path: <>\nFrom: MAILER-DAEMON\n\n<jane@example.org>:\n550 5.1.1 <joe@example.org>... User unknown\n--- Below this line is a copy of the message.\nTo: x@y.example\n")
	f.Add("From: postmaster@x.example\nSubject: Undeliverable\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b.example\nStatus: 4.2.2\nDiagnostic-Code: smtp; 452 4.2.2 full\n--b--\n")
	f.Add("From: no-reply@sns.example\nSubject: x\n\n" + `{"Type":"Notification","Message":"{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{\"emailAddress\":\"a@b.example\",\"status\":\"5.1.1\"}]}}"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := Parse([]byte(raw), Budget{})
		if err != nil {
			return
		}
		if problem := unsound(m); problem != "" {
			t.Fatal(problem)
		}
		if n := len(m.Automatic.Recipients); n > recipientLimit {
			t.Fatalf("%d recipients, more than %d", n, recipientLimit)
		}
		for _, r := range m.Automatic.Recipients {
			if len(r.Diagnostic) > maxDiagnostic || r.Status != "" && statusCode(r.Status) != r.Status || r.ReplyCode != "" && len(r.ReplyCode) != 3 {
				t.Fatalf("recipient %+v", r)
			}
		}
	})
}
