package ingest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/tickets"
)

// A Route is the mailbox that receives for an address.
type Route struct{ Workspace, Mailbox uuid.UUID }

// The routes that are remembered, and for how long at most. A new mailbox is
// told of at once; the time bounds what a lost notification costs.
const (
	routeCache = 10_000
	routeFor   = 10 * time.Second
)

// routePluses bounds how many pluses of an address are left out one by one.
const routePluses = 4

// routes looks addresses up and remembers those that have a mailbox.
type routes struct {
	db    *postgres.DB
	mu    sync.Mutex
	known map[string]routeEntry
}

type routeEntry struct {
	Route
	until time.Time
}

const routeSQL = `select address, workspace_id, mailbox_id from route($1)`

// Route finds the mailbox that receives for an address, of whichever workspace;
// tickets.ErrNotFound when there is none. What stands behind a plus in the local
// part is left out, from the last plus on, as far as it takes to find a mailbox
// (RFC 5233): so replies to an address with a token find the mailbox that gave it.
func (p *Pipeline) Route(ctx context.Context, address string) (Route, error) {
	address, err := tickets.NormaliseAddress(address)
	if err != nil {
		return Route{}, tickets.ErrNotFound
	}
	if r, ok := p.routes.recall(address); ok {
		return r, nil
	}
	candidates := []string{address}
	local, domain, _ := strings.Cut(address, "@")
	for i := strings.LastIndexByte(local, '+'); i > 0 && len(candidates) <= routePluses; i = strings.LastIndexByte(local, '+') {
		local = local[:i]
		candidates = append(candidates, local+"@"+domain)
	}
	found := map[string]Route{}
	rows, err := p.db.Query(ctx, routeSQL, candidates)
	if err != nil {
		return Route{}, fmt.Errorf("route %s: %w", address, err)
	}
	var at string
	var r Route
	if _, err := pgx.ForEachRow(rows, []any{&at, &r.Workspace, &r.Mailbox}, func() error {
		found[at] = r
		return nil
	}); err != nil {
		return Route{}, fmt.Errorf("route %s: %w", address, err)
	}
	for _, c := range candidates {
		if r, ok := found[c]; ok {
			p.routes.remember(address, r)
			return r, nil
		}
	}
	return Route{}, tickets.ErrNotFound
}

func (r *routes) recall(address string) (Route, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.known[address]
	return e.Route, ok && time.Now().Before(e.until)
}

func (r *routes) remember(address string, to Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= routeCache {
		r.known = map[string]routeEntry{}
	}
	r.known[address] = routeEntry{to, time.Now().Add(routeFor)}
}

// follow forgets all routes whenever a mailbox has changed.
func (r *routes) follow(ctx context.Context) error {
	return r.db.Listen(ctx, tickets.MailboxesChanged, func(string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.known = nil
	})
}
