package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// How long the cluster may take to answer after a start (crash recovery
// included) and to stop, and how often a watched server is looked at.
const (
	startWithin = 2 * time.Minute
	stopWithin  = 8 * time.Second
	watchEvery  = 100 * time.Millisecond

	// A server that ends at once is started again for retryWithin; who watches it
	// tries that again and again, restEvery apart.
	retryWithin = 20 * time.Second
	retryEvery  = 200 * time.Millisecond
	restEvery   = 5 * time.Second
)

// ErrInUse means that another process of this machine owns the cluster.
var ErrInUse = errors.New("another postroom process uses this data directory")

// A Cluster is the private PostgreSQL server in a data directory. It listens on
// a unix socket only, runs as an unprivileged user when we are root, and
// outlives us if we are killed: the next owner adopts it.
//
//	absent ──initdb──> stopped ──start──> running ──stop──> stopped
//	                      ^                  │ we die: adopted by the next owner
//	                      └────server dies───┘ started again by Run
type Cluster struct {
	layout layout
	extra  []string // further server settings, "name=value"

	mu     sync.Mutex
	lock   *os.File // held: we own the cluster; nil: a guest of the owner
	server *server  // nil when a guest
}

// ClusterConfig says where a cluster lives.
type ClusterConfig struct {
	Dir      string   // made if absent; the server's files are kept in Dir/postgres
	Settings []string // further server settings, "name=value"
	Guest    bool     // join the cluster of a running owner instead of reporting ErrInUse
}

// StartCluster makes, starts or adopts the cluster in cfg.Dir and returns when it
// answers. The caller stops it with Stop, and lets Run watch it meanwhile.
func StartCluster(ctx context.Context, cfg ClusterConfig) (*Cluster, error) {
	l, err := prepareLayout(ctx, cfg.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{layout: l, extra: cfg.Settings}
	c.lock, err = lockFile(c.layout.lock)
	if errors.Is(err, ErrInUse) && cfg.Guest {
		return c, c.waitReady(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", cfg.Dir, err)
	}
	if err := c.begin(ctx); err != nil {
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// begin brings the cluster from wherever it is to running, with its database made.
func (c *Cluster) begin(ctx context.Context) error {
	if err := c.layout.initialise(ctx); err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	return c.makeDatabase(ctx)
}

// start adopts the server that already runs in our directory, or starts one.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.layout.checkOwner(); err != nil {
		return err
	}
	for begun, said := time.Now(), false; ; {
		s, err := c.layout.adopt()
		if err != nil {
			return err
		}
		if s == nil {
			if s, err = c.layout.launch(c.extra); err != nil {
				return err
			}
		}
		c.mu.Lock()
		c.server = s
		c.mu.Unlock()
		err = c.waitServer(ctx, s)
		if err == nil || ctx.Err() != nil || s.alive() {
			return err
		}
		// A server that ends while it starts mostly waits for the shared memory of
		// its killed predecessor, which is gone in seconds. Else it stays as it is.
		if time.Since(begun) > retryWithin {
			return err
		}
		if !said {
			slog.WarnContext(ctx, "database server ended while starting; trying again", "for", retryWithin, "err", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
}

// waitServer returns nil once the server answers, or an error when it has ended
// or says nothing for too long. A server that recovers from a crash says so; it
// is given the time that it needs, for to begin again would not be faster.
func (c *Cluster) waitServer(ctx context.Context, s *server) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(startWithin, cancel)
	defer silence.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.answers(ctx)
		if err == nil {
			return nil
		}
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "57P03" { // starting up
			silence.Reset(startWithin)
		}
		if !s.alive() {
			return fmt.Errorf("the database server did not start; the last lines of %s:\n%s", c.layout.log, c.layout.logTail())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the database server does not answer: %w; its log is %s", err, c.layout.log)
		case <-tick.C:
		}
	}
}

// waitReady waits for the owner's server.
func (c *Cluster) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		err := c.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the running database does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *Cluster) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.layout.url(c.layout.superuser(), "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// makeDatabase makes the two roles and the database where they are missing. A
// kill between any two of its statements is mended by the next call.
func (c *Cluster) makeDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.layout.url(c.layout.superuser(), "postgres"))
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	steps := []struct{ present, make string }{
		{"select from pg_roles where rolname = 'postroom_app'", "create role postroom_app login nosuperuser nobypassrls"},
		{"select from pg_roles where rolname = 'postroom_owner'", "create role postroom_owner login nosuperuser nobypassrls in role postroom_app"},
		{"select from pg_database where datname = 'postroom'", "create database postroom owner postroom_owner"},
	}
	for _, s := range steps {
		tag, err := conn.Exec(ctx, s.present)
		if err == nil && tag.RowsAffected() == 0 {
			_, err = conn.Exec(ctx, s.make)
		}
		if err != nil {
			return fmt.Errorf("make the database: %s: %w", s.make, err)
		}
	}
	return nil
}

// Config returns how to connect: the application under its own role, migrations
// under the owner's.
func (c *Cluster) Config() Config {
	return Config{
		URL:      c.layout.url(appRole, "postroom"),
		OwnerURL: c.layout.url("postroom_owner", "postroom"),
	}
}

// Socket returns the directory of the server's socket, which clients take as its host.
func (c *Cluster) Socket() string { return c.layout.socket }

// PID returns the process id of the database server, 0 when a guest.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return 0
	}
	return c.server.pid
}

// Guest reports whether another process owns the cluster.
func (c *Cluster) Guest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lock == nil
}

// inherit takes the cluster over when its owner has gone, and reports whether it
// is ours now.
func (c *Cluster) inherit(ctx context.Context) bool {
	lock, err := lockFile(c.layout.lock)
	if err != nil {
		return false
	}
	slog.InfoContext(ctx, "the process that owned the database has gone; this one owns it now", "dir", c.layout.data)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lock = lock
	return true
}

// Run watches the server and starts it again when it has died, until ctx ends. A
// guest becomes the owner when the owner has gone.
func (c *Cluster) Run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if c.Guest() && !c.inherit(ctx) {
			continue
		}
		c.mu.Lock()
		inherited, dead := c.server == nil, c.server != nil && !c.server.alive()
		c.mu.Unlock()
		if dead {
			slog.ErrorContext(ctx, "the database server died; starting it again", "dir", c.layout.data)
		} else if !inherited {
			continue
		}
		if err := c.start(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the database server could not be started; trying again", "in", restEvery, "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(restEvery):
			}
		}
	}
}

// Stop ends the server cleanly and gives the cluster free. A guest only leaves.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	s, lock := c.server, c.lock
	c.server = nil
	c.mu.Unlock()
	if lock == nil {
		return nil
	}
	defer func() { _ = lock.Close() }() // closing releases the lock
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	// Fast shutdown first; immediate when time is up: recovery then replays the log.
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := s.signal(sig); err != nil {
			return nil // gone already
		}
		if s.waitGone(ctx) {
			return nil
		}
		var more context.CancelFunc
		ctx, more = context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer more()
	}
	return fmt.Errorf("the database server (process %d) did not stop", s.pid)
}

func (l layout) url(user, database string) string {
	q := url.Values{"host": {l.socket}, "user": {user}, "sslmode": {"disable"}}
	return "postgres:///" + database + "?" + q.Encode()
}
