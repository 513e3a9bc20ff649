package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
	"unicode"

	"postroom/ingest"
	"postroom/tickets"
)

// funcs are what templates may call: how things are put into words and figures.
var funcs = template.FuncMap{
	"when": when, "clock": clock, "fullTime": fullTime, "iso": iso, "took": took, "size": size, "count": count, "plural": plural,
	"person": person, "initials": initials, "tint": tint, "subject": subject,
	"causeWords": causeWords, "stageWords": stageWords, "statusWords": statusWords, "evidenceWords": evidenceWords, "relatedWords": relatedWords,
	"doorWords": doorWords, "restWords": restWords, "refusalWords": refusalWords, "percent": percent, "deref": deref[string], "query": url.QueryEscape,
}

// iso is for machines.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// fullTime is for people who want to know exactly.
func fullTime(t time.Time) string { return t.UTC().Format("Monday, 2 January 2006, 15:04:05 UTC") }

// when is for people who glance at a list.
func when(t time.Time) string { return whenAt(t.UTC(), time.Now().UTC()) }

func whenAt(t, now time.Time) string {
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan, 15:04")
	default:
		return t.Format("2 Jan 2006")
	}
}

// clock is for the steps of one message, which are close together.
func clock(t time.Time) string { return t.UTC().Format("2 Jan, 15:04:05") }

// took is how long something lasted.
func took(micros int64) string {
	d := time.Duration(micros) * time.Microsecond
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", micros)
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(micros)/1e3)
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 999_500:
		return fmt.Sprintf("%.3g kB", float64(n)/1e3)
	case n < 999_500_000:
		return fmt.Sprintf("%.3g MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.3g GB", float64(n)/1e9)
	}
}

// count groups digits by a narrow space, which reads the same in every language.
// It takes any integer.
func count(n any) string {
	s := fmt.Sprint(n)
	digits := strings.TrimPrefix(s, "-")
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(s, digits))
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func plural(n any, one, many string) string {
	if fmt.Sprint(n) == "1" {
		return "1 " + one
	}
	return count(n) + " " + many
}

// person is what to call somebody.
func person(name, email string) string {
	switch {
	case name != "":
		return name
	case email != "":
		return email
	}
	return "Unknown sender"
}

// initials stand for somebody where there is little room.
func initials(name, email string) string {
	var out []rune
	for _, w := range strings.Fields(person(name, email)) {
		for _, r := range w {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				out = append(out, unicode.ToUpper(r))
				break
			}
		}
		if len(out) == 2 || strings.Contains(w, "@") {
			break
		}
	}
	if len(out) == 0 {
		return "?"
	}
	return string(out)
}

// tint picks one of the eight tints for somebody, always the same.
func tint(email string) string {
	sum := uint32(2166136261)
	for _, c := range []byte(strings.ToLower(email)) {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return fmt.Sprintf("tint-%d", sum%8)
}

func subject(s string) string {
	if strings.TrimSpace(s) == "" {
		return "(no subject)"
	}
	return s
}

func deref[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}

// percent keeps more digits where a probability is nearly certain.
func percent(p float64) string {
	if p > 0.99 && p < 1 {
		return fmt.Sprintf("%.5g %%", 100*p)
	}
	return fmt.Sprintf("%.3g %%", 100*p)
}

// fileWords calls an attachment something that has no name.
func fileWords(contentType string) string {
	switch kind, _, _ := strings.Cut(contentType, "/"); {
	case contentType == "message/rfc822":
		return "Attached message"
	case contentType == "message/delivery-status":
		return "Delivery status"
	case contentType == "text/calendar":
		return "Invitation"
	case kind == "image":
		return "Picture"
	}
	return "File without a name"
}

// causeWords says in words why a message is where it is.
func causeWords(c *ingest.Cause) string {
	switch deref(c) {
	case ingest.CauseSpam:
		return "Looks like spam"
	case ingest.CauseOverBudget:
		return "Too costly to read"
	case ingest.CauseRetry:
		return "Waits for another attempt"
	case ingest.CauseError:
		return "Could not be processed"
	case "":
		return ""
	}
	return string(*c)
}

func stageWords(s ingest.Stage) string {
	switch s {
	case ingest.Received, ingest.Parsed, ingest.Scored:
		return "On its way"
	case ingest.Filed:
		return "On a ticket"
	case ingest.Held:
		return "Held"
	case ingest.Duplicate:
		return "Duplicate"
	case ingest.Failed:
		return "Failed"
	}
	return string(s)
}

func statusWords(s tickets.Status) string {
	switch s {
	case tickets.Open:
		return "Open"
	case tickets.Pending:
		return "Pending"
	case tickets.Closed:
		return "Closed"
	}
	return string(s)
}

// evidenceWords says why a message is on its ticket.
func evidenceWords(e tickets.Evidence) string {
	switch e {
	case tickets.Opened:
		return "Opened this ticket: it refers to no earlier message"
	case tickets.InReplyTo:
		return "Joined: it answers a message of this ticket"
	case tickets.References:
		return "Joined: it refers to this conversation"
	case tickets.Parent:
		return "Joined: messages of this ticket refer to it"
	case tickets.ReplyAddress:
		return "Joined: it was sent to this ticket's own reply address"
	case tickets.About:
		return "Joined: it reports on a message of this ticket"
	case tickets.BodyMarker:
		return "Joined: it quotes a mail that we sent about this ticket"
	case tickets.Number:
		return "Joined: its subject names this ticket, and its sender takes part in it"
	case tickets.Subject:
		return "Joined: it has this ticket's subject, and its sender takes part in it"
	case tickets.Moved:
		return "Put on this ticket by a person"
	}
	return string(e)
}

// relatedWords says why another ticket may have to do with this one.
func relatedWords(reason string) string {
	switch tickets.Evidence(reason) {
	case tickets.SameMail:
		return "the same mail was received there"
	case tickets.Number:
		return "a subject names its number"
	case tickets.Subject:
		return "it has the same subject"
	case tickets.BodyMarker:
		return "a mail about it is quoted"
	}
	return "a message refers to it"
}

// restWords says what messages wait for that rest in a stage.
func restWords(s ingest.Stage) string {
	switch s {
	case ingest.Received:
		return "to be read"
	case ingest.Parsed:
		return "to be rated"
	}
	return "to be filed"
}

func doorWords(door string) string {
	switch door {
	case ingest.DoorSMTP:
		return "SMTP"
	case ingest.DoorLMTP:
		return "LMTP"
	case ingest.DoorAPI:
		return "the API"
	case ingest.DoorImport:
		return "import"
	case ingest.DoorIMAP:
		return "IMAP"
	}
	return door
}

// refusalWords says why an offer was turned away.
func refusalWords(cause string) string {
	switch cause {
	case "too_large":
		return "too large"
	case "too_much_at_once":
		return "too much at once"
	case "not_stored":
		return "could not be stored in time"
	case "database_away", "queue_long", "disk_low":
		return busyWords(cause)
	}
	return strings.ReplaceAll(cause, "_", " ")
}
