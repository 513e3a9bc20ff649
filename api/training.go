package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify"
)

// A Judgement is a row of the training journal, which is never changed: what is taken
// back is a row too.
type Judgement struct {
	Seq       int64     `json:"seq" doc:"Its place: counted from 1, without gaps."`
	MessageID string    `json:"message_id" doc:"The message's id. What was learned from a file has one that no message has."`
	Verdict   string    `json:"verdict" enum:"ham,spam," doc:"The empty string takes back what was said before."`
	Replaces  *int64    `json:"replaces" doc:"The judgement of the same message that stood until then."`
	Actor     string    `json:"actor" doc:"Who judged."`
	Source    string    `json:"source" enum:"agent,admin,import,auto" doc:"auto: learned from a reply."`
	At        time.Time `json:"at"`
	Stands    bool      `json:"stands" doc:"Whether the filter has it learned; not if a later one replaced it."`
}

func showJudgement(e classify.Entry) Judgement {
	return Judgement{e.Seq, e.MessageID.String(), string(e.Verdict), e.Replaces, e.Actor, string(e.Source), e.At.UTC(), e.Stands}
}

// A Returned says what a return has done.
type Returned struct {
	Changed int `json:"changed" doc:"Messages of which something else stands now."`
}

type (
	trainingIn struct {
		PageIn
		Actor   string `query:"actor" maxLength:"200" doc:"Only what this one has judged."`
		Message string `query:"message" doc:"Only judgements of this message."`
	}
	returnIn struct {
		Body struct {
			To time.Time `json:"to" doc:"Judgements made after this time are taken back." example:"2026-06-01T10:00:00Z"`
			Of string    `json:"of,omitempty" maxLength:"200" doc:"Only those of this actor; of everybody when left out."`
		}
	}
)

func (s *server) addTraining() {
	tags := []string{"filter"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-training", Method: http.MethodGet, Path: "/filter-training", Tags: tags,
		Summary: "Read the training journal", Description: "Who said what of which message, newest first.",
	}, s.listTraining)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "return-training", Method: http.MethodPost, Path: "/filter-returns", Tags: tags, Summary: "Return to a time",
		Description: "Restores what was said of every message at that time, and the filter forgets the rest. The journal keeps all, so a return is undone by another. " +
			"Messages stay where they are.",
	}, s.returnTraining)
}

func (s *server) listTraining(ctx context.Context, workspace uuid.UUID, in *trainingIn) (*pageOut[Judgement], error) {
	before, err := in.number()
	if err != nil {
		return nil, err
	}
	q := classify.JournalQuery{Actor: in.Actor, Before: before, Limit: in.Size + 1}
	if in.Message != "" {
		id, err := parseID(in.Message)
		if err != nil {
			return nil, err
		}
		q.Message = &id
	}
	list, err := s.filter.Journal(ctx, workspace, q)
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showJudgement, func(e classify.Entry) string { return strconv.FormatInt(e.Seq, 10) }), nil
}

func (s *server) returnTraining(ctx context.Context, workspace uuid.UUID, in *returnIn) (*changed[Returned], error) {
	n, err := s.filter.Return(ctx, workspace, classify.Return{To: in.Body.To, Of: in.Body.Of, Actor: auth.From(ctx).Actor})
	if err != nil {
		return nil, err
	}
	return &changed[Returned]{Returned{n}}, nil
}
