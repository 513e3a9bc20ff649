package ui

import (
	"net/http"
	"time"

	"postroom/classify"
	"postroom/ingest"
	"postroom/tickets"
)

// refusalsSince is how far back refusals are added up.
const refusalsSince = 24 * time.Hour

type ledgerPage struct {
	page
	ingest.Ledger
	Parts   []ledgerPart
	Filter  classify.Status
	MinHam  int
	MinSpam int
	Refused []ingest.Refused
	Busy    string
	Rests   []ingest.Rest
}

// A ledgerPart is where some of the mail is.
type ledgerPart struct {
	Name  string
	Tone  string
	Path  string // of the list, below the workspace; "" when there is none
	Count int64
	From  float64 // its place in the bar, of 1000
	Width float64
}

func (p *pages) showLedger(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	ctx := r.Context()
	data := ledgerPage{page: p.page(r, "Ledger", &ws, "ledger"), MinHam: classify.MinHam, MinSpam: classify.MinSpam, Busy: busyWords(p.pipeline.Busy())}
	var err error
	if data.Ledger, err = p.pipeline.Ledger(ctx, ws.ID); err != nil {
		return err
	}
	data.Parts = partsOf(data.Ledger)
	if data.Filter, err = p.pipeline.FilterStatus(ctx, ws.ID); err != nil {
		return err
	}
	if data.Refused, err = p.pipeline.Refusals(ctx, time.Now().Add(-refusalsSince)); err != nil {
		return err
	}
	if data.Rests, err = p.pipeline.Rests(ctx); err != nil {
		return err
	}
	p.views.ledger.show(w, r, http.StatusOK, data)
	return nil
}

func partsOf(l ingest.Ledger) []ledgerPart {
	var waiting int64
	for _, n := range l.Waiting {
		waiting += n
	}
	parts := []ledgerPart{
		{Name: "On tickets", Tone: "filed", Path: "tickets", Count: l.Filed},
		{Name: "Held", Tone: "held", Path: "held", Count: l.Held},
		{Name: "Duplicates", Tone: "duplicate", Path: "duplicates", Count: l.Duplicate},
		{Name: "Failed", Tone: "failed", Path: "failed", Count: l.Failed},
		{Name: "On their way", Tone: "waiting", Count: waiting},
	}
	from := 0.0
	for i := range parts {
		if l.Stored > 0 {
			parts[i].From, parts[i].Width = from, 1000*float64(parts[i].Count)/float64(l.Stored)
		}
		from += parts[i].Width
	}
	return parts
}

// Missing is how many mails were promised and are not there.
func (l ledgerPage) Missing() int64 { return l.Accepted - l.Stored }

// busyWords says why no mail is accepted.
func busyWords(why string) string {
	switch why {
	case "database_away":
		return "the database cannot be reached"
	case "queue_long":
		return "too much mail waits to be processed"
	case "disk_low":
		return "the disk is nearly full"
	}
	return why
}
