package imappoll

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/ingest"
	"postroom/internal/postgres"
	"postroom/internal/turn"
	"postroom/internal/vault"
	"postroom/tickets"
)

// A TokenSource gives the access tokens of mailboxes that log in by OAuth.
type TokenSource interface {
	// TokenFor returns a token that is good for some minutes more, if it may be shown
	// to that server.
	TokenFor(ctx context.Context, workspace, mailbox uuid.UUID, host string) (string, error)
	// Refused says that the mail server does not take a token, so that the next one
	// is another.
	Refused(ctx context.Context, workspace, mailbox uuid.UUID, token string) error
	// Used notes how much was read with the mailbox's tokens.
	Used(ctx context.Context, workspace, mailbox uuid.UUID, mails, octets int64) error
}

// Config is what a poller is made of. DB, Vault and Pipeline are needed.
type Config struct {
	DB       *postgres.DB
	Vault    *vault.Vault
	Pipeline *ingest.Pipeline
	Tokens   TokenSource    // nil: no mailbox logs in by OAuth
	Metrics  *Metrics       // nil: measured, but shown nowhere
	Limits   Limits         // zero: DefaultLimits
	Roots    *x509.CertPool // that servers' certificates must lead to; nil: the system's
	// Dial makes connections; nil: the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Poller polls the mailboxes that are this process's share.
type Poller struct {
	accounts
	pipeline *ingest.Pipeline
	tokens   TokenSource
	metrics  *Metrics
	limits   *Limits
	dialer   *dialer
	room     *room
	dials    *turn.Turns
	id       uuid.UUID // of this process, until it ends
	session  string
	poked    chan struct{}

	mu      sync.Mutex
	running map[uuid.UUID]*running // by mailbox
	beatAt  time.Time
	late    []Late
}

// running is a mailbox's goroutine.
type running struct {
	*mailbox
	fence   int64
	version int
	stop    context.CancelFunc
	done    chan struct{}
}

// New returns a poller. It does nothing before Run; its other methods work all the
// same.
func New(c Config) *Poller {
	if c.Limits.Chunk == 0 {
		c.Limits = DefaultLimits
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	id := uuid.Must(uuid.NewV7())
	p := &Poller{
		accounts: accounts{c.DB, c.Vault}, pipeline: c.Pipeline, tokens: c.Tokens, metrics: c.Metrics, limits: &c.Limits,
		room: newRoom(c.Limits.RoomBytes), dials: turn.New(c.Limits.Dials),
		id: id, session: "imap:" + id.String(), poked: make(chan struct{}, 1), running: map[uuid.UUID]*running{},
	}
	p.dialer = &dialer{limits: p.limits, roots: c.Roots, dial: c.Dial}
	c.Metrics.source = p.Statuses
	return p
}

const (
	beatSQL    = `select processes, mailboxes from poll_beat($1, $2)`
	claimSQL   = `select poll_claim($1, $2)`
	heldSQL    = `select workspace_id, mailbox_id, fence, version from poll_held($1)`
	releaseSQL = `select poll_release($1, $2)`
)

// Run polls until ctx ends, and then gives its mailboxes back.
func (p *Poller) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.db.Listen(ctx, changed, func(string) { p.poke() }) })
	wg.Go(func() { p.every(ctx, p.limits.Report, p.report) })
	wg.Go(func() { p.every(ctx, p.limits.UseEvery, p.noteUse) })
	wg.Go(func() { p.every(ctx, max(time.Second, p.limits.LateSlack/3), p.watchLate) })
	for ctx.Err() == nil {
		if err := p.look(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "pollers could not look for their mailboxes", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-p.poked:
		case <-time.After(min(p.limits.Look, p.limits.Lease/3)):
		}
	}
	wg.Wait()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	last := p.all()
	p.stopAll()
	p.reportOf(end, last)
	p.noteUseOf(end, last)
	if _, err := p.db.Exec(end, releaseSQL, p.id, nil); err != nil {
		slog.WarnContext(ctx, "mailboxes could not be given back; their lease runs out by itself", "err", err)
	}
	return nil
}

// Reset forgets who polls what: for a private database that was just started, when
// nobody else can.
func (p *Poller) Reset(ctx context.Context) error {
	_, err := p.db.Exec(ctx, "select poll_reset()")
	return err
}

func (p *Poller) every(ctx context.Context, d time.Duration, do func(context.Context)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

func (p *Poller) poke() {
	select {
	case p.poked <- struct{}{}:
	default:
	}
}

// A holding is a mailbox that is ours to poll.
type holding struct {
	Workspace uuid.UUID `db:"workspace_id"`
	Mailbox   uuid.UUID `db:"mailbox_id"`
	Fence     int64     `db:"fence"`
	Version   int       `db:"version"`
}

// look renews the lease, takes this process's share of the mailboxes, and starts
// and stops goroutines accordingly. When the lease could not be renewed in time
// everything is stopped: others may poll by now.
func (p *Poller) look(ctx context.Context) error {
	qctx, cancel := context.WithTimeout(ctx, max(time.Second, p.limits.Lease/2))
	defer cancel()
	list, err := p.share(qctx)
	if err != nil {
		if p.expired() {
			p.stopAll()
		}
		return err
	}
	held := map[uuid.UUID]bool{}
	for _, h := range list {
		held[h.Mailbox] = true
	}
	for _, r := range p.all() {
		if !held[r.a.Mailbox] {
			p.end(r)
		}
	}
	var failed []error
	for _, h := range list {
		// One mailbox that cannot be begun stops none of the others.
		if err := p.ensure(ctx, h); err != nil && !errors.Is(err, tickets.ErrNotFound) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (p *Poller) expired() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.beatAt) > p.limits.Lease
}

// share renews the lease and returns the mailboxes that are ours. Each process
// takes as many as there are for each; one that has more gives some back.
func (p *Poller) share(ctx context.Context) ([]holding, error) {
	at := time.Now()
	var processes, mailboxes int64
	if err := p.db.Across(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, beatSQL, p.id, p.limits.Lease).Scan(&processes, &mailboxes)
	}); err != nil {
		return nil, fmt.Errorf("renew the lease: %w", err)
	}
	p.mu.Lock()
	p.beatAt = at
	p.mu.Unlock()
	list, err := p.held(ctx)
	if err != nil {
		return nil, err
	}
	fair := int((mailboxes + max(1, processes) - 1) / max(1, processes))
	switch n := len(list); {
	case n > fair:
		_, err = p.db.Exec(ctx, releaseSQL, p.id, n-fair)
	case n < fair:
		_, err = p.db.Exec(ctx, claimSQL, p.id, fair-n)
	default:
		return list, nil
	}
	if err != nil {
		return nil, fmt.Errorf("share the mailboxes: %w", err)
	}
	return p.held(ctx)
}

func (p *Poller) held(ctx context.Context) ([]holding, error) {
	rows, err := p.db.Query(ctx, heldSQL, p.id)
	if err != nil {
		return nil, fmt.Errorf("list the mailboxes held: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[holding])
}

// ensure has a goroutine poll a mailbox under its present fence and settings, and
// replaces one that does not get on any more.
func (p *Poller) ensure(ctx context.Context, h holding) error {
	p.mu.Lock()
	r := p.running[h.Mailbox]
	p.mu.Unlock()
	if r != nil {
		if r.fence == h.Fence && r.version == h.Version && !r.over() && !p.stuck(ctx, r) {
			return nil
		}
		p.end(r)
	}
	a, err := p.read(ctx, h.Workspace, h.Mailbox)
	if err != nil {
		return err
	}
	a.fence = h.Fence
	rctx, stop := context.WithCancel(ctx)
	r = &running{mailbox: p.newMailbox(a), fence: h.Fence, version: a.version, stop: stop, done: make(chan struct{})}
	p.mu.Lock()
	p.running[h.Mailbox] = r
	p.mu.Unlock()
	go func() {
		defer close(r.done)
		defer r.recovered(rctx)
		r.run(rctx)
	}()
	return nil
}

// recovered turns a panic into a failure of this mailbox alone.
func (r *running) recovered(ctx context.Context) {
	if v := recover(); v != nil {
		r.failed(ctx, fmt.Errorf("a fault of ours: %v", v))
	}
}

func (r *running) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// stuckAfter is how long a goroutine may show no progress beyond its interval:
// every wait in it is bounded by less.
const stuckAfter = 15 * time.Minute

func (p *Poller) stuck(ctx context.Context, r *running) bool {
	quiet := time.Since(time.Unix(0, r.touched.Load()))
	if quiet < r.a.PollEvery+max(stuckAfter, p.limits.RefusedMost*2) {
		return false
	}
	slog.ErrorContext(ctx, "a poller does not get on; it is started anew", "mailbox", r.a.Mailbox, "since", quiet)
	return true
}

// endWithin is how long a stopped goroutine is waited for. All that it does ends
// with its context; should one hang all the same, the others must not wait for it.
const endWithin = 10 * time.Second

// end stops a mailbox's goroutine.
func (p *Poller) end(r *running) {
	r.stop()
	select {
	case <-r.done:
	case <-time.After(endWithin):
		slog.Error("a poller does not end; it is left behind", "mailbox", r.a.Mailbox)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[r.a.Mailbox] == r {
		delete(p.running, r.a.Mailbox)
	}
}

func (p *Poller) all() []*running {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*running, 0, len(p.running))
	for _, r := range p.running {
		list = append(list, r)
	}
	return list
}

func (p *Poller) stopAll() {
	list := p.all()
	for _, r := range list {
		r.stop()
	}
	for _, r := range list {
		p.end(r)
	}
}

const reportSQL = `select poll_report($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// report writes how the mailboxes do whose status has changed.
func (p *Poller) report(ctx context.Context) { p.reportOf(ctx, p.all()) }

func (p *Poller) reportOf(ctx context.Context, list []*running) {
	var r struct {
		workspace, mailbox    []uuid.UUID
		fence, backlog, taken []int64
		state, reason         []string
		stateAt               []time.Time
		polledAt              []*time.Time
		failures              []int32
	}
	var told []*running
	for _, m := range list {
		m.mu.Lock()
		if m.dirty {
			told = append(told, m)
			r.workspace, r.mailbox, r.fence = append(r.workspace, m.a.Workspace), append(r.mailbox, m.a.Mailbox), append(r.fence, m.fence)
			r.state, r.stateAt, r.polledAt = append(r.state, string(m.status.State)), append(r.stateAt, m.status.StateAt), append(r.polledAt, m.status.PolledAt)
			r.backlog, r.taken = append(r.backlog, m.status.Backlog), append(r.taken, m.taken)
			r.failures, r.reason = append(r.failures, int32(m.status.Failures)), append(r.reason, m.status.Reason)
			m.dirty, m.taken = false, 0
		}
		m.mu.Unlock()
	}
	if len(told) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := p.db.Exec(ctx, reportSQL, r.workspace, r.mailbox, r.fence, r.state, r.stateAt, r.polledAt, r.backlog, r.taken, r.failures, r.reason)
	if err == nil {
		return
	}
	if ctx.Err() == nil {
		slog.WarnContext(ctx, "the pollers' status could not be written; trying again", "err", err)
	}
	for i, m := range told {
		m.mu.Lock()
		m.dirty, m.taken = true, m.taken+r.taken[i]
		m.mu.Unlock()
	}
}

// noteUse writes how much was read by OAuth, for the account that providers ask
// for.
func (p *Poller) noteUse(ctx context.Context) { p.noteUseOf(ctx, p.all()) }

func (p *Poller) noteUseOf(ctx context.Context, list []*running) {
	for _, m := range list {
		mails, octets := m.usedMails.Swap(0), m.usedOctets.Swap(0)
		if mails == 0 || p.tokens == nil {
			continue
		}
		if err := p.tokens.Used(ctx, m.a.Workspace, m.a.Mailbox, mails, octets); err != nil {
			m.usedMails.Add(mails)
			m.usedOctets.Add(octets)
			slog.WarnContext(ctx, "the use of a token could not be noted; trying again", "mailbox", m.a.Mailbox, "err", err)
		}
	}
}

// ErrNoOAuth means that no provider is set up by which a mailbox could log in.
var ErrNoOAuth = errors.New("no OAuth provider is set up")

// token asks for an access token. What the provider refuses is a refusal, not a
// trouble that passes.
func (p *Poller) token(ctx context.Context, a *Account) (string, error) {
	if p.tokens == nil {
		return "", ErrNoOAuth
	}
	token, err := p.tokens.TokenFor(ctx, a.Workspace, a.Mailbox, a.Host)
	var ended interface{ ConsentEnded() bool }
	if errors.As(err, &ended) && ended.ConsentEnded() {
		return "", &RefusedError{err.Error()}
	}
	if err != nil {
		return "", fmt.Errorf("access token of %s: %w", a.Address, err)
	}
	return token, nil
}
