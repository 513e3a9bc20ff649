package api

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/oauthgmail"
	"postroom/tickets"
)

// An OAuthProvider is a workspace's registration at a provider.
type OAuthProvider struct {
	Name     string   `json:"name" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" example:"google"`
	Kind     string   `json:"kind" enum:"google,microsoft,oidc"`
	Issuer   string   `json:"issuer,omitempty" maxLength:"2000" doc:"The https URL of an OpenID provider; for Microsoft the tenant; for Google left out." example:"https://login.example.com"`
	ClientID string   `json:"client_id" minLength:"1" maxLength:"500"`
	Secret   string   `json:"client_secret,omitempty" maxLength:"4000" writeOnly:"true" doc:"Never shown; left out it stays as it is."`
	Scopes   []string `json:"scopes,omitempty" doc:"Besides those that reading mail needs; each of at most 200 characters." maxItems:"50"`
	AppOnly  bool     `json:"app_only,omitempty" doc:"No person consents: the application itself was given access (client credentials)."`
}

// MailboxConsent is how a mailbox's access at a provider stands.
type MailboxConsent struct {
	Provider   string     `json:"provider"`
	Address    string     `json:"address" doc:"Who consented."`
	Scopes     string     `json:"scopes"`
	MaySend    bool       `json:"may_send" doc:"It includes sending by SMTP."`
	GivenAt    time.Time  `json:"given_at"`
	RefreshAt  time.Time  `json:"refresh_at" doc:"When the access is renewed next."`
	EndedAt    *time.Time `json:"ended_at" doc:"Since when the provider renews it no more; then somebody has to consent again."`
	Reason     string     `json:"reason"`
	MayEndSoon bool       `json:"may_end_soon" doc:"Given to a registration at Google less than eight days ago: while that is in testing, consents last seven days."`
}

// TokenUse is what a provider's tokens were used for on one day.
type TokenUse struct {
	MailboxID string `json:"mailbox_id"`
	Day       string `json:"day" example:"2026-11-22"`
	Provider  string `json:"provider"`
	Purpose   string `json:"purpose"`
	Mails     int64  `json:"mails"`
	Octets    int64  `json:"octets"`
}

type (
	putProviderIn struct {
		Body OAuthProvider
	}
	askConsentIn struct {
		Mailbox string `path:"mailbox" doc:"The mailbox's id."`
		Body    struct {
			Provider string `json:"provider" example:"google"`
			Address  string `json:"address,omitempty" doc:"Of the account that is to consent; the mailbox's when left out."`
			Shared   bool   `json:"shared,omitempty" doc:"Anybody with access may consent, for a mailbox that is shared."`
			Send     bool   `json:"send,omitempty" doc:"It is to include sending by SMTP, too. A consent that includes it keeps it when it is given again."`
			Redirect string `json:"redirect" doc:"Where the provider sends the person back to: this server's /oauth/consented, as it is registered there." example:"https://desk.example.com/oauth/consented"`
		}
	}
	// AskedConsent is where a person goes to consent.
	AskedConsent struct {
		URL string `json:"url" doc:"Send the person there; empty when nobody needs to consent, and access was granted."`
	}
	mayLeaveIn struct {
		Body struct {
			MayLeave bool `json:"may_leave" doc:"Whether mail that came from Google may be sent out of the installation, to webhooks, exports and the like."`
		}
	}
)

func (s *server) addConsents() {
	tags := []string{"polling"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-oauth-providers", Method: http.MethodGet, Path: "/oauth-providers", Tags: tags, Summary: "List the registrations at providers",
	}, s.listProviders)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "put-oauth-provider", Method: http.MethodPut, Path: "/oauth-providers", Tags: tags, Summary: "Store a registration at a provider",
	}, s.putProvider)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-consent", Method: http.MethodGet, Path: "/mailboxes/{mailbox}/consent", Tags: tags, Summary: "Read how a mailbox's access stands",
	}, s.getConsent)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "ask-consent", Method: http.MethodPost, Path: "/mailboxes/{mailbox}/consent", Tags: tags, Summary: "Ask for consent, at first or again",
		Description: "Polling goes on where it was.",
	}, s.askConsent)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "withdraw-consent", Method: http.MethodDelete, Path: "/mailboxes/{mailbox}/consent", Tags: tags, Summary: "Disconnect a mailbox",
		Description: "The provider is told, and the tokens are erased.", DefaultStatus: http.StatusNoContent,
	}, s.withdrawConsent)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-token-use", Method: http.MethodGet, Path: "/token-use", Tags: tags, Summary: "List what tokens were used for",
		Description: "Of the last 400 days, the latest first.",
	}, s.listTokenUse)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "set-may-leave", Method: http.MethodPut, Path: "/google-mail-may-leave", Tags: tags, Summary: "Let mail from Google leave the installation, or not",
		DefaultStatus: http.StatusNoContent,
	}, s.setMayLeave)
}

// consentError puts the package's errors into the words of this one's table.
func consentError(err error) error {
	var invalid *oauthgmail.InvalidError
	var wrong *oauthgmail.WrongAddressError
	switch {
	case errors.As(err, &invalid):
		return &tickets.InvalidError{Field: invalid.Field, Reason: invalid.Reason}
	case errors.As(err, &wrong):
		return &tickets.InvalidError{Field: "address", Reason: wrong.Error()}
	case errors.Is(err, oauthgmail.ErrNotFound):
		return tickets.ErrNotFound
	}
	return err
}

func (s *server) listProviders(ctx context.Context, workspace uuid.UUID, _ *struct{}) (*changed[[]OAuthProvider], error) {
	out := []OAuthProvider{}
	if s.oauth == nil {
		return &changed[[]OAuthProvider]{out}, nil
	}
	list, err := s.oauth.Clients(ctx, workspace)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		out = append(out, OAuthProvider{Name: c.Provider, Kind: string(c.Kind), Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes, AppOnly: c.AppOnly})
	}
	return &changed[[]OAuthProvider]{out}, nil
}

func (s *server) putProvider(ctx context.Context, workspace uuid.UUID, in *putProviderIn) (*changed[OAuthProvider], error) {
	if s.oauth == nil {
		return nil, tickets.ErrNotFound
	}
	b := in.Body
	err := s.oauth.PutClient(ctx, auth.From(ctx).Actor, workspace, oauthgmail.Client{
		Provider: b.Name, Kind: oauthgmail.Kind(b.Kind), Issuer: b.Issuer, ClientID: b.ClientID, Secret: b.Secret, Scopes: b.Scopes, AppOnly: b.AppOnly,
	})
	if err != nil {
		var invalid *oauthgmail.InvalidError
		if errors.As(err, &invalid) && invalid.Field == "provider" {
			return nil, &tickets.InvalidError{Field: "name", Reason: invalid.Reason}
		}
		return nil, consentError(err)
	}
	b.Secret = ""
	return &changed[OAuthProvider]{b}, nil
}

// connected returns the mailbox of a path, if this installation knows providers.
func (s *server) connected(ctx context.Context, workspace uuid.UUID, named string) (tickets.Mailbox, error) {
	if s.oauth == nil {
		return tickets.Mailbox{}, tickets.ErrNotFound
	}
	return s.mailbox(ctx, workspace, named)
}

func (s *server) getConsent(ctx context.Context, workspace uuid.UUID, in *pollingIn) (*single[MailboxConsent], error) {
	box, err := s.connected(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	c, err := s.oauth.Consent(ctx, workspace, box.ID)
	if err != nil {
		return nil, consentError(err)
	}
	return one(in.Matched, MailboxConsent{c.Provider, c.Address, c.Scopes, c.MaySend, c.GivenAt.UTC(), c.RefreshAt.UTC(), utc(c.EndedAt), c.Reason, c.MayEndSoon})
}

func (s *server) askConsent(ctx context.Context, workspace uuid.UUID, in *askConsentIn) (*changed[AskedConsent], error) {
	box, err := s.connected(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	b, actor := in.Body, auth.From(ctx).Actor
	if b.Address == "" {
		b.Address = box.Address
	}
	clients, err := s.oauth.Clients(ctx, workspace)
	if err != nil {
		return nil, err
	}
	for _, c := range clients {
		if c.Provider == b.Provider && c.AppOnly {
			return &changed[AskedConsent]{}, consentError(s.oauth.GrantApp(ctx, actor, workspace, box.ID, b.Provider, b.Address))
		}
	}
	url, err := s.oauth.Begin(ctx, oauthgmail.Asking{
		Workspace: workspace, Mailbox: box.ID, Provider: b.Provider, Address: b.Address, Shared: b.Shared, Send: b.Send, Redirect: b.Redirect, Actor: actor,
	})
	if err != nil {
		return nil, consentError(err)
	}
	return &changed[AskedConsent]{AskedConsent{url}}, nil
}

func (s *server) withdrawConsent(ctx context.Context, workspace uuid.UUID, in *boxIn) (*struct{}, error) {
	box, err := s.connected(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	err = s.oauth.Disconnect(ctx, auth.From(ctx).Actor, workspace, box.ID)
	var told *oauthgmail.NotRevokedError
	if errors.As(err, &told) {
		slog.WarnContext(ctx, "a provider was not told of a disconnection", "mailbox", box.ID, "err", err)
		return nil, nil // what is ours to do is done; the log tells the rest
	}
	return nil, consentError(err)
}

func (s *server) listTokenUse(ctx context.Context, workspace uuid.UUID, _ *struct{}) (*changed[[]TokenUse], error) {
	out := []TokenUse{}
	if s.oauth == nil {
		return &changed[[]TokenUse]{out}, nil
	}
	list, err := s.oauth.Uses(ctx, workspace, time.Now().AddDate(0, 0, -400), 10_000)
	if err != nil {
		return nil, err
	}
	for _, u := range list {
		out = append(out, TokenUse{u.Mailbox.String(), u.Day.Format(time.DateOnly), u.Provider, u.Purpose, u.Mails, u.Octets})
	}
	return &changed[[]TokenUse]{out}, nil
}

func (s *server) setMayLeave(ctx context.Context, workspace uuid.UUID, in *mayLeaveIn) (*struct{}, error) {
	if s.oauth == nil {
		return nil, tickets.ErrNotFound
	}
	return nil, s.oauth.SetMayLeave(ctx, auth.From(ctx).Actor, workspace, in.Body.MayLeave)
}

// consentedPage is what a person sees whom the provider sent back.
var consentedPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}} – Postroom</title>
<body><main><h1>{{.Title}}</h1><p>{{.Text}}</p><p><a href="/">Go to Postroom</a></p></main></body></html>
`))

// consented takes a person back from the provider. Nobody needs to be signed in
// for it: the state is a secret that is good once.
func (s *server) consented(w http.ResponseWriter, r *http.Request) {
	page := struct{ Title, Text string }{"The mailbox is connected", "Its mail comes in from now on. You can close this window."}
	status := http.StatusOK
	if s.oauth == nil {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	refusal := q.Get("error")
	if d := q.Get("error_description"); refusal != "" && d != "" {
		refusal += ": " + d
	}
	if _, _, err := s.oauth.Finish(r.Context(), q.Get("state"), q.Get("code"), refusal); err != nil {
		slog.WarnContext(r.Context(), "a consent came to nothing", "request_id", requestOf(r.Context()).id, "err", err)
		status = http.StatusBadRequest
		page.Title, page.Text = "The mailbox is not connected", "It could not be finished; begin again from the mailbox's settings."
		var invalid *tickets.InvalidError
		if errors.As(consentError(err), &invalid) {
			page.Text = invalid.Reason + ". Begin again from the mailbox's settings."
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := consentedPage.Execute(w, page); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}
