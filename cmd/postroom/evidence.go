package main

import (
	"errors"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/mail"
	"postroom/internal/trec"
)

// readDocument is what the filter is shown of a mail from a file. A mail over its budget is judged by what was read of it.
func readDocument(raw []byte) (classify.Document, error) {
	m, err := mail.Parse(raw, mail.Budget{})
	if over := (*mail.BudgetError)(nil); err != nil && !errors.As(err, &over) {
		return classify.Document{}, err
	}
	return ingest.Evidence(m, ingest.Envelope{}), nil
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
