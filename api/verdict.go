package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify"
	"postroom/ingest"
)

// A Verdict is what the filter said of a message, what a person said since, and
// why the filter, as it is now, would say what it says.
type Verdict struct {
	MessageID string   `json:"message_id" doc:"The message's id."`
	Verdict   *string  `json:"verdict" enum:"ham,unsure,spam" doc:"The filter's, when the message was scored."`
	Score     *float64 `json:"score" doc:"The filter's, when the message was scored: 0 ham to 1 spam."`
	Judged    *string  `json:"judged" enum:"ham,spam" doc:"A person's verdict, which goes first."`
	Now       *Score   `json:"now,omitempty" doc:"By the filter as it is now."`
}

// A Score is the filter's opinion with its reasons.
type Score struct {
	Verdict       string         `json:"verdict" enum:"ham,unsure,spam"`
	P             float64        `json:"p" doc:"The probability of spam, 0 to 1."`
	Rule          string         `json:"rule" doc:"The sender on the allow or block list who decided; empty if the evidence did."`
	Reason        string         `json:"reason" doc:"For people."`
	LogOdds       float64        `json:"log_odds" doc:"log(p/(1-p)): the sum of all contributions."`
	Contributions []Contribution `json:"contributions" nullable:"false" doc:"The baseline, then tokens, strongest first, then everything else."`
	ModelSeq      int64          `json:"model_seq" doc:"The judgement up to which the filter had learned."`
}

// A Contribution is one addend of a score's log-odds; a positive one speaks for
// spam.
type Contribution struct {
	Kind    string  `json:"kind" enum:"baseline,signal,token,patterns,rest"`
	Token   string  `json:"token" doc:"For the kind token: a word, address, host, header or trait; for the kind signal: what it is."`
	LogOdds float64 `json:"log_odds"`
	Ham     int     `json:"ham" doc:"For the kind token: ham learned that has it."`
	Spam    int     `json:"spam" doc:"For the kind token: spam learned that has it."`

	Origins []Origin `json:"origins" nullable:"false" doc:"For the kind token: the newest of these messages, three at most."`
}

// An Origin is a message that taught the filter a token.
type Origin struct {
	Seq       int64  `json:"seq" doc:"The judgement's place in the training journal."`
	MessageID string `json:"message_id"`
	Verdict   string `json:"verdict" enum:"ham,spam"`
	Actor     string `json:"actor" doc:"Who judged it."`
}

func showVerdict(id uuid.UUID, v ingest.Verdict) Verdict {
	out := Verdict{MessageID: id.String(), Verdict: v.Verdict, Score: v.Score, Judged: v.Judged}
	if v.Now == nil {
		return out
	}
	out.Now = &Score{
		Verdict: string(v.Now.Verdict), P: v.Now.P, Rule: v.Now.Rule, Reason: v.Now.Reason, LogOdds: v.Now.LogOdds,
		Contributions: make([]Contribution, 0, len(v.Now.Contributions)), ModelSeq: v.Now.ModelSeq,
	}
	for _, c := range v.Now.Contributions {
		shown := Contribution{string(c.Kind), c.Token, c.LogOdds, c.Ham, c.Spam, make([]Origin, 0, len(c.Origins))}
		for _, o := range c.Origins {
			shown.Origins = append(shown.Origins, Origin{o.Seq, o.MessageID.String(), string(o.Verdict), o.Actor})
		}
		out.Now.Contributions = append(out.Now.Contributions, shown)
	}
	return out
}

type judgeIn struct {
	Message string `path:"message" doc:"The message's id."`
	Body    struct {
		Verdict string `json:"verdict" enum:"ham,spam," doc:"ham releases it, spam holds it, the empty string takes back what was said before." example:"ham"`
	}
}

func (s *server) addVerdicts() {
	tags := []string{"messages"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-verdict", Method: http.MethodGet, Path: "/messages/{message}/verdict", Tags: tags,
		Summary: "Explain a verdict", Description: "The contributions add up to the log-odds.",
	}, s.getVerdict)
	addIn(s, auth.Judge, huma.Operation{
		OperationID: "judge-message", Method: http.MethodPost, Path: "/messages/{message}/verdict", Tags: tags,
		Summary: "Say what a message is", Description: "The filter learns it and the message follows. Each verdict is undone exactly by another.",
	}, s.judgeMessage)
}

func (s *server) getVerdict(ctx context.Context, workspace uuid.UUID, in *messageIn) (*single[Verdict], error) {
	id, err := parseID(in.Message)
	if err != nil {
		return nil, err
	}
	v, err := s.pipeline.Verdict(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	if v.Now != nil {
		if err := s.filter.Trace(ctx, workspace, v.Now); err != nil {
			return nil, err
		}
	}
	return one(in.Matched, showVerdict(id, v))
}

func (s *server) judgeMessage(ctx context.Context, workspace uuid.UUID, in *judgeIn) (*changed[Message], error) {
	id, err := parseID(in.Message)
	if err != nil {
		return nil, err
	}
	m, err := s.pipeline.Judge(ctx, workspace, auth.From(ctx).Actor, id, classify.Verdict(in.Body.Verdict))
	if err != nil {
		return nil, err
	}
	return &changed[Message]{showMessage(m)}, nil
}
