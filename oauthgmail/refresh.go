package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/errgroup"
)

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
	var g errgroup.Group // of no limit: turns bound the calls
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
