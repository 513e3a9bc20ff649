package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"postroom/api"
	"postroom/api/auth"
	"postroom/api/ui"
	"postroom/classify/control"
	"postroom/ingest"
	"postroom/ingest/smtpd"
)

type serveCmd struct {
	SMTP           string         `name:"smtp" help:"Address to receive mail by SMTP; ${default} when not given." default:"127.0.0.1:2525" env:"POSTROOM_SMTP" placeholder:"ADDR"`
	LMTP           string         `name:"lmtp" help:"Path of the unix socket to receive mail by LMTP; off for none. Default: lmtp.sock in the data directory." env:"POSTROOM_LMTP" placeholder:"PATH"`
	HTTP           string         `name:"http" help:"Address of the API and the pages; ${default} when not given." default:"127.0.0.1:8080" env:"POSTROOM_HTTP" placeholder:"ADDR"`
	Parts          []string       `help:"Parts that this process runs, of smtp, lmtp, poll, work and web; all when not given." default:"smtp,lmtp,poll,work,web" enum:"smtp,lmtp,poll,work,web" env:"POSTROOM_PARTS" placeholder:"LIST"`
	AdminToken     string         `help:"Token that signs the administrator in. Default: made on first start, printed, and kept in the data directory." env:"POSTROOM_ADMIN_TOKEN" placeholder:"TOKEN"`
	TrustedProxies []netip.Prefix `help:"Networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed." env:"POSTROOM_TRUSTED_PROXIES" placeholder:"CIDR"`
	Hostname       string         `help:"Name in the SMTP greeting and in Received fields. Default: the machine's." env:"POSTROOM_HOSTNAME" placeholder:"NAME"`
	TLSCert        string         `name:"tls-cert" help:"Certificate chain for STARTTLS, as PEM. Default: self-signed, made on first start." env:"POSTROOM_TLS_CERT" type:"path" placeholder:"FILE"`
	TLSKey         string         `name:"tls-key" help:"Key of the certificate, as PEM." env:"POSTROOM_TLS_KEY" type:"path" placeholder:"FILE"`
	Pprof          string         `help:"Address of Go's profiler (net/http/pprof); off by default, and never to be reached from outside." env:"POSTROOM_PPROF" placeholder:"ADDR"`
	Lease          time.Duration  `help:"How long a claimed message belongs to a process that does not answer." default:"1m" env:"POSTROOM_LEASE" hidden:""`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, g *globals, std streams) error {
	return c.serve(ctx, g, std, nil)
}

// A serving is an instance with its doors open.
type serving struct {
	*instance
	cmd   *serveCmd
	smtpd *smtpd.Server
	web   *http.Server
	token adminToken

	smtpAddr net.Addr
	lmtpPath string
	httpLis  net.Listener
}

// serve runs the product; then, once it is ready, is run beside it.
func (c *serveCmd) serve(ctx context.Context, g *globals, std streams, then func(context.Context, *serving) error) error {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	limits := ingest.DefaultLimits
	limits.Lease = c.Lease
	in, err := open(ctx, g, wants{makes: true, works: c.has("work"), limits: limits, metrics: metrics})
	if err != nil {
		return err
	}
	s := &serving{instance: in, cmd: c}
	err = s.openDoors(metrics)
	if err == nil {
		err = s.run(ctx, std, then)
	}
	if cerr := in.close(ctx); err == nil {
		err = cerr
	}
	return err
}

func (c *serveCmd) has(part string) bool { return slices.Contains(c.Parts, part) }

// openDoors opens every listener, so that what the ready line says is true.
func (s *serving) openDoors(metrics *prometheus.Registry) error {
	c := s.cmd
	host := c.Hostname
	if host == "" {
		host, _ = os.Hostname()
	}
	tlsConfig, err := smtpd.TLSConfig(c.TLSCert, c.TLSKey, s.data, host)
	if err != nil {
		return err
	}
	s.smtpd = smtpd.New(smtpd.Config{Pipeline: s.pipeline, Hostname: host, TLS: tlsConfig, MaxBytes: ingest.DefaultLimits.MessageBytes})
	if c.has("smtp") {
		if s.smtpAddr, err = s.smtpd.ListenSMTP(c.SMTP); err != nil {
			return err
		}
	}
	if err := s.openLMTP(); err != nil {
		return err
	}
	if !c.has("web") {
		return nil
	}
	if s.token, err = loadAdminToken(c.AdminToken, s.data); err != nil {
		return err
	}
	if s.httpLis, err = net.Listen("tcp", c.HTTP); err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	s.web = s.newWeb(metrics)
	return nil
}

// maxSocketPath is what the system allows for a unix socket's path.
const maxSocketPath = 107

func (s *serving) openLMTP() error {
	path := s.cmd.LMTP
	if !s.cmd.has("lmtp") || path == "off" {
		return nil
	}
	if path == "" {
		if path = filepath.Join(s.data, "lmtp.sock"); len(path) > maxSocketPath {
			slog.Warn("no LMTP: the path of its socket in the data directory is too long; choose one with --lmtp", "path", path)
			return nil
		}
	}
	s.lmtpPath = path
	return s.smtpd.ListenLMTP(path)
}

func (s *serving) newWeb(metrics *prometheus.Registry) *http.Server {
	a := auth.New(s.db, auth.Config{AdminToken: s.token.text, Proxies: s.cmd.TrustedProxies})
	handler := api.Handler(api.Config{
		Desk: s.desk, Pipeline: s.pipeline, Filter: control.New(s.db, s.filter), Auth: a,
		UI:      ui.New(ui.Config{Desk: s.desk, Pipeline: s.pipeline, Auth: a}),
		Metrics: promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}),
		Ready:   s.ready,
		Poller:  s.poller, OAuth: s.oauth,
	})
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute, // where a mail comes or goes, the handler allows more
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
}

// run runs all parts until ctx ends or one fails. Doors close first, so that all
// they promised is still carried on; then the pipeline; the database last.
func (s *serving) run(ctx context.Context, std streams, then func(context.Context, *serving) error) error {
	inner, stopInner := context.WithCancel(context.WithoutCancel(ctx))
	defer stopInner()
	var behind errgroup.Group
	if s.cluster != nil {
		behind.Go(func() error { return s.cluster.Run(inner) })
		// Nobody else holds leases on a private database that was just started.
		if err := s.poller.Reset(ctx); err != nil {
			slog.WarnContext(ctx, "the last run still holds its mailboxes for half a minute", "err", err)
		}
		if n, err := s.pipeline.ReleaseLeases(ctx); err != nil {
			slog.WarnContext(ctx, "leases of the last run could not be given free; they run out by themselves", "err", err)
		} else if n > 0 {
			slog.InfoContext(ctx, "going on with messages of the last run", "messages", n)
		}
	}
	behind.Go(func() error { return s.pipeline.Run(inner) })
	behind.Go(func() error { return s.filter.Run(inner) })
	doors, dctx := errgroup.WithContext(ctx)
	if s.smtpAddr != nil || s.lmtpPath != "" {
		doors.Go(func() error { return s.smtpd.Run(dctx) })
	}
	if s.cmd.has("poll") {
		doors.Go(func() error { return s.poller.Run(dctx) })
		doors.Go(func() error { return s.oauth.Run(dctx) })
	}
	if s.web != nil {
		doors.Go(func() error { return runWeb(dctx, s.web, s.httpLis) })
	}
	if s.cmd.Pprof != "" {
		doors.Go(func() error { return runProfiler(dctx, s.cmd.Pprof) })
	}
	doors.Go(func() error { // a process may have no doors at all
		<-dctx.Done()
		return nil
	})
	s.sayReady(std)
	if then != nil {
		doors.Go(func() error { return then(dctx, s) })
	}
	err := doors.Wait()
	stopInner()
	return errors.Join(err, behind.Wait())
}

// ready names the parts that cannot do their work.
func (s *serving) ready(ctx context.Context) map[string]string {
	bad := s.pipeline.Ready(ctx)
	if why := s.poller.Ready(); why != "" {
		bad["poll"] = why
	}
	return bad
}

// sayReady prints where everything is; the first start also says what to keep.
func (s *serving) sayReady(std streams) {
	line := "postroom ready"
	if s.smtpAddr != nil {
		line += " smtp=" + s.smtpAddr.String()
	}
	if s.lmtpPath != "" {
		line += " lmtp=" + s.lmtpPath
	}
	if s.httpLis != nil {
		line += " http=" + s.url()
	}
	line += fmt.Sprintf(" data=%s pid=%d", s.data, os.Getpid())
	if s.cluster != nil {
		line += fmt.Sprintf(" database_pid=%d", s.cluster.PID())
	}
	if s.keyMade != "" {
		fmt.Fprintf(std.err, "\n  A master key was made: %s\n  Everything stored is sealed with it. Without it no mail can ever be read again:\n  keep a copy in a safe place, apart from the backups.\n\n", s.keyMade)
	}
	if s.token.made {
		fmt.Fprintf(std.err, "  The administrator's token: %s\n  It is kept in %s\n\n", s.token.text, s.token.path)
	}
	fmt.Fprintln(std.out, line)
}

func (s *serving) url() string {
	u := url.URL{Scheme: "http", Host: s.httpLis.Addr().String()}
	return u.String()
}

// runProfiler serves Go's profiles until ctx ends.
func runProfiler(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the profiler: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	slog.InfoContext(ctx, "profiler", "address", l.Addr().String())
	return runWeb(ctx, &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, l)
}

// runWeb serves HTTP until ctx ends, then lets requests under way finish.
func runWeb(ctx context.Context, srv *http.Server, l net.Listener) error {
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace/2)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close() // time is up: what is still open is cut
	}
	<-done
	return nil
}
