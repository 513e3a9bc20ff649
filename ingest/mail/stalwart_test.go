package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A stalwartMail is what the expected files of the Stalwart corpus hold, as far as it is compared here.
type stalwartMail struct {
	TextBody    []int          `json:"text_body"`
	HTMLBody    []int          `json:"html_body"`
	Attachments []int          `json:"attachments"`
	Parts       []stalwartPart `json:"parts"`
}

type stalwartPart struct {
	Headers []struct {
		Name  any             `json:"name"`
		Value json.RawMessage `json:"value"`
	} `json:"headers"`
	Body map[string]json.RawMessage `json:"body"`
}

// header reads the value of a part's header into v; false when there is none.
func (p *stalwartPart) header(name string, v any) bool {
	found := false
	for _, h := range p.Headers { // of headers that come twice the last counts there
		if h.Name == name && json.Unmarshal(h.Value, v) == nil {
			found = true
		}
	}
	return found
}

// texts returns the values of a header that holds one text or many.
func (p *stalwartPart) texts(name string) []string {
	var v struct {
		Text     *string
		TextList []string
	}
	p.header(name, &v)
	if v.Text != nil {
		return []string{*v.Text}
	}
	return v.TextList
}

// addresses returns the expected addresses of one header.
func (p *stalwartPart) addresses(name string) (list []Address) {
	type person struct{ Name, Address string }
	var v struct {
		Address struct {
			List  []person
			Group []struct{ Addresses []person }
		}
	}
	p.header(name, &v)
	for _, a := range v.Address.List {
		list = append(list, Address{a.Name, a.Address})
	}
	for _, g := range v.Address.Group {
		for _, a := range g.Addresses {
			list = append(list, Address{a.Name, a.Address})
		}
	}
	return list
}

// date returns the expected Date in RFC 3339, or "".
func (p *stalwartPart) date() string {
	var v struct {
		DateTime *struct {
			Year, Month, Day, Hour, Minute, Second int
			Before                                 bool `json:"tz_before_gmt"`
			Hours                                  int  `json:"tz_hour"`
			Minutes                                int  `json:"tz_minute"`
		}
	}
	if !p.header("date", &v) || v.DateTime == nil {
		return ""
	}
	d := v.DateTime
	offset := d.Hours*3600 + d.Minutes*60
	if d.Before {
		offset = -offset
	}
	return time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, 0, time.FixedZone("", offset)).UTC().Format(time.RFC3339)
}

// text returns what the part says, if it is text.
func (p *stalwartPart) text() (s string, ok bool) {
	for _, kind := range []string{"Text", "Html"} {
		if raw, is := p.Body[kind]; is {
			return s, json.Unmarshal(raw, &s) == nil
		}
	}
	return "", false
}

// content returns what the part holds: its text, its bytes, or the mark of a message.
func (p *stalwartPart) content() string {
	if s, ok := p.text(); ok {
		return comparable(s)
	}
	for _, kind := range []string{"Binary", "InlineBinary"} {
		if raw, ok := p.Body[kind]; ok {
			var list []int
			if json.Unmarshal(raw, &list) != nil {
				return "unreadable"
			}
			data := make([]byte, len(list))
			for i, b := range list {
				data[i] = byte(b)
			}
			return readableContent(data)
		}
	}
	return "message"
}

func (p *stalwartPart) multi() bool {
	_, multi := p.Body["Multipart"]
	return multi
}

// join puts the texts of the listed parts together that are of a kind, "Text" or "Html".
func (s *stalwartMail) join(list []int, kind string) string {
	var b []string
	for _, i := range list {
		if _, ok := s.Parts[i].Body[kind]; ok {
			text, _ := s.Parts[i].text()
			b = append(b, text)
		}
	}
	return comparable(strings.Join(b, "\n"))
}

// isBody reports whether part i is text that was chosen to be shown.
func (s *stalwartMail) isBody(i int) bool {
	_, text := s.Parts[i].text()
	return text && (slices.Contains(s.TextBody, i) || slices.Contains(s.HTMLBody, i))
}

func TestStalwart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "parser", "stalwart")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no expected results in %s: %v", dir, err)
	}
	c := newTally()
	for _, file := range files {
		name := strings.TrimPrefix(strings.TrimSuffix(file, ".json"), dir+"/")
		m := parseFile(t, strings.TrimSuffix(file, ".json")+".eml")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want stalwartMail
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		check := func(what, got, want string) { c.check(t, name, what, got, want) }
		if len(want.Parts) > 0 {
			compareHeader(m, &want.Parts[0], check)
		}
		compareBodies(m, &want, check)
		compareParts(m, &want, check)
	}
	c.hold(t, 93, stalwartExplained)
}

func compareHeader(m *Mail, want *stalwartPart, check func(what, got, want string)) {
	for name, got := range map[string][]Address{
		"from": m.From, "to": m.To, "cc": m.Cc, "reply_to": m.ReplyTo, "sender": m.Sender,
	} {
		if list := want.addresses(name); len(list)+len(got) > 0 {
			check(name, emails(got), emails(list))
		}
	}
	for name, got := range map[string]string{
		"subject": m.Subject, "message_id": m.MessageID, "references": strings.Join(m.References, " "),
		"in_reply_to": strings.Join(m.InReplyTo, " "),
	} {
		if list := want.texts(name); len(list) > 0 || got != "" {
			check(name, squeeze(got), squeeze(strings.Join(list, " ")))
		}
	}
	if d := want.date(); d != "" || !m.Date.IsZero() {
		got := ""
		if !m.Date.IsZero() {
			got = m.Date.UTC().Format(time.RFC3339)
		}
		check("date", got, d)
	}
}

func compareBodies(m *Mail, want *stalwartMail, check func(what, got, want string)) {
	if text := want.join(want.TextBody, "Text"); text != "" {
		check("text", comparable(m.Text), text)
	}
	if markup := want.join(want.HTMLBody, "Html"); markup != "" {
		check("html", comparable(withoutWrapped(m.HTML)), markup)
	}
	var gotBody, wantBody []string
	for i := range want.Parts {
		if want.isBody(i) && want.Parts[i].content() != "" {
			wantBody = append(wantBody, want.Parts[i].content())
		}
	}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Body && partText(p) != "" {
			gotBody = append(gotBody, partText(p))
		}
	}
	check("body choice", fmt.Sprintf("%.60q", gotBody), fmt.Sprintf("%.60q", wantBody))
}

// withoutWrapped leaves out the plain texts that were wrapped to stand among HTML.
func withoutWrapped(markup string) string {
	for {
		i := strings.Index(markup, `<div style="white-space:pre-wrap">`)
		if i < 0 {
			return markup
		}
		j := strings.Index(markup[i:], "</div>\n")
		markup = markup[:i] + markup[i+j+len("</div>\n"):]
	}
}

// readableContent brings what reads as text to the form of [comparable].
func readableContent(data []byte) string {
	if utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 {
		return comparable(string(data))
	}
	return string(data)
}

// partText returns a text part's text, as it is shown.
func partText(p *Part) string {
	data, _ := io.ReadAll(p.Open())
	text, _, _ := decodeCharset(data, p.Charset)
	return comparable(text)
}

func compareParts(m *Mail, want *stalwartMail, check func(what, got, want string)) {
	var got, expected []string
	for i := range m.Parts {
		if p := &m.Parts[i]; !p.Body && p.Size > 0 {
			got = append(got, describe(p))
		}
	}
	for i := range want.Parts {
		p := &want.Parts[i]
		if !p.multi() && !want.isBody(i) && p.content() != "" {
			expected = append(expected, p.describe())
		}
	}
	if len(got)+len(expected) > 0 {
		check("attachments", strings.Join(got, "; "), strings.Join(expected, "; "))
	}
}

// describe names a part's type, file name, Content-ID and content.
func describe(p *Part) string {
	content := "message"
	switch {
	case p.isTextual():
		content = partText(p)
	case p.ContentType != "message/rfc822":
		data, _ := io.ReadAll(p.Open())
		content = readableContent(data)
	}
	return fmt.Sprintf("%s %q <%s> %d %.80q", p.ContentType, p.Filename, p.ContentID, len(content), content)
}

func (p *stalwartPart) describe() string {
	type parametered struct {
		ContentType struct {
			Type       string `json:"c_type"`
			Sub        string `json:"c_subtype"`
			Attributes []struct{ Name, Value string }
		}
	}
	var kind, disposition parametered
	p.header("content_type", &kind)
	p.header("content_disposition", &disposition)
	claimed := kind.ContentType.Type + "/" + kind.ContentType.Sub
	content := p.content()
	if claimed == "/" {
		claimed = "text/plain"
		if content == "message" {
			claimed = "message/rfc822"
		}
	}
	if strings.ToLower(claimed) == "message/rfc822" {
		content = "message" // which the set takes apart where it can
	}
	filename := ""
	for _, a := range slices.Concat(kind.ContentType.Attributes, disposition.ContentType.Attributes) {
		if a.Name == "name" || a.Name == "filename" {
			filename = a.Value
		}
	}
	return fmt.Sprintf("%s %q <%s> %d %.80q", strings.ToLower(claimed), safeFilename(filename), strings.Join(p.texts("content_id"), ""), len(content), content)
}
