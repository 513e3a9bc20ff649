package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/classify"
)

// A Sender is a rule of the allow or the block list.
type Sender struct {
	Sender    string     `json:"sender" doc:"An address, or a domain with those below it; lower case." example:"newsletter.example"`
	List      string     `json:"list" enum:"allow,block" doc:"allow: its mail is ham, unless authentication contradicts the sender; block: its mail is spam."`
	Actor     string     `json:"actor" doc:"Who put it there."`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at" doc:"From then on it says nothing; null: until it is taken off."`
}

// listVerdict is what a list says of its senders' mail.
var listVerdict = map[string]classify.Verdict{"allow": classify.Ham, "block": classify.Spam}

func showSender(r classify.SenderRule) Sender {
	list := "allow"
	if r.Verdict == classify.Spam {
		list = "block"
	}
	return Sender{r.Pattern, list, r.Actor, r.CreatedAt.UTC(), utc(r.ExpiresAt)}
}

type (
	sendersIn struct {
		PageIn
		List string `query:"list" enum:"allow,block" doc:"Only this list."`
	}
	addSenderIn struct {
		Body struct {
			Sender    string     `json:"sender" maxLength:"321" doc:"An address or a domain." example:"newsletter.example"`
			List      string     `json:"list" enum:"allow,block"`
			ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Until it is taken off, when left out."`
		}
	}
	senderIn struct {
		Sender string `path:"sender" doc:"The address or domain."`
	}
)

func (s *server) addSenders() {
	tags := []string{"filter"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-senders", Method: http.MethodGet, Path: "/filter-senders", Tags: tags,
		Summary: "List allowed and blocked senders", Description: "By name, with those that have expired.",
	}, s.listSenders)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "add-sender", Method: http.MethodPost, Path: "/filter-senders", Tags: tags,
		Summary: "Allow or block a sender", Description: "In the place of what was said of the same sender before.", DefaultStatus: http.StatusCreated,
	}, s.addSender)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "remove-sender", Method: http.MethodDelete, Path: "/filter-senders/{sender}", Tags: tags,
		Summary: "Take a sender off its list", DefaultStatus: http.StatusNoContent,
	}, s.removeSender)
}

func (s *server) listSenders(ctx context.Context, workspace uuid.UUID, in *sendersIn) (*pageOut[Sender], error) {
	after, err := in.place()
	if err != nil {
		return nil, err
	}
	list, err := s.filter.Senders(ctx, workspace, classify.SenderQuery{Verdict: listVerdict[in.List], After: after, Limit: in.Size + 1})
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, in.Size, list, showSender, func(r classify.SenderRule) string { return r.Pattern }), nil
}

func (s *server) addSender(ctx context.Context, workspace uuid.UUID, in *addSenderIn) (*created[Sender], error) {
	r, err := s.filter.List(ctx, workspace, classify.SenderRule{
		Pattern: in.Body.Sender, Verdict: listVerdict[in.Body.List], Actor: auth.From(ctx).Actor, ExpiresAt: in.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return &created[Sender]{prefix + "/workspaces/" + workspace.String() + "/filter-senders/" + url.PathEscape(r.Pattern), showSender(r)}, nil
}

func (s *server) removeSender(ctx context.Context, workspace uuid.UUID, in *senderIn) (*struct{}, error) {
	return nil, s.filter.Unlist(ctx, workspace, auth.From(ctx).Actor, in.Sender)
}
