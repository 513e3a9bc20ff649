package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/errgroup"

	"postroom/internal/alert"
	"postroom/tickets/audit"
)

// An EndedError means that the provider renews a consent no more. Only a person can
// mend it, by consenting again.
type EndedError struct{ Address, Reason string }

func (e *EndedError) Error() string {
	return fmt.Sprintf("the consent of %s has ended: %s", e.Address, e.Reason)
}

// ConsentEnded tells those who cannot know this package what the error is.
func (e *EndedError) ConsentEnded() bool { return true }

// A grant is a consent with its tokens.
type grant struct {
	Mailbox  uuid.UUID  `db:"mailbox_id"`
	Provider string     `db:"provider"`
	Address  string     `db:"address"`
	Scopes   string     `db:"scopes"`
	Refresh  []byte     `db:"refresh"`
	Before   []byte     `db:"refresh_before"`
	Access   []byte     `db:"access"`
	Expires  *time.Time `db:"expires_at"`
	At       time.Time  `db:"refresh_at"`
	Failures int        `db:"failures"`
	Ended    *time.Time `db:"ended_at"`
	Reason   string     `db:"reason"`
	Given    time.Time  `db:"consented_at"`
}

const (
	grantColumns = `mailbox_id, provider, address, scopes, refresh, refresh_before, access, expires_at, refresh_at, failures, ended_at, reason, consented_at`
	grantSQL     = `select ` + grantColumns + ` from oauth_grant where workspace_id = $1 and mailbox_id = $2`
)

func readGrant(ctx context.Context, tx pgx.Tx, sql string, workspace, mailbox uuid.UUID) (grant, error) {
	rows, err := tx.Query(ctx, sql, workspace, mailbox)
	if err != nil {
		return grant{}, err
	}
	g, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[grant])
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("nobody has consented yet: %w", ErrNotFound)
	}
	return g, err
}

// good reports whether the access token can be handed out.
func (g *grant) good() bool {
	return g.Ended == nil && len(g.Access) > 0 && g.Expires != nil && time.Until(*g.Expires) > fresh
}

// Token returns an access token of the mailbox, which is good for two minutes at
// least. *EndedError when the consent has ended; ErrNotFound when there is none.
func (s *Service) Token(ctx context.Context, workspace, mailbox uuid.UUID) (string, error) {
	var g grant
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		g, err = readGrant(ctx, tx, grantSQL, workspace, mailbox)
		return err
	})
	if err == nil && !g.good() {
		g, err = s.refresh(ctx, workspace, mailbox, (*grant).good)
	}
	if err != nil {
		return "", fmt.Errorf("token of mailbox %s: %w", mailbox, err)
	}
	return s.open(ctx, workspace, "oauth_grant:access:"+mailbox.String(), g.Access)
}

// homes are the domains whose mail servers may see the tokens of a provider.
var homes = map[Kind][]string{
	Google:    {"gmail.com", "googlemail.com", "google.com"},
	Microsoft: {"office365.com", "outlook.com", "office.com", "office365.us", "outlook.cn"},
}

// mayShow reports whether a token may be shown to a mail server: those of Google and
// Microsoft are good for the whole mailbox there, so they go nowhere else. Of other
// providers it is not known which servers are theirs.
func mayShow(kind Kind, host string) bool {
	domains, known := homes[kind]
	return !known || slices.ContainsFunc(domains, func(d string) bool {
		return host == d || strings.HasSuffix(host, "."+d)
	})
}

const kindSQL = `
	select c.kind from oauth_grant g join oauth_client c on c.workspace_id = $1 and c.provider = g.provider
	where g.workspace_id = $1 and g.mailbox_id = $2`

// TokenFor returns an access token of the mailbox to be shown to a mail server, as
// Token does; an error when the server is not the provider's.
func (s *Service) TokenFor(ctx context.Context, workspace, mailbox uuid.UUID, host string) (string, error) {
	var kind Kind
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, kindSQL, workspace, mailbox).Scan(&kind)
	})
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return "", fmt.Errorf("token of mailbox %s: %w", mailbox, err)
	case err == nil && !mayShow(kind, host):
		return "", fmt.Errorf("%s is no mail server of %s, where the consent was given: what logs in there is not shown to others", host, kind)
	}
	return s.Token(ctx, workspace, mailbox)
}

const spoilSQL = `update oauth_grant set access = null, refresh_at = now() where workspace_id = $1 and mailbox_id = $2 and access = $3`

// Refused says that the mail server does not take a token, so that the next one is
// another. A token that was replaced meanwhile is left alone.
func (s *Service) Refused(ctx context.Context, workspace, mailbox uuid.UUID, token string) error {
	return s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		g, err := readGrant(ctx, tx, grantSQL, workspace, mailbox)
		if err != nil {
			return err
		}
		if now, err := s.open(ctx, workspace, "oauth_grant:access:"+mailbox.String(), g.Access); err != nil || now != token {
			return err
		}
		_, err = tx.Exec(ctx, spoilSQL, workspace, mailbox, g.Access)
		return err
	})
}

const askedSQL = `
	select case c.kind when 'oidc' then c.issuer else c.kind end
	from oauth_grant g join oauth_client c on c.workspace_id = $1 and c.provider = g.provider
	where g.workspace_id = $1 and g.mailbox_id = $2`

// turn waits until the provider of a mailbox may be asked. All workspaces wait for
// one provider together, and for no other that does not answer.
func (s *Service) turn(ctx context.Context, workspace, mailbox uuid.UUID) (done func(), err error) {
	var provider string
	err = s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, askedSQL, workspace, mailbox).Scan(&provider)
	})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("token of mailbox %s: %w", mailbox, err)
	}
	return s.calls.Take(ctx, provider)
}

// refresh renews a grant unless, once its row is locked, it proves to be good
// already: of all processes that want to, one asks the provider. The row stays
// locked until what the provider answered is committed.
func (s *Service) refresh(ctx context.Context, workspace, mailbox uuid.UUID, good func(*grant) bool) (grant, error) {
	done, err := s.turn(ctx, workspace, mailbox)
	if err != nil {
		return grant{}, err
	}
	defer done()
	// Once the provider may have been asked, its answer is waited for and stored,
	// whoever loses patience: a rotated token that is not stored locks us out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*callWithin)
	defer cancel()
	var g grant
	var failed error // committed all the same
	err = s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		if g, err = readGrant(ctx, tx, grantSQL+" for no key update", workspace, mailbox); err != nil {
			return err
		}
		switch {
		case g.Ended != nil:
			failed = &EndedError{g.Address, g.Reason}
			return nil
		case good(&g):
			return nil
		}
		c, err := s.readClient(ctx, tx, workspace, g.Provider)
		if err != nil {
			return err
		}
		failed, err = s.renew(ctx, tx, workspace, c, &g)
		return err
	})
	if err == nil {
		err = failed
	}
	return g, err
}

const renewedSQL = `
	update oauth_grant set refresh = $3, refresh_before = $4, access = $5, expires_at = $6, refresh_at = $7,
		refreshes = refreshes + 1, failures = 0, reason = ''
	where workspace_id = $1 and mailbox_id = $2`

// renew asks the provider for new tokens and writes what came of it. What the
// provider refuses for good ends the grant.
func (s *Service) renew(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, c *Client, g *grant) (failed, err error) {
	p, err := s.resolve(ctx, c)
	if err != nil {
		return s.postpone(ctx, tx, workspace, g, err)
	}
	token, used, err := s.ask(ctx, workspace, p, g)
	switch {
	case ended(err):
		return s.end(ctx, tx, workspace, p, g, err)
	case err != nil:
		return s.postpone(ctx, tx, workspace, g, err)
	}
	refresh, access, err := s.sealTokens(ctx, workspace, g.Mailbox, token)
	if err != nil {
		return nil, err
	}
	token.Expiry = expiry(token)
	before := g.Before
	if len(refresh) > 0 {
		before = used
	} else {
		refresh = used // the provider lets us keep it
	}
	g.Refresh, g.Before, g.Access, g.Expires = refresh, before, access, &token.Expiry
	_, err = tx.Exec(ctx, renewedSQL, workspace, g.Mailbox, refresh, before, access, token.Expiry, refreshAt(token.Expiry))
	return nil, err
}

// ask sends the refresh token; when it is refused, the one before it: where the
// answer that replaced it was lost, that may be the one that counts. It returns
// which of them was taken.
func (s *Service) ask(ctx context.Context, workspace uuid.UUID, p *provider, g *grant) (*oauth2.Token, []byte, error) {
	if p.AppOnly {
		token, err := s.appToken(ctx, p)
		return token, nil, err
	}
	var first error
	for _, sealed := range [][]byte{g.Refresh, g.Before} {
		if len(sealed) == 0 {
			continue
		}
		plain, err := s.open(ctx, workspace, "oauth_grant:refresh:"+g.Mailbox.String(), sealed)
		if err != nil {
			return nil, nil, err
		}
		cctx, cancel := context.WithTimeout(s.withClient(ctx), callWithin)
		token, err := sound(p.config().TokenSource(cctx, &oauth2.Token{RefreshToken: plain}).Token())
		cancel()
		if err == nil {
			if token.RefreshToken == plain {
				token.RefreshToken = "" // the library fills it in
			}
			return token, sealed, nil
		}
		if first == nil {
			first = err
		}
		if !ended(err) {
			return nil, nil, err
		}
	}
	return nil, nil, first
}

func (s *Service) appToken(ctx context.Context, p *provider) (*oauth2.Token, error) {
	cc := clientcredentials.Config{ClientID: p.ClientID, ClientSecret: p.Secret, TokenURL: p.Token, Scopes: p.scopes()}
	cctx, cancel := context.WithTimeout(s.withClient(ctx), callWithin)
	defer cancel()
	return sound(cc.Token(cctx))
}

// maxToken bounds a token, in bytes; Microsoft's have some 2,500.
const maxToken = 32 << 10

// sound passes a provider's answer on if its token can be sent to a mail server: it
// is put between control characters there (RFC 6750 §2.1, RFC 7628 §3.1).
func sound(token *oauth2.Token, err error) (*oauth2.Token, error) {
	if err == nil && (len(token.AccessToken) > maxToken || !printable(token.AccessToken) || strings.Contains(token.AccessToken, " ")) {
		err = errors.New("the provider gave a token that is none: it is too long, or holds characters that no token has")
	}
	if err != nil {
		return nil, err
	}
	return token, nil
}

// expiry is when a token expires. Where the provider does not say, or says that it
// has already, an hour is usual (RFC 6749 §5.1), and the mail server's refusal tells
// when it was less.
func expiry(token *oauth2.Token) time.Time {
	if token.Expiry.Before(time.Now()) {
		return time.Now().Add(time.Hour)
	}
	return token.Expiry
}

// refreshAt is when a token is to be renewed: well before it expires, and not all
// of them at the same moment.
func refreshAt(expires time.Time) time.Time {
	life := time.Until(expires)
	early := min(ahead, life/aheadShare)
	return expires.Add(-early - time.Duration(rand.Float64()*float64(early)/2))
}

const postponeSQL = `
	update oauth_grant set failures = failures + 1, reason = $3, refresh_at = now() + $4::interval where workspace_id = $1 and mailbox_id = $2`

// postpone notes a failure that may pass.
func (s *Service) postpone(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, g *grant, cause error) (failed, err error) {
	cause = fmt.Errorf("renew the access of %s: %w", g.Address, plainly(cause))
	wait := min(retryMost, retryFirst<<min(g.Failures, 10))
	wait = wait/2 + rand.N(wait)
	_, err = tx.Exec(ctx, postponeSQL, workspace, g.Mailbox, plain(cause.Error()), wait)
	return cause, err
}

const endSQL = `
	update oauth_grant set ended_at = now(), access = null, reason = $3, failures = failures + 1 where workspace_id = $1 and mailbox_id = $2`

// end notes that the provider renews the grant no more, and calls for a person. The
// refresh tokens are kept: a provider that was wrong may take them again.
func (s *Service) end(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, p *provider, g *grant, cause error) (failed, err error) {
	reason := p.causes(plainly(cause).Error(), time.Since(g.Given))
	if _, err := tx.Exec(ctx, endSQL, workspace, g.Mailbox, reason); err != nil {
		return nil, err
	}
	// The audit's chain is locked before alerts are, as everywhere.
	if err := audit.Write(ctx, tx, workspace, audit.Entry{Actor: "pipeline", Action: "mailbox.consent_ended", Target: target(g.Mailbox),
		Detail: map[string]any{"provider": g.Provider}}); err != nil {
		return nil, err
	}
	if err := alert.Raise(ctx, tx, workspace, alert.Alert{
		Kind: alert.Consent, Target: target(g.Mailbox),
		What:   fmt.Sprintf("Mail of %s is not coming in: %s", g.Address, reason),
		Advice: "Consent again in the mailbox's settings; polling goes on where it was, and nothing that arrives meanwhile is lost.",
	}); err != nil {
		return nil, err
	}
	return &EndedError{g.Address, reason}, nil
}

// ended reports whether a provider refuses for good: RFC 6749 §5.2.
func ended(err error) bool {
	var re *oauth2.RetrieveError
	return errors.As(err, &re) && (re.ErrorCode == "invalid_grant" || re.ErrorCode == "interaction_required" || re.ErrorCode == "consent_required")
}

// testingFor is how long a consent lasts while the registration at Google is in
// testing.
const testingFor = 7 * 24 * time.Hour

// causes says why a consent may have ended, the likeliest first.
func (p *provider) causes(said string, age time.Duration) string {
	var list []string
	switch p.Kind {
	case Google:
		if age > testingFor-12*time.Hour && age < testingFor+36*time.Hour {
			list = append(list, "the registration at Google is still in testing, where every consent ends after seven days")
		}
		list = append(list, "the account's password was changed", "access was taken away in the account's settings", "it was not used for six months", "more than a hundred consents were given to the same registration")
	case Microsoft:
		list = append(list, "the account's password was changed or reset", "an administrator took access away or now asks for a second factor", "it was not used for 90 days")
	default:
		list = append(list, "access was taken away at the provider", "the account was changed there")
	}
	return fmt.Sprintf("the provider no longer renews the access (%s). Likely causes: %s", plain(said), strings.Join(list, "; "))
}

// plainly is a provider's refusal in its own words, without what was sent to it.
func plainly(err error) error {
	var re *oauth2.RetrieveError
	if !errors.As(err, &re) {
		var ue *url.Error
		if errors.As(err, &ue) {
			return fmt.Errorf("%s cannot be reached: %w", hostOf(ue.URL), ue.Err)
		}
		return err
	}
	words := re.ErrorCode
	if words == "" && re.Response != nil {
		words = re.Response.Status
	}
	if re.ErrorDescription != "" {
		words += ": " + re.ErrorDescription
	}
	return &refusal{plain(words), err}
}

// refusal keeps the cause for errors.As.
type refusal struct {
	words string
	cause error
}

func (r *refusal) Error() string { return r.words }
func (r *refusal) Unwrap() error { return r.cause }

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the provider"
	}
	return u.Host
}

// plain makes a provider's words fit for a text column and a line.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "")
	}
	return s
}

const dueSQL = `select workspace_id, mailbox_id from oauth_due($1)`

// Run refreshes tokens before they expire, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := s.refreshDue(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "tokens could not be refreshed ahead of need", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Service) refreshDue(ctx context.Context) error {
	type due struct {
		Workspace uuid.UUID `db:"workspace_id"`
		Mailbox   uuid.UUID `db:"mailbox_id"`
	}
	rows, err := s.db.Query(ctx, dueSQL, 100)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(len(list) + 1) // turns bound the calls
	for _, d := range list {
		g.Go(func() error {
			_, err := s.refresh(ctx, d.Workspace, d.Mailbox, func(g *grant) bool { return time.Now().Before(g.At) })
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "a token could not be refreshed", "workspace", d.Workspace, "mailbox", d.Mailbox, "err", err)
			}
			return nil
		})
	}
	return g.Wait()
}

const dropGrantSQL = `delete from oauth_grant where workspace_id = $1 and mailbox_id = $2`

// Disconnect takes a mailbox's consent back at the provider and erases its tokens.
// They are erased even when the provider does not answer; the error then says so.
func (s *Service) Disconnect(ctx context.Context, actor string, workspace, mailbox uuid.UUID) error {
	var revoked error
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		g, err := readGrant(ctx, tx, grantSQL+" for update", workspace, mailbox)
		if err != nil {
			return err
		}
		c, err := s.readClient(ctx, tx, workspace, g.Provider)
		if err != nil {
			return err
		}
		revoked = s.revoke(ctx, workspace, c, g)
		if _, err := tx.Exec(ctx, dropGrantSQL, workspace, mailbox); err != nil {
			return err
		}
		if err := audit.Write(ctx, tx, workspace, audit.Entry{Actor: actor, Action: "mailbox.disconnect", Target: target(mailbox),
			Detail: map[string]any{"provider": g.Provider, "revoked": revoked == nil}}); err != nil {
			return err
		}
		return alert.Resolve(ctx, tx, workspace, target(mailbox), alert.Consent)
	})
	if err != nil {
		return fmt.Errorf("disconnect mailbox %s: %w", mailbox, err)
	}
	return revoked
}

// A NotRevokedError means that tokens were erased here, but that the provider was
// not told.
type NotRevokedError struct{ Cause error }

func (e *NotRevokedError) Error() string {
	return "the tokens are erased here, but the provider could not be told: remove Postroom in the account's settings there: " + e.Cause.Error()
}
func (e *NotRevokedError) Unwrap() error { return e.Cause }

// revoke tells the provider (RFC 7009).
func (s *Service) revoke(ctx context.Context, workspace uuid.UUID, c *Client, g grant) error {
	p, err := s.resolve(ctx, c)
	if err != nil {
		return &NotRevokedError{err}
	}
	if p.AppOnly {
		return nil // it was never a person's
	}
	if p.Revoke == "" {
		return &NotRevokedError{errors.New("it offers no way to")}
	}
	token, err := s.open(ctx, workspace, "oauth_grant:refresh:"+g.Mailbox.String(), g.Refresh)
	if err != nil || token == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	body := url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Revoke, strings.NewReader(body.Encode()))
	if err != nil {
		return &NotRevokedError{err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.Secret))
	resp, err := s.client.Do(req)
	if err != nil {
		return &NotRevokedError{plainly(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusBadRequest { // 400: it was dead already
		return &NotRevokedError{fmt.Errorf("it answers %s", resp.Status)}
	}
	return nil
}
