package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify"
	"postroom/classify/control"
)

// FilterSettings are what a workspace decides about its spam filter.
type FilterSettings struct {
	HamBelow     float64 `json:"ham_below" minimum:"0" maximum:"1" doc:"A probability of spam below this is ham." example:"0.2"`
	SpamFrom     float64 `json:"spam_from" exclusiveMinimum:"0" maximum:"1" doc:"From here on it is spam; between the two it is unsure." example:"0.98"`
	LearnReplies bool    `json:"learn_replies" doc:"Learn a message that an agent answers as ham, unless somebody has judged it or ham outweighs spam."`
}

type putFilterIn struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the settings that you have seen; if they are others by now nothing is changed and the answer is 412."`
	Body    FilterSettings
}

func (s *server) addFilter() {
	tags := []string{"filter"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-filter", Method: http.MethodGet, Path: "/filter", Tags: tags, Summary: "Read the filter's settings",
		Description: "How far its training has come is in the workspace's stats.",
	}, s.getFilter)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "put-filter", Method: http.MethodPut, Path: "/filter", Tags: tags, Summary: "Change the filter's settings",
		Description: "For mail that is scored from now on.", Errors: []int{412},
	}, s.putFilter)
	s.addSenders()
	s.addTraining()
	s.addDryRuns()
}

func showSettings(f classify.Settings) FilterSettings {
	return FilterSettings{f.HamBelow, f.SpamFrom, f.LearnReplies}
}

func (s *server) getFilter(ctx context.Context, workspace uuid.UUID, in *Matched) (*single[FilterSettings], error) {
	f, err := s.filter.Settings(ctx, workspace)
	if err != nil {
		return nil, err
	}
	return one(*in, showSettings(f))
}

func (s *server) putFilter(ctx context.Context, workspace uuid.UUID, in *putFilterIn) (*single[FilterSettings], error) {
	to := classify.Settings{
		Thresholds:   classify.Thresholds{HamBelow: in.Body.HamBelow, SpamFrom: in.Body.SpamFrom},
		LearnReplies: in.Body.LearnReplies,
	}
	err := s.filter.Set(ctx, workspace, control.Setting{
		Actor: auth.From(ctx).Actor, To: to,
		Agreed: func(now classify.Settings) error { return unchanged(in.IfMatch, showSettings(now)) },
	})
	if err != nil {
		return nil, err
	}
	return one(Matched{}, showSettings(to))
}

// unchanged holds a resource as it stands against If-Match, which compares strongly
// (RFC 9110 §13.1.1). Without the header whatever stands is agreed to.
func unchanged(ifMatch string, now any) error {
	if ifMatch == "" {
		return nil
	}
	b, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("etag: %w", err)
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag(b) {
			return nil
		}
	}
	return errChanged
}
