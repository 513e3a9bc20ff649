package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"postroom/internal/postgres"
	"postroom/internal/turn"
	"postroom/internal/vault"
	"postroom/tickets/audit"
)

const (
	callWithin = 20 * time.Second // one call to a provider
	flowFor    = 15 * time.Minute // from Begin to Finish
	fresh      = 2 * time.Minute  // a token is good for at least this much more when it is handed out
	ahead      = 10 * time.Minute // refreshing begins at most this long before it expires,
	aheadShare = 4                // and no sooner than in the last quarter of its life
	lookEvery  = 5 * time.Second  // for grants to be refreshed
	atOnce     = 4                // refreshes at the same time, in one process
	retryFirst = 5 * time.Second  // after a refresh failed; doubled by each further one
	retryMost  = 10 * time.Minute
)

// Config is what a service is made of. DB and Vault are needed.
type Config struct {
	DB     *postgres.DB
	Vault  *vault.Vault
	Client *http.Client // nil: one with bounded times, which is not sent elsewhere
}

// A Service keeps the consents and tokens of all workspaces. Any number of
// processes may share one database.
type Service struct {
	db         *postgres.DB
	vault      *vault.Vault
	client     *http.Client
	discovered sync.Map // issuer → found
	calls      *turn.Turns
}

// New returns the service kept in the database. Its methods work without Run,
// which only refreshes ahead of need.
func New(c Config) *Service {
	if c.Client == nil {
		c.Client = &http.Client{
			Timeout: callWithin,
			// Codes and tokens go to the addresses that the provider named, and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Service{db: c.DB, vault: c.Vault, client: c.Client, calls: turn.New(atOnce)}
}

func (s *Service) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, s.client)
}

// seal and open keep secrets; row says where they are stored.
func (s *Service) seal(ctx context.Context, workspace uuid.UUID, row, plain string) ([]byte, error) {
	if plain == "" {
		return nil, nil
	}
	box, err := s.vault.Box(ctx, workspace)
	if err != nil {
		return nil, err
	}
	return box.Seal([]byte(plain), []byte(row))
}

func (s *Service) open(ctx context.Context, workspace uuid.UUID, row string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	box, err := s.vault.Box(ctx, workspace)
	if err != nil {
		return "", err
	}
	plain, err := box.Open(sealed, []byte(row))
	return string(plain), err
}

const putClientSQL = `
	insert into oauth_client as c (workspace_id, provider, kind, issuer, client_id, secret, scopes, app_only)
	values ($1, $2, $3, $4, $5, $6, $7, $8)
	on conflict (workspace_id, provider) do update set kind = excluded.kind, issuer = excluded.issuer, client_id = excluded.client_id,
		secret = coalesce(excluded.secret, c.secret), scopes = excluded.scopes, app_only = excluded.app_only`

// PutClient stores our registration at a provider, or changes it.
func (s *Service) PutClient(ctx context.Context, actor string, workspace uuid.UUID, c Client) error {
	if err := c.check(); err != nil {
		return err
	}
	secret, err := s.seal(ctx, workspace, "oauth_client:"+c.Provider, c.Secret)
	if err != nil {
		return err
	}
	if c.Scopes == nil {
		c.Scopes = []string{}
	}
	err = s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, putClientSQL, workspace, c.Provider, c.Kind, c.Issuer, c.ClientID, secret, c.Scopes, c.AppOnly); err != nil {
			return err
		}
		return audit.Write(ctx, tx, workspace, audit.Entry{Actor: actor, Action: "oauth_client.put", Target: "oauth_client:" + c.Provider,
			Detail: map[string]any{"kind": c.Kind, "client_id": c.ClientID, "issuer": c.Issuer, "app_only": c.AppOnly}})
	})
	if err != nil {
		return fmt.Errorf("provider %s: %w", c.Provider, err)
	}
	return nil
}

const (
	clientColumns = `provider, kind, issuer, client_id, secret, scopes, app_only`
	clientSQL     = `select ` + clientColumns + ` from oauth_client where workspace_id = $1 and provider = $2`
	clientsSQL    = `select ` + clientColumns + ` from oauth_client where workspace_id = $1 order by provider`
)

func (s *Service) readClient(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, name string) (*Client, error) {
	c, secret, err := scanClient(tx.QueryRow(ctx, clientSQL, workspace, name))
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err == nil {
		c.Secret, err = s.open(ctx, workspace, "oauth_client:"+c.Provider, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("provider %q: %w", name, err)
	}
	return c, nil
}

func scanClient(row pgx.Row) (*Client, []byte, error) {
	var c Client
	var secret []byte
	err := row.Scan(&c.Provider, &c.Kind, &c.Issuer, &c.ClientID, &secret, &c.Scopes, &c.AppOnly)
	return &c, secret, err
}

// Clients lists a workspace's registrations, without their secrets.
func (s *Service) Clients(ctx context.Context, workspace uuid.UUID) ([]Client, error) {
	var list []Client
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, clientsSQL, workspace)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Client, error) {
			c, _, err := scanClient(row)
			return *c, err
		})
		return err
	})
	return list, err
}
