package mail

import "strings"

// Limits on the text of a bounce.
const (
	transcriptLines = 400  // lines that are read
	transcriptLine  = 1000 // bytes of one line
	saidLimit       = 4096 // bytes kept of what is said about one recipient
)

// An account is what a bounce's text says about one recipient.
type account struct {
	address string
	said    strings.Builder
}

func (a *account) add(line string) {
	if a.said.Len() < saidLimit {
		a.said.WriteString(line)
		a.said.WriteByte('\n')
	}
}

// A transcript is a bounce's text as far as it speaks of its own, read without knowing which server wrote it: headings
// name recipients, and what stands below each is said about that one.
type transcript struct {
	own      map[string]bool // addresses the bounce was sent to
	accounts []*account
	common   account // what is said before the first heading, or of nobody
	weak     string  // the first address anywhere else
	returned string  // the text from where the returned mail begins
	pending  account // the lines of a dialogue that the next "550 <jane@example.org>... User unknown" sums up
	closed   bool    // the last account has been summed up: what follows is not about it
}

// readText reads m.Text as a transcript.
func (m *Mail) readText() *transcript {
	t := &transcript{own: map[string]bool{}}
	for _, a := range m.To {
		t.own[strings.ToLower(a.Email)] = true
	}
	rest := m.Text
	for range transcriptLines {
		if rest == "" {
			break
		}
		line, after, _ := strings.Cut(rest, "\n")
		line = clip(line, transcriptLine)
		if returnedBegins(strings.TrimSpace(line)) {
			t.returned = rest
			break
		}
		t.line(line)
		rest = after
	}
	return t
}

// line takes one line of the text.
func (t *transcript) line(line string) {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		return
	}
	address, heading := headingIn(trimmed)
	if address != "" && t.sums(address, trimmed) {
		a := t.account(address)
		a.add(t.pending.said.String() + trimmed)
		t.pending, t.closed = account{}, true
		return
	}
	if address != "" && (heading || t.known(address)) {
		t.account(address).add(trimmed)
		t.pending, t.closed = account{}, false
		return
	}
	if a := addressIn(trimmed); a != "" && t.weak == "" && !t.own[strings.ToLower(a)] && !aboutSender(trimmed) {
		t.weak = a
	}
	t.common.add(trimmed)
	if n := len(t.accounts); n > 0 && !t.closed {
		t.accounts[n-1].add(trimmed)
	}
	t.pending.add(trimmed)
}

// sums reports whether a line is Sendmail's last word on one recipient: "550 5.1.1 <jane@example.org>... User unknown".
func (t *transcript) sums(address, line string) bool {
	code, status, at := saidCodes(line)
	return at == 0 && (code != "" || status != "") && !t.own[strings.ToLower(address)] && strings.Contains(line, "... ")
}

func (t *transcript) known(address string) bool {
	for _, a := range t.accounts {
		if strings.EqualFold(a.address, address) {
			return true
		}
	}
	return false
}

// account returns the account of an address, a new one the first time.
func (t *transcript) account(address string) *account {
	for i, a := range t.accounts {
		if strings.EqualFold(a.address, address) {
			// Move it last: what follows is said about this one.
			t.accounts = append(append(t.accounts[:i:i], t.accounts[i+1:]...), a)
			return a
		}
	}
	a := &account{address: address}
	if len(t.accounts) < recipientLimit {
		t.accounts = append(t.accounts, a)
	}
	return a
}

// headingIn returns the first address of a line, and whether the line is a heading, which names the recipient that what
// follows is about: "<jane@example.org>:", "  jane@example.org", "Recipient: [SMTP:jane@example.org]".
func headingIn(line string) (address string, heading bool) {
	address = addressIn(line)
	if address == "" {
		return "", false
	}
	bare := strings.TrimLeft(line, "*-•·> \t")
	at := strings.Index(bare, address)
	if at < 0 {
		return address, false
	}
	before, after := strings.ToLower(strings.Trim(bare[:at], "<[(\"' \t")), strings.TrimLeft(bare[at+len(address):], ">])\"'")
	switch {
	case before == "":
		return address, after == "" || strings.HasPrefix(after, ":") || strings.HasPrefix(after, " [") || strings.HasPrefix(after, ",") || strings.HasPrefix(after, ";") || strings.HasPrefix(after, "(") ||
			strings.HasPrefix(after, ", ") || strings.HasPrefix(after, "... ") || strings.HasPrefix(after, " on ") || strings.HasPrefix(after, "\t") || strings.HasPrefix(after, " (") ||
			strings.HasPrefix(after, " Invalid") || strings.HasPrefix(after, " Error") || after == "."
	default:
		label, _, ok := strings.Cut(before, ":")
		return address, ok && recipientLabels[strings.TrimSpace(label)] || recipientLabels[strings.TrimRight(before, ": ")]
	}
}

// recipientLabels stand before the address that a bounce is about, in lower case.
var recipientLabels = phrases(`recipient|recipients|failed recipient|final-recipient|original-recipient|recipient address|unknown user|unknown users|user unknown|
	failed addresses|failed address|address|mailbox|user|no such user|the following recipients|to recipient|undeliverable to|undelivered to|delivery failed to|delivery to|
	could not be delivered to|could not deliver to|your message to|unable to deliver message to|there was an error delivering your mail to|rcpt to|mail to|invalid recipient|
	invalid address|account|empfänger|destinataire|destinatario|destinatário|収件人|宛先|受信者|收件人|收件者|получатель|odbiorca|ontvanger|mottagare`)

// aboutSender reports whether a line names the sender, a postmaster to ask, or a trace field.
func aboutSender(line string) bool {
	lower := strings.ToLower(line)
	for _, w := range []string{"from:", "from <", "mail from", "sender", "postmaster", "contact", "received", "message-id", "reply-to", "return-path", "mailto:", "x-"} {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

// returnedBegins reports whether the returned message begins at line.
func returnedBegins(line string) bool {
	if strings.HasPrefix(line, "Received: ") || strings.HasPrefix(line, "Return-Path: ") || strings.HasPrefix(line, "Return-path: ") ||
		strings.HasPrefix(line, "X-Received: ") || strings.HasPrefix(line, "Message-ID: ") || strings.HasPrefix(line, "Message-Id: ") {
		return true
	}
	if len(line) > 120 {
		return false
	}
	lower := strings.ToLower(strings.Trim(line, "-=_*. :"))
	ruled := strings.HasPrefix(line, "--") || strings.HasPrefix(line, "==") || strings.HasPrefix(line, "__")
	for _, p := range returnedMarks {
		if strings.HasPrefix(lower, p) && (ruled || len(lower) < len(p)+12) {
			return true
		}
	}
	return ruled && (strings.Contains(lower, "copy of the message") || strings.Contains(lower, "copy of your message") || strings.Contains(lower, "original message"))
}

// returnedMarks begin the line above the mail that a bounce returns, in lower case.
var returnedMarks = []string{
	"original message follows", "original message", "original mail", "unsent message follows", "message header follows", "message headers follow", "message text follows",
	"returned message", "below this line is a copy of the message", "this is a copy of the message", "this is a copy of your message", "the original message", "header of the original message", "original headers",
	"copy of the message", "included is a copy", "message source", "undelivered message follows", "ursprüngliche nachricht", "message d'origine", "mensaje original", "messaggio originale", "mensagem original",
	"the header of the original message", "the body of the original message", "text of your message", "元のメール", "元のメッセージ", "以下は元のメール", "original message details", "исходное сообщение",
}

// addressIn returns the first address in line, or "".
func addressIn(line string) string {
	for at := strings.IndexByte(line, '@'); at >= 0; {
		start, end := at, at+1
		for start > 0 && at-start < 320 && !endsAddress(line[start-1]) {
			start--
		}
		for end < len(line) && end-at < 256 && !endsAddress(line[end]) {
			end++
		}
		word := strings.Trim(line[start:end], ".")
		if i := strings.LastIndexByte(word, '@'); i > 0 && strings.IndexByte(word[i:], '.') > 0 && strings.LastIndexByte(word, '/') < 0 {
			return cleanEmail(word)
		}
		next := strings.IndexByte(line[end:], '@')
		if next < 0 {
			return ""
		}
		at = end + next
	}
	return ""
}

func endsAddress(c byte) bool {
	return c <= ' ' || strings.IndexByte("<>()[],;:\"'=|`{}", c) >= 0 || c >= 0x80
}
