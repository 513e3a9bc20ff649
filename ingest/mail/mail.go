package mail

import (
	"strings"
	"time"
)

// A Mail is a message as it can be read. Every string in it is valid UTF-8 without NUL, and text has LF line endings.
type Mail struct {
	Subject    string
	From       []Address
	Sender     []Address
	ReplyTo    []Address
	To         []Address
	Cc         []Address
	Date       time.Time // what the sender's clock said; zero when absent or unreadable
	MessageID  string    // without angle brackets
	InReplyTo  []string  // message ids without angle brackets, in order, each once
	References []string  // likewise

	// Text is the best readable text: the text/plain bodies, and where there are none, text made from the HTML.
	Text string

	// HTML is the HTML body in UTF-8, exactly as the sender wrote it. It is NOT SANITISED: scripts, trackers and forms are
	// still in it, so it must never reach a browser or a template as it is.
	HTML string

	Parts     []Part  // every leaf, bodies included, in order
	Header    []Field // every field of the message's own header, in order
	Automatic Automatic
	Defects   []Defect // what was wrong, in the order of its discovery
}

// Parse reads a message. It never fails on bad mail: it degrades, and records [Mail.Defects]. The only error is a
// [*BudgetError]; the Mail returned with it holds what was read until then, at least the header, so that the message
// can be shown with its subject and sender where it is held.
//
// The Mail keeps slices of raw, which must not change as long as the Mail or one of its Parts is in use.
func Parse(raw []byte, b Budget) (*Mail, error) {
	b = b.withDefaults()
	m := new(Mail)
	w := walker{m: m, budget: b}
	w.begin(raw)
	m.envelope()
	if w.err == nil && int64(len(raw)) > b.Bytes {
		w.err = &BudgetError{Limit: LimitBytes, Max: b.Bytes, Got: int64(len(raw))}
	}
	if w.err == nil {
		w.walk()
		w.bodies() // of what the walk has found, even if the budget ended it
	}
	m.detect()
	if w.err != nil {
		return m, w.err
	}
	return m, nil
}

// envelope fills in what the header says about people, time and references.
func (m *Mail) envelope() {
	m.Subject = strings.TrimSpace(m.Get("Subject"))
	m.From = m.addresses("From")
	m.Sender = m.addresses("Sender")
	m.ReplyTo = m.addresses("Reply-To")
	m.To = m.addresses("To")
	m.Cc = m.addresses("Cc")
	if len(m.From) == 0 {
		m.defect(DefectNoFrom, "")
	}
	if f := m.field("Date"); f != nil {
		t, ok := parseDate(f.Value)
		if !ok {
			m.defect(DefectDate, f.Value)
		}
		m.Date = t
	}
	if ids := m.ids("Message-ID"); len(ids) > 0 {
		m.MessageID = ids[0]
	}
	m.InReplyTo = m.ids("In-Reply-To")
	m.References = m.ids("References")
}

// addresses reads every header with this name; RFC 5322 §3.6 allows one, mail has more.
func (m *Mail) addresses(name string) (list []Address) {
	for i := range m.Header {
		f := &m.Header[i]
		if len(f.Name) != len(name) || !strings.EqualFold(f.Name, name) {
			continue
		}
		more, over := parseAddresses(f.raw)
		if over || len(list)+len(more) > AddressLimit {
			m.defectOnce(DefectTooMany, name)
			more = more[:min(len(more), AddressLimit-len(list))]
		}
		list = append(list, more...)
	}
	return list
}

// ids reads the message ids of the first header with this name.
func (m *Mail) ids(name string) []string {
	f := m.field(name)
	if f == nil {
		return nil
	}
	ids, over := messageIDs(f.raw)
	if over {
		m.defectOnce(DefectTooMany, name)
	}
	return ids
}
