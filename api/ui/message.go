package ui

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"postroom/classify"
	"postroom/ingest"
	"postroom/tickets"
)

// rawWithin is how long a client may take over a mail or a part of one.
const rawWithin = 5 * time.Minute

type messagePage struct {
	page
	Message  ingest.Message
	Ticket   *tickets.Ticket // it is on, or was
	Original *ingest.Message // that it repeats
	Steps    []stepView
	Content  *content   // nil when the mail cannot be read now
	Score    *scoreView // nil when the filter could not be asked
}

func (p *pages) showMessage(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	ctx := r.Context()
	id, err := parseID(r.PathValue("message"))
	if err != nil {
		return err
	}
	m, err := p.pipeline.Message(ctx, ws.ID, id)
	if err != nil {
		return err
	}
	data := messagePage{page: p.page(r, subject(m.Subject), &ws, navOf(m.Stage)), Message: m}
	if data.Steps, err = stepsOf(m); err != nil {
		return err
	}
	if err := p.relate(ctx, ws, &data); err != nil {
		return err
	}
	if c, err := p.pipeline.Content(ctx, ws.ID, id); err == nil {
		shown := contentOf(c, messagePath(ws.ID, id))
		data.Content = &shown
	} else {
		slog.WarnContext(ctx, "a message could not be read", "request_id", requestID(w), "message", id, "err", err)
	}
	if v, err := p.pipeline.Verdict(ctx, ws.ID, id); err == nil && v.Now != nil {
		data.Score = scoreOf(*v.Now)
	}
	if data.Said, err = p.said(r, ws); err != nil {
		return err
	}
	p.views.message.show(w, r, http.StatusOK, data)
	return nil
}

func navOf(s ingest.Stage) string {
	switch s {
	case ingest.Held:
		return "held"
	case ingest.Failed:
		return "failed"
	case ingest.Duplicate:
		return "duplicates"
	}
	return "tickets"
}

// relate finds the ticket and the message that a message points to.
func (p *pages) relate(ctx context.Context, ws tickets.Workspace, data *messagePage) error {
	m := data.Message
	if m.TicketID != nil {
		t, err := p.desk.Ticket(ctx, ws.ID, *m.TicketID)
		if err != nil {
			return err
		}
		data.Ticket = &t
	}
	if m.DuplicateOf != nil {
		first, err := p.pipeline.Message(ctx, ws.ID, *m.DuplicateOf)
		if err != nil {
			return err
		}
		data.Original = &first
	}
	return nil
}

// Spam reports whether the message counts as spam now.
func (m messagePage) Spam() bool {
	return m.Message.Stage == ingest.Held && deref(m.Message.Cause) == ingest.CauseSpam
}

// A stepView is one step of a passport, in words.
type stepView struct {
	ingest.Step
	Title string
	Tone  string // which colour it has: good, wait, bad, plain
	Facts []fact
}

func stepsOf(m ingest.Message) ([]stepView, error) {
	steps, err := m.Passport()
	if err != nil {
		return nil, err
	}
	list := make([]stepView, 0, len(steps))
	for _, s := range steps {
		v := stepView{Step: s, Title: stepTitle(s), Tone: stepTone(s)}
		if s.Step == "accept" {
			v.Facts = acceptFacts(m)
		} else {
			v.Facts = factsOf(s.Detail)
		}
		list = append(list, v)
	}
	return list, nil
}

func stepTitle(s ingest.Step) string {
	switch s.Step {
	case "accept":
		return "Accepted and stored"
	case "parse":
		if s.Outcome == "read" {
			return "Read"
		}
		return "Too costly to read"
	case "score":
		return "Asked the spam filter: " + s.Outcome
	case "ties":
		return "Looked who it is from: " + s.Outcome
	case "file":
		return "Put where it belongs: " + stageWords(ingest.Stage(s.Outcome))
	case "fail":
		if s.Outcome == string(ingest.Failed) {
			return "Given up"
		}
		return "An attempt failed"
	case "judge":
		return "A person decided: " + stageWords(ingest.Stage(s.Outcome))
	case "retry":
		return "To be tried again, by hand"
	case "release":
		return "Released"
	case "replay":
		return "Done again"
	}
	return s.Step + ": " + s.Outcome
}

func stepTone(s ingest.Step) string {
	switch {
	case s.Step == "fail", s.Outcome == string(ingest.Failed):
		return "bad"
	case s.Outcome == string(ingest.Held), s.Outcome == string(classify.Spam), s.Outcome == "over budget":
		return "wait"
	case s.Outcome == string(ingest.Filed), s.Outcome == string(classify.Ham), s.Step == "accept":
		return "good"
	}
	return "plain"
}

func acceptFacts(m ingest.Message) []fact {
	e := m.Envelope
	facts := []fact{{Name: "Came in by", Value: doorWords(e.Door)}, {Name: "For", Value: e.RcptTo}}
	from := e.MailFrom
	if from == "" {
		from = "nobody (the null reverse-path)"
	}
	facts = append(facts, fact{Name: "Envelope sender", Value: from})
	for _, f := range []fact{{Name: "From host", Value: e.Peer}, {Name: "Which called itself", Value: e.Helo}, {Name: "Encrypted by", Value: e.TLS}} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return append(facts, fact{Name: "Size", Value: size(m.Size)}, fact{Name: "SHA-256", Value: fmt.Sprintf("%x", m.RawHash)}, fact{Name: "Source key", Value: m.SourceKey})
}

// A scoreView is the filter's opinion of a message, with figures that add up as
// they are shown.
type scoreView struct {
	classify.Score
	Rows []scoreRow
	Sum  string
}

type scoreRow struct {
	Words     string
	Token     bool
	Ham, Spam int
	LogOdds   string
	ForSpam   bool
	Bar       int // its length, 0 to 100
}

func scoreOf(s classify.Score) *scoreView {
	v := &scoreView{Score: s}
	most := 0.0
	for _, c := range s.Contributions {
		most = max(most, math.Abs(c.LogOdds))
	}
	// Rounding the running sum instead of each addend keeps the column's total equal
	// to what is written under it.
	exact, shown := 0.0, int64(0)
	for _, c := range s.Contributions {
		exact += c.LogOdds
		cents := int64(math.Round(exact*100)) - shown
		shown += cents
		row := scoreRow{Words: contributionWords(c), Token: c.Kind == classify.KindToken, Ham: c.Ham, Spam: c.Spam, LogOdds: signed(cents), ForSpam: c.LogOdds > 0}
		if most > 0 {
			row.Bar = int(math.Round(100 * math.Abs(c.LogOdds) / most))
		}
		v.Rows = append(v.Rows, row)
	}
	v.Sum = signed(shown)
	return v
}

// signed writes hundredths with their sign.
func signed(cents int64) string {
	sign := "+"
	switch {
	case cents < 0:
		sign, cents = "−", -cents
	case cents == 0:
		sign = ""
	}
	return sign + strconv.FormatInt(cents/100, 10) + fmt.Sprintf(".%02d", cents%100)
}

func contributionWords(c classify.Contribution) string {
	switch c.Kind {
	case classify.KindBaseline:
		return "A mail without any evidence"
	case classify.KindPatterns:
		return "Letter patterns, all together"
	case classify.KindRest:
		return "Everything else, all together"
	}
	return c.Token
}

// sendRaw sends a mail as it came, to be saved and never to be shown.
func (p *pages) sendRaw(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	id, err := parseID(r.PathValue("message"))
	if err != nil {
		return err
	}
	raw, err := p.pipeline.OpenRaw(r.Context(), ws.ID, id)
	if err != nil {
		return err
	}
	allowSlow(w, r)
	h := w.Header()
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Disposition", `attachment; filename="`+id.String()+`.eml"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Length", strconv.FormatInt(raw.Size, 10))
	logUnsent(w, r, copyTo(w, raw))
	return nil
}
