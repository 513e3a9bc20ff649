package ingest

import (
	"postroom/classify"
	"postroom/ingest/mail"
)

// ownFields are added by our own receiving; the filter must not learn from them.
var ownFields = map[string]bool{"Return-Path": true, "Delivered-To": true, "X-Original-To": true}

// Evidence is what the filter is shown of a mail.
func Evidence(m *mail.Mail, e Envelope) classify.Document {
	d := classify.Document{
		Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		From: emails(m.From), ReplyTo: emails(m.ReplyTo), To: append(emails(m.To), emails(m.Cc)...),
	}
	ours := e.Door == DoorSMTP || e.Door == DoorLMTP // the first Received field is one that we put there
	for _, f := range m.Header {
		if ours && f.Name == "Received" {
			ours = false
			continue
		}
		if !ownFields[f.Name] {
			d.Header = append(d.Header, classify.Field{Name: f.Name, Value: f.Value})
		}
	}
	for i := range m.Parts {
		pt := &m.Parts[i]
		d.Parts = append(d.Parts, classify.PartInfo{
			ContentType: pt.ContentType, Filename: pt.Filename, Charset: pt.Charset, Size: int(pt.Size),
		})
	}
	return d
}

func emails(list []mail.Address) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.Email)
	}
	return out
}
