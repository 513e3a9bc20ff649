package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest"
)

// Stats is a workspace's account of its mail, and how far its filter has come. It
// balances when accepted = stored = filed + held + duplicate + failed + waiting.
type Stats struct {
	Accepted      int64   `json:"accepted" doc:"Mails that were promised to be kept."`
	AcceptedBytes int64   `json:"accepted_bytes"`
	Stored        int64   `json:"stored" doc:"Messages that there are."`
	Filed         int64   `json:"filed"`
	Held          int64   `json:"held"`
	Duplicate     int64   `json:"duplicate"`
	Failed        int64   `json:"failed"`
	Waiting       Waiting `json:"waiting"`
	Tickets       int64   `json:"tickets" doc:"With at least one message to be seen."`
	Balances      bool    `json:"balances" doc:"Nothing is missing and nothing is too much."`
	Filter        Filter  `json:"filter"`
}

// Waiting counts the messages on their way, by stage.
type Waiting struct {
	Received int64 `json:"received"`
	Parsed   int64 `json:"parsed"`
	Scored   int64 `json:"scored"`
}

// A Filter says how far a workspace's spam filter has come.
type Filter struct {
	Ham      int     `json:"ham" doc:"Ham learned."`
	Spam     int     `json:"spam" doc:"Spam learned."`
	NeedHam  int     `json:"need_ham" doc:"Ham still missing before it decides anything."`
	NeedSpam int     `json:"need_spam" doc:"Spam still missing before it decides anything."`
	HamBelow float64 `json:"ham_below" doc:"A probability of spam below this is ham."`
	SpamFrom float64 `json:"spam_from" doc:"From here on it is spam; between the two it is unsure."`
	ModelSeq int64   `json:"model_seq" doc:"Judgements learned from."`
}

// Installation is the state of the queue that all workspaces share.
type Installation struct {
	Busy     string     `json:"busy" doc:"Why no mail is accepted at the moment; empty when it is." example:""`
	Queue    []Depth    `json:"queue" nullable:"false" doc:"What waits, by stage."`
	Paused   []Paused   `json:"paused" nullable:"false" doc:"The stages that somebody has paused."`
	LookedAt *time.Time `json:"looked_at" doc:"When the queue was looked at; null before the first time."`
	Refused  []Refused  `json:"refused" nullable:"false" doc:"What was turned away in the last 24 hours; its senders still have it."`
}

// A Depth is how much waits in a stage.
type Depth struct {
	Stage   string     `json:"stage" enum:"received,parsed,scored"`
	Waiting int64      `json:"waiting"`
	Due     int64      `json:"due" doc:"Of these, how many nobody works on."`
	Oldest  *time.Time `json:"oldest" doc:"When the one that waits longest was received."`
}

// Paused is a stage that rests.
type Paused struct {
	Stage  string    `json:"stage" enum:"received,parsed,scored"`
	Reason string    `json:"reason" doc:"Why, in the words of whoever paused it."`
	Actor  string    `json:"actor" doc:"Who paused it."`
	At     time.Time `json:"at"`
}

// Refused counts offers that a door turned away.
type Refused struct {
	Door  string `json:"door"`
	Cause string `json:"cause"`
	Count int64  `json:"count"`
}

type (
	statsOut        struct{ Body Stats }
	installationOut struct{ Body Installation }
)

func (s *server) addStats() {
	tags := []string{"operation"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-workspace-stats", Method: http.MethodGet, Path: "/stats", Tags: tags,
		Summary: "Read the ledger", Description: "Every mail accounted for, at one moment, and the state of the filter.",
	}, s.workspaceStats)
	add(s, auth.Operate, huma.Operation{
		OperationID: "get-stats", Method: http.MethodGet, Path: "/stats", Tags: tags, Summary: "Read the state of the queue",
	}, s.stats)
}

func (s *server) workspaceStats(ctx context.Context, workspace uuid.UUID, _ *struct{}) (*statsOut, error) {
	l, err := s.pipeline.Ledger(ctx, workspace)
	if err != nil {
		return nil, err
	}
	f, err := s.pipeline.FilterStatus(ctx, workspace)
	if err != nil {
		return nil, err
	}
	return &statsOut{Stats{
		Accepted: l.Accepted, AcceptedBytes: l.AcceptedBytes, Stored: l.Stored,
		Filed: l.Filed, Held: l.Held, Duplicate: l.Duplicate, Failed: l.Failed,
		Waiting: Waiting{l.Waiting[ingest.Received], l.Waiting[ingest.Parsed], l.Waiting[ingest.Scored]},
		Tickets: l.Tickets, Balances: l.Balances(),
		Filter: Filter{
			Ham: f.Ham, Spam: f.Spam, NeedHam: f.NeedHam, NeedSpam: f.NeedSpam,
			HamBelow: f.Thresholds.HamBelow, SpamFrom: f.Thresholds.SpamFrom, ModelSeq: f.Seq,
		},
	}}, nil
}

func (s *server) stats(ctx context.Context, _ *struct{}) (*installationOut, error) {
	refused, err := s.pipeline.Refusals(ctx, time.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	rests, err := s.pipeline.Rests(ctx)
	if err != nil {
		return nil, err
	}
	out := Installation{Busy: s.pipeline.Busy(), Queue: []Depth{}, Paused: []Paused{}, Refused: []Refused{}}
	for _, r := range rests {
		out.Paused = append(out.Paused, Paused{string(r.Stage), r.Reason, r.Actor, r.At.UTC()})
	}
	depths, at := s.pipeline.Depths()
	if !at.IsZero() {
		out.LookedAt = utc(&at)
	}
	for _, d := range depths {
		out.Queue = append(out.Queue, Depth{string(d.Stage), d.Waiting, d.Due, utc(d.Oldest)})
	}
	for _, r := range refused {
		out.Refused = append(out.Refused, Refused(r))
	}
	return &installationOut{out}, nil
}
