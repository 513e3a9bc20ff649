package api

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify"
)

// Figures say how well the filter did on judged messages, each scored by what was
// learned before it was judged.
type Figures struct {
	From             time.Time       `json:"from" doc:"Judgements made from this time on are measured."`
	To               time.Time       `json:"to" doc:"Up to this time."`
	HamBelow         float64         `json:"ham_below" doc:"The thresholds by which verdicts were given."`
	SpamFrom         float64         `json:"spam_from"`
	Ham              int             `json:"ham" doc:"Messages judged ham."`
	Spam             int             `json:"spam" doc:"Messages judged spam."`
	HamCalledSpam    int             `json:"ham_called_spam"`
	SpamCalledHam    int             `json:"spam_called_ham"`
	Unsure           int             `json:"unsure"`
	ROCA             *float64        `json:"roca_percent" doc:"(1-ROCA)%: how often a random ham scores above a random spam. Null without both."`
	ROCALow          *float64        `json:"roca_percent_low" doc:"Where its 95 % interval begins."`
	ROCAHigh         *float64        `json:"roca_percent_high" doc:"And where it ends."`
	LAM              *float64        `json:"lam_percent" doc:"lam%: the logistic average of ham called spam and spam called ham at a probability of one half. Null without messages."`
	Missed           *float64        `json:"missed_percent" doc:"sm%: spam missed at the threshold that loses one ham in a thousand. Null without both."`
	CalibrationError *float64        `json:"calibration_error" doc:"The expected one, 0 to 1. Null without messages."`
	Curve            []FigureStretch `json:"curve" nullable:"false" doc:"How it learned."`
}

// A FigureStretch is a part of the measured messages.
type FigureStretch struct {
	From int      `json:"from" doc:"Messages that come before it."`
	To   int      `json:"to" doc:"Its last message, counted from 1."`
	ROCA *float64 `json:"roca_percent" doc:"(1-ROCA)% of it; null without both ham and spam."`
}

// number is x, or null where there is nothing to be measured.
func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// An Evaluation measures the filter twice.
type Evaluation struct {
	Figures
	Stripped Figures `json:"stripped" doc:"By the header fields that a forwarder leaves, which is the honest figure for forwarded mail: what else a header has may tell how mail was gathered. Only of messages that are still stored: what was learned from files is not measured, and not learned."`
}

func showFigures(h *classify.History, run *classify.Run) Figures {
	f := Figures{
		From: h.From.UTC(), To: h.To.UTC(), HamBelow: h.Thresholds.HamBelow, SpamFrom: h.Thresholds.SpamFrom, Ham: run.Ham, Spam: run.Spam,
		HamCalledSpam: run.HamCalledSpam, SpamCalledHam: run.SpamCalledHam, Unsure: run.Unsure, Curve: []FigureStretch{},
	}
	if len(run.Scored) > 0 {
		f.LAM, f.CalibrationError = number(run.LAM), number(run.ECE)
	}
	if f.ROCA, f.Missed = number(run.ROCA), number(run.MissAt); f.ROCA != nil {
		low, high := classify.Interval(run.Scored, classify.Resamples)
		f.ROCALow, f.ROCAHigh = number(low), number(high)
	}
	for _, part := range classify.LearningCurve(run.Scored) {
		f.Curve = append(f.Curve, FigureStretch{part.From, part.To, number(part.ROCA)})
	}
	return f
}

// A Comparison holds what the filter would have done beside what it does.
type Comparison struct {
	AsIs  Figures `json:"as_is" doc:"By the workspace's own thresholds and all its trainers."`
	Would Figures `json:"would" doc:"As it was asked for."`
}

type (
	evaluationIn struct {
		From time.Time `query:"from" doc:"Measure judgements made from this time on; all when left out."`
		To   time.Time `query:"to" doc:"Up to this time; up to now when left out."`
	}
	dryRunIn struct {
		Body struct {
			From     time.Time `json:"from,omitempty" doc:"Measure judgements made from this time on; all when left out." example:"2026-05-01T00:00:00Z"`
			To       time.Time `json:"to,omitempty" doc:"Up to this time; up to now when left out." example:"2026-06-01T00:00:00Z"`
			HamBelow *float64  `json:"ham_below,omitempty" minimum:"0" maximum:"1" doc:"The workspace's own when left out, or spam_from if that is less."`
			SpamFrom *float64  `json:"spam_from,omitempty" exclusiveMinimum:"0" maximum:"1" doc:"The workspace's own when left out." example:"0.9"`
			Without  string    `json:"without,omitempty" maxLength:"200" doc:"An actor who is taken never to have judged."`
		}
	}
)

func (s *server) addDryRuns() {
	tags := []string{"filter"}
	const lists = "The lists of senders have the last word on verdicts, as they stand now."
	const cost = " It begins at the journal's beginning, so it takes longer the longer that is."
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-filter-evaluation", Method: http.MethodGet, Path: "/filter-evaluation", Tags: tags,
		Summary: "Measure the filter on its own history", Errors: []int{400, 422},
		Description: "Each judgement that stands is scored by what was learned before it, as the TREC spam track does. " + lists + cost,
	}, s.getEvaluation)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "dry-run-filter", Method: http.MethodPost, Path: "/filter-dry-runs", Tags: tags,
		Summary:     "Ask what would have been",
		Description: "With other thresholds, or without a trainer, beside what is. Nothing is changed. Without a trainer, that one's judgements are not measured either. " + lists + cost,
	}, s.dryRun)
}

func (s *server) getEvaluation(ctx context.Context, workspace uuid.UUID, in *evaluationIn) (*changed[Evaluation], error) {
	h, err := s.filter.Dry(ctx, workspace, classify.DryRun{
		From: in.From, To: in.To, Reread: func(ctx context.Context, messages []uuid.UUID) (map[uuid.UUID]classify.Document, error) {
			return s.pipeline.Documents(ctx, workspace, messages)
		},
	})
	if err != nil {
		return nil, err
	}
	return &changed[Evaluation]{Evaluation{showFigures(&h, &h.Run), showFigures(&h, &h.Stripped)}}, nil
}

func (s *server) dryRun(ctx context.Context, workspace uuid.UUID, in *dryRunIn) (*changed[Comparison], error) {
	own, err := s.filter.Settings(ctx, workspace)
	if err != nil {
		return nil, err
	}
	b, d := in.Body, classify.DryRun{From: in.Body.From, To: in.Body.To, Thresholds: own.Thresholds}
	if d.To.IsZero() {
		d.To = time.Now() // one end for both
	}
	asked := d
	asked.Without = b.Without
	asked.Thresholds.SpamFrom = *cmp.Or(b.SpamFrom, &own.SpamFrom)
	asked.Thresholds.HamBelow = min(own.HamBelow, asked.Thresholds.SpamFrom)
	if b.HamBelow != nil {
		asked.Thresholds.HamBelow = *b.HamBelow
	}
	would, err := s.filter.Dry(ctx, workspace, asked)
	if err != nil {
		return nil, err
	}
	asIs, err := s.filter.Dry(ctx, workspace, d)
	if err != nil {
		return nil, err
	}
	return &changed[Comparison]{Comparison{showFigures(&asIs, &asIs.Run), showFigures(&would, &would.Run)}}, nil
}
