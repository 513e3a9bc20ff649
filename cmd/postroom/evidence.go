package main

import (
	"errors"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/mail"
)

// readDocument is what the filter is shown of a mail from a file. A mail over its budget is judged by what was read of it.
func readDocument(raw []byte) (classify.Document, error) {
	m, err := mail.Parse(raw, mail.Budget{})
	if over := (*mail.BudgetError)(nil); err != nil && !errors.As(err, &over) {
		return classify.Document{}, err
	}
	return ingest.Evidence(m, ingest.Envelope{}), nil
}
