package oauthgmail

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
)

// Kind is what sort of provider it is.
type Kind string

// The kinds.
const (
	Google    Kind = "google"
	Microsoft Kind = "microsoft"
	OpenID    Kind = "oidc"
)

// What a registration may have, in bytes; scopes are counted.
const (
	maxProvider = 64
	maxIssuer   = 2000
	maxClientID = 500
	maxSecret   = 4000
	maxScopes   = 50
	maxScope    = 200
)

var (
	providerName = regexp.MustCompile(`^[a-z0-9-]+$`)
	tenantDomain = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}$`)
)

// A Client is our registration at a provider.
type Client struct {
	Provider string   // its name here, such as "google"
	Kind     Kind     //
	Issuer   string   // URL of an OpenID provider; for Microsoft the tenant, "" for any
	ClientID string   //
	Secret   string   // "" for a public client, or when it is to stay as it is
	Scopes   []string // besides those that reading mail needs
	AppOnly  bool     // no person consents: the application itself was given access (client credentials)
}

// An InvalidError says which field of a request cannot be taken, and why.
type InvalidError struct{ Field, Reason string }

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// ErrNotFound means that there is no such client, grant or pending consent.
var ErrNotFound = errors.New("not found")

func (c *Client) check() error {
	c.Provider = strings.ToLower(strings.TrimSpace(c.Provider))
	switch {
	case !slices.Contains([]Kind{Google, Microsoft, OpenID}, c.Kind):
		return &InvalidError{"kind", fmt.Sprintf("%q is neither google, microsoft nor oidc", c.Kind)}
	case len(c.Provider) > maxProvider || !providerName.MatchString(c.Provider):
		return &InvalidError{"provider", fmt.Sprintf("it is 1 to %d of a-z, 0-9 and -, such as google", maxProvider)}
	case c.ClientID == "" || len(c.ClientID) > maxClientID || !printable(c.ClientID):
		return &InvalidError{"client_id", fmt.Sprintf("it is what the provider gave you when you registered: 1 to %d printable characters", maxClientID)}
	case len(c.Secret) > maxSecret:
		return &InvalidError{"client_secret", fmt.Sprintf("it has more than %d characters", maxSecret)}
	}
	if err := c.checkIssuer(); err != nil {
		return err
	}
	return c.checkScopes()
}

// checkIssuer tells whether we know whom to speak to. Google is where it is: an
// issuer there would be stored and never used.
func (c *Client) checkIssuer() error {
	switch {
	case len(c.Issuer) > maxIssuer:
		return &InvalidError{"issuer", fmt.Sprintf("it has more than %d characters", maxIssuer)}
	case c.Kind == OpenID && !usable(c.Issuer):
		return &InvalidError{"issuer", "it is the provider's https URL, such as https://login.example.com"}
	case c.Kind == Google && c.Issuer != "" && c.Issuer != googleEndpoints.Issuer:
		return &InvalidError{"issuer", "for Google it is left out; another provider is of the kind oidc"}
	case c.Kind == Microsoft && !tenant(c.Issuer):
		return &InvalidError{"issuer", "for Microsoft it is the tenant: a domain or an id, or left out for any"}
	case c.AppOnly && c.Kind == Google:
		return &InvalidError{"app_only", "Google gives access to mail only to service accounts or with a person's consent"}
	case c.AppOnly && c.Kind == Microsoft && c.Issuer == "":
		return &InvalidError{"issuer", "access without a person needs the tenant"}
	}
	return nil
}

func (c *Client) checkScopes() error {
	if len(c.Scopes) > maxScopes {
		return &InvalidError{"scopes", fmt.Sprintf("there are more than %d", maxScopes)}
	}
	for i, s := range c.Scopes {
		if s == "" || len(s) > maxScope || !printable(s) || strings.ContainsAny(s, ` "\`) { // RFC 6749 §3.3
			return &InvalidError{fmt.Sprintf("scopes[%d]", i), fmt.Sprintf("a scope is 1 to %d printable characters without space, quote and backslash", maxScope)}
		}
	}
	return nil
}

// printable reports whether s is of printable ASCII, as RFC 6749 §A has it.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// tenant reports whether s names a tenant of Microsoft; "" is any.
func tenant(s string) bool {
	if s == "" || slices.Contains([]string{"common", "organizations", "consumers"}, s) {
		return true
	}
	_, err := uuid.Parse(s)
	return err == nil || tenantDomain.MatchString(s)
}

// usable reports whether an issuer may be spoken to: by https, or on this machine.
func usable(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || host == "127.0.0.1" || host == "::1")
}

// endpoints are a provider's addresses.
type endpoints struct {
	Issuer   string `json:"issuer"`
	Auth     string `json:"authorization_endpoint"`
	Token    string `json:"token_endpoint"`
	Revoke   string `json:"revocation_endpoint"`
	Userinfo string `json:"userinfo_endpoint"`
}

// safe reports whether what is sent there is read by nobody else. A provider
// elsewhere does not send us to the services of this machine either.
func (e *endpoints) safe() bool {
	here := strings.HasPrefix(e.Issuer, "http://") // then it is on this machine itself
	for _, at := range []string{e.Auth, e.Token, cmp.Or(e.Revoke, e.Token), cmp.Or(e.Userinfo, e.Token)} {
		if !usable(at) || !here && !strings.HasPrefix(at, "https://") {
			return false
		}
	}
	return true
}

// googleEndpoints are those of
// https://accounts.google.com/.well-known/openid-configuration, which have not
// changed since 2012.
var googleEndpoints = endpoints{
	Issuer: "https://accounts.google.com", Auth: "https://accounts.google.com/o/oauth2/v2/auth",
	Token: "https://oauth2.googleapis.com/token", Revoke: "https://oauth2.googleapis.com/revoke",
	Userinfo: "https://openidconnect.googleapis.com/v1/userinfo",
}

// microsoftEndpoints are those of a tenant. There is no endpoint to revoke at.
func microsoftEndpoints(tenant string) endpoints {
	if tenant == "" {
		tenant = "common"
	}
	base := "https://login.microsoftonline.com/" + tenant
	return endpoints{Auth: base + "/oauth2/v2.0/authorize", Token: base + "/oauth2/v2.0/token", Userinfo: "https://graph.microsoft.com/oidc/userinfo"}
}

// The scopes that reading mail by IMAP needs, and no more, and what sending needs
// besides. Google has one for both, and none that is narrower.
var (
	googleScopes    = []string{"openid", "email", "https://mail.google.com/"}
	microsoftScopes = []string{"openid", "email", "offline_access", "https://outlook.office.com/IMAP.AccessAsUser.All"}
	microsoftApp    = []string{"https://outlook.office365.com/.default"}
	openIDScopes    = []string{"openid", "email", "offline_access"}
	microsoftSend   = "https://outlook.office.com/SMTP.Send"
)

func (c *Client) scopes(send bool) []string {
	var list []string
	switch {
	case c.Kind == Google:
		list = googleScopes
	case c.Kind == Microsoft && c.AppOnly:
		list = microsoftApp
	case c.Kind == Microsoft:
		list = microsoftScopes
	case !c.AppOnly:
		list = openIDScopes
	}
	list = append(slices.Clone(list), c.Scopes...)
	if send && c.Kind == Microsoft && !c.AppOnly {
		list = append(list, microsoftSend)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// A provider is where a client's consent and tokens come from.
type provider struct {
	*Client
	endpoints
	redirect string
	send     bool // the consent is to include sending
}

func (p *provider) scopes() []string { return p.Client.scopes(p.send) }

// maySend reports whether a consent to these scopes lets mail be sent by SMTP. Only
// Microsoft has a scope of its own for it.
func (c *Client) maySend(scopes string) bool {
	return c.Kind != Microsoft || c.AppOnly || slices.ContainsFunc(strings.Fields(scopes), func(s string) bool { return strings.EqualFold(s, microsoftSend) })
}

func (p *provider) config() *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, RedirectURL: p.redirect, Scopes: p.scopes(),
		Endpoint: oauth2.Endpoint{AuthURL: p.Auth, TokenURL: p.Token},
	}
}

// consentParams are what a provider wants besides, to give a refresh token.
func (p *provider) consentParams(address, nonce string) []oauth2.AuthCodeOption {
	params := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", nonce), oauth2.SetAuthURLParam("login_hint", address)}
	if p.Kind == Google {
		// Without prompt=consent Google gives no refresh token a second time.
		params = append(params, oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"), oauth2.SetAuthURLParam("include_granted_scopes", "true"))
	}
	return params
}

// maxAnswer bounds what a provider may answer, in bytes.
const maxAnswer = 1 << 20

// resolve finds a provider's addresses: those of Google and Microsoft are known,
// any other says its own (OpenID Connect Discovery 1.0 §4).
func (s *Service) resolve(ctx context.Context, c *Client) (*provider, error) {
	p := &provider{Client: c}
	switch c.Kind {
	case Google:
		p.endpoints = googleEndpoints
		return p, nil
	case Microsoft:
		p.endpoints = microsoftEndpoints(c.Issuer)
		return p, nil
	}
	if e, ok := s.discovered.Load(c.Issuer); ok && time.Since(e.(found).at) < time.Hour {
		p.endpoints = e.(found).endpoints
		return p, nil
	}
	at := strings.TrimSuffix(c.Issuer, "/") + "/.well-known/openid-configuration"
	if err := s.getJSON(ctx, at, "", &p.endpoints); err != nil {
		return nil, fmt.Errorf("ask %s for its addresses: %w", c.Issuer, err)
	}
	switch {
	case strings.TrimSuffix(p.Issuer(), "/") != strings.TrimSuffix(c.Issuer, "/"):
		return nil, fmt.Errorf("%s calls itself %q: the issuer must be named as it names itself", c.Issuer, p.Issuer())
	case !p.safe():
		return nil, fmt.Errorf("%s names addresses that are not https", c.Issuer)
	}
	s.discovered.Store(c.Issuer, found{p.endpoints, time.Now()})
	return p, nil
}

// found is what discovery said, and when.
type found struct {
	endpoints
	at time.Time
}

// Issuer is what the provider calls itself, "" when that is not known.
func (p *provider) Issuer() string { return p.endpoints.Issuer }

func (s *Service) getJSON(ctx context.Context, at, token string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into)
}
