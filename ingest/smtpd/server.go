// Package smtpd receives mail by SMTP (RFC 5321) and LMTP (RFC 2033). It speaks
// the protocol and nothing else: whose mail it is, and whether it can be taken
// now, ingest says. It answers 250 only after ingest.Accept has committed, so a
// sender who was not answered still has its mail.
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"postroom/ingest"
)

// Limits bound what clients may ask of the server.
type Limits struct {
	Connections     int           // at once, in all
	PerAddress      int           // at once, from one address
	Recipients      int           // of one mail; RFC 5321 §4.5.3.1.8 asks for 100 at least
	UnknownRcpts    int           // per connection, before it is closed: address harvesting
	ReadingBytes    int64         // held by all mails that are being received
	LineBytes       int           // longest line read by the slow path; real mail exceeds RFC 5322's 998
	CommandTimeout  time.Duration // RFC 5321 §4.5.3.2.7 asks for 5 minutes
	DataReadTimeout time.Duration // between two reads of a mail, RFC 5321 §4.5.3.2.5
	DataTimeout     time.Duration // for the whole of a mail
	WriteTimeout    time.Duration
	StopWithin      time.Duration // for mails under way when the server stops
}

// DefaultLimits suit a server that faces the network.
var DefaultLimits = Limits{
	Connections:     1000,
	PerAddress:      200,
	Recipients:      100,
	UnknownRcpts:    10,
	ReadingBytes:    256 << 20,
	LineBytes:       1 << 20,
	CommandTimeout:  5 * time.Minute,
	DataReadTimeout: 3 * time.Minute,
	DataTimeout:     20 * time.Minute,
	WriteTimeout:    time.Minute,
	StopWithin:      6 * time.Second,
}

// Config is what a server is made of.
type Config struct {
	Pipeline *ingest.Pipeline
	Hostname string      // how we call ourselves in the greeting and in Received fields
	TLS      *tls.Config // for STARTTLS; nil: not offered
	Limits   Limits      // zero: DefaultLimits
	MaxBytes int64       // largest mail, RFC 1870
}

// A Server receives mail on any number of listeners.
type Server struct {
	cfg     Config
	doors   []door
	reading budget
	conns   conns
}

type door struct {
	listener net.Listener
	smtp     *smtp.Server
}

// New returns a server without listeners.
func New(c Config) *Server {
	if c.Limits.Connections == 0 {
		c.Limits = DefaultLimits
	}
	return &Server{
		cfg:     c,
		reading: budget{max: c.Limits.ReadingBytes},
		conns:   conns{limits: c.Limits, open: map[*conn]struct{}{}, byAddr: map[string]int{}},
	}
}

// ListenSMTP opens a TCP address for SMTP and returns the address that it got.
func (s *Server) ListenSMTP(addr string) (net.Addr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for SMTP on %s: %w", addr, err)
	}
	s.add(l, ingest.DoorSMTP)
	return l.Addr(), nil
}

// ListenLMTP opens a unix socket for LMTP. A socket that a dead process left
// behind is replaced; one that answers is not ours to take.
func (s *Server) ListenLMTP(path string) error {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return fmt.Errorf("listen for LMTP on %s: another process listens there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("listen for LMTP on %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("listen for LMTP on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return errors.Join(fmt.Errorf("listen for LMTP on %s: %w", path, err), l.Close())
	}
	s.add(l, ingest.DoorLMTP)
	return nil
}

func (s *Server) add(l net.Listener, doorName string) {
	lim := s.cfg.Limits
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return s.session(c, doorName), nil }))
	srv.Domain = s.cfg.Hostname
	srv.LMTP = doorName == ingest.DoorLMTP
	srv.TLSConfig = s.cfg.TLS
	if srv.LMTP {
		srv.TLSConfig = nil // the socket's mode guards it
	}
	srv.MaxMessageBytes = s.cfg.MaxBytes
	srv.MaxRecipients = lim.Recipients
	srv.MaxLineLength = lim.LineBytes
	srv.ReadTimeout = lim.CommandTimeout
	srv.WriteTimeout = lim.WriteTimeout
	srv.EnableSMTPUTF8 = true
	srv.EnableBINARYMIME = true
	srv.ErrorLog = quiet{}
	s.doors = append(s.doors, door{&limiter{l, &s.conns, sync.OnceValue(l.Close)}, srv})
}

// Run serves all listeners until ctx ends. Then it takes no new connection, sends
// idle ones away with 421, and lets mails under way finish for a while.
func (s *Server) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, d := range s.doors {
		g.Go(func() error { return d.smtp.Serve(d.listener) })
	}
	<-gctx.Done() // we are to stop, or a listener died
	s.stop(context.WithoutCancel(ctx))
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("receive mail: %w", err)
	}
	return nil
}

func (s *Server) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Limits.StopWithin)
	defer cancel()
	s.conns.stop(false)
	var wg sync.WaitGroup
	for _, d := range s.doors {
		wg.Go(func() {
			_ = d.listener.Close() // Shutdown knows only of listeners whose Serve has begun
			if err := d.smtp.Shutdown(ctx); err == nil {
				return
			}
			// Time is up: what is still under way is answered 421 and kept by its sender.
			s.conns.stop(true)
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if done := s.conns.wait(last); !done {
				_ = d.smtp.Close()
				s.conns.cut()
			}
		})
	}
	wg.Wait()
}

// quiet takes the library's log: it tells of clients that went away, which the
// session logs in our own words where it matters.
type quiet struct{}

func (quiet) Printf(format string, v ...any) { slog.Debug("smtp: " + fmt.Sprintf(format, v...)) }
func (quiet) Println(v ...any)               { slog.Debug("smtp: " + fmt.Sprint(v...)) }
