package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"postroom/api/auth"
	"postroom/ingest"
	"postroom/tickets"
)

type stageIn struct {
	Stage string `path:"stage" doc:"received, parsed or scored."`
}

type pauseIn struct {
	Stage string `path:"stage" doc:"received, parsed or scored."`
	Body  struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"For people." example:"the filter is being retrained"`
	}
}

func (s *server) addStages() {
	tags := []string{"operation"}
	add(s, auth.Operate, huma.Operation{
		OperationID: "pause-stage", Method: http.MethodPost, Path: "/stages/{stage}/pause", Tags: tags,
		Summary: "Let a stage rest", Description: "Its messages wait, in every workspace; mail is accepted as before. What rests is in the state of the queue (get-stats).",
	}, s.pauseStage)
	add(s, auth.Operate, huma.Operation{
		OperationID: "resume-stage", Method: http.MethodDelete, Path: "/stages/{stage}/pause", Tags: tags,
		Summary: "Let a stage go on",
	}, s.resumeStage)
}

// waitingStage returns the stage of that name, if messages wait in it.
func waitingStage(name string) (ingest.Stage, error) {
	stage := ingest.Stage(name)
	if !stage.Valid() || stage.Final() {
		return "", tickets.ErrNotFound
	}
	return stage, nil
}

func (s *server) pauseStage(ctx context.Context, in *pauseIn) (*struct{}, error) {
	stage, err := waitingStage(in.Stage)
	if err != nil {
		return nil, err
	}
	if err := s.pipeline.Pause(ctx, stage, auth.From(ctx).Actor, in.Body.Reason); err != nil {
		return nil, err
	}
	slog.InfoContext(ctx, "stage paused", "stage", stage, "actor", auth.From(ctx).Actor, "request_id", requestOf(ctx).id)
	return nil, nil
}

func (s *server) resumeStage(ctx context.Context, in *stageIn) (*struct{}, error) {
	stage, err := waitingStage(in.Stage)
	if err != nil {
		return nil, err
	}
	if err := s.pipeline.Resume(ctx, stage); err != nil {
		return nil, err
	}
	slog.InfoContext(ctx, "stage resumed", "stage", stage, "actor", auth.From(ctx).Actor, "request_id", requestOf(ctx).id)
	return nil, nil
}
