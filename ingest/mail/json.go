package mail

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"time"
)

// MarshalJSON writes the mail in the shape that the command line prints and the golden files hold: names in snake_case,
// empty lists as [], no date as null, hashes in hex. The header is left out; it is in the raw message.
func (m *Mail) MarshalJSON() ([]byte, error) {
	var date *time.Time
	if !m.Date.IsZero() {
		date = &m.Date
	}
	reply := m.Reply()
	return marshal(struct {
		Subject    string     `json:"subject"`
		From       []Address  `json:"from"`
		Sender     []Address  `json:"sender"`
		ReplyTo    []Address  `json:"reply_to"`
		To         []Address  `json:"to"`
		Cc         []Address  `json:"cc"`
		Date       *time.Time `json:"date"`
		MessageID  string     `json:"message_id"`
		InReplyTo  []string   `json:"in_reply_to"`
		References []string   `json:"references"`
		Text       string     `json:"text"`
		HTML       string     `json:"html"`
		FreshText  string     `json:"fresh_text"`
		QuotedText string     `json:"quoted_text"`
		Forward    *Forward   `json:"forward,omitempty"`
		Parts      []Part     `json:"parts"`
		Automatic  Automatic  `json:"automatic"`
		Defects    []Defect   `json:"defects"`
	}{
		m.Subject, list(m.From), list(m.Sender), list(m.ReplyTo), list(m.To), list(m.Cc), date, m.MessageID,
		list(m.InReplyTo), list(m.References), m.Text, m.HTML, reply.shown(), reply.Quoted(), m.Forward(), list(m.Parts), m.Automatic, list(m.Defects),
	})
}

// MarshalJSON writes the part without its bytes.
func (p Part) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		ContentType string `json:"content_type"`
		Detected    string `json:"detected_type"`
		Charset     string `json:"charset"`
		Filename    string `json:"filename"`
		Disposition string `json:"disposition"`
		ContentID   string `json:"cid"`
		Size        int64  `json:"size"`
		SHA256      string `json:"sha256"`
		Inline      bool   `json:"inline"`
		Body        bool   `json:"body"`
	}{
		p.ContentType, p.Detected, p.Charset, p.Filename, p.Disposition, p.ContentID, p.Size, hex.EncodeToString(p.SHA256[:]),
		p.Inline, p.Body,
	})
}

// MarshalJSON writes an empty list of recipients as [].
func (a Automatic) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Kind       string      `json:"kind"`
		Recipients []Recipient `json:"recipients"`
		Original   string      `json:"original"`
	}{a.Kind, list(a.Recipients), a.Original})
}

// marshal leaves <, > and & as they are, so that HTML stays readable where the caller's encoder lets it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// list makes a nil slice an empty one.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
