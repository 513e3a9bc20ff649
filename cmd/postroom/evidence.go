package main

import (
	"errors"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/internal/trec"
)

// readDocument is what the filter is shown of a mail from a file. A mail over its budget is judged by what was read of it.
func readDocument(raw []byte) (classify.Document, error) {
	m, err := mail.Parse(raw, mail.Budget{})
	if over := (*mail.BudgetError)(nil); err != nil && !errors.As(err, &over) {
		return classify.Document{}, err
	}
	d := classify.Document{
		Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		From: emails(m.From), ReplyTo: emails(m.ReplyTo), To: append(emails(m.To), emails(m.Cc)...),
	}
	for _, f := range m.Header {
		d.Header = append(d.Header, classify.Field{Name: f.Name, Value: f.Value})
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		d.Parts = append(d.Parts, classify.PartInfo{ContentType: p.ContentType, Filename: p.Filename, Charset: p.Charset, Size: int(p.Size)})
	}
	return d, nil
}

func emails(list []mail.Address) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.Email)
	}
	return out
}

// stripHeaders leaves of d what a forwarder would.
func stripHeaders(d classify.Document) classify.Document {
	var left []classify.Field
	for _, f := range d.Header {
		if trec.Leaves(f.Name) {
			left = append(left, f)
		}
	}
	d.Header = left
	return d
}
