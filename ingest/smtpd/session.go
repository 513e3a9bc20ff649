package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"postroom/ingest"
	"postroom/tickets"
)

// A session is one client's connection, or what follows STARTTLS on it.
type session struct {
	server *Server
	smtp   *smtp.Conn
	conn   *conn // nil when the library was given something else
	door   string
	id     string
	peer   string

	unknown int // recipients that nobody has

	mu   sync.Mutex // BDAT reads in a goroutine of its own
	mail envelope
	n    int // mails so far
}

// An envelope is the mail transaction under way (RFC 5321 §3.3).
type envelope struct {
	begun     bool
	from      string
	utf8      bool
	announced int64
	to        []ingest.Recipient
}

func (s *Server) session(c *smtp.Conn, doorName string) *session {
	nc, _ := c.Conn().(*conn)
	se := &session{server: s, smtp: c, conn: nc, door: doorName, id: uuid.Must(uuid.NewV7()).String(), peer: hostOf(c.Conn().RemoteAddr())}
	if t, ok := c.Conn().(*tls.Conn); ok {
		se.conn, _ = t.NetConn().(*conn)
	}
	if se.conn != nil {
		se.conn.mu.Lock()
		_, se.conn.secure = c.TLSConnectionState()
		se.conn.mu.Unlock()
	}
	return se
}

// Mail begins a transaction.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	if why := s.server.cfg.Pipeline.Busy(); why != "" {
		s.server.cfg.Pipeline.Refuse(s.door, why)
		return replyTo(fmt.Errorf("%w: %s", ingest.ErrBusy, why), s.id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mail.begun { // RFC 5321 §4.1.4
		return &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "A mail is under way; RSET gives it up"}
	}
	s.mail = envelope{begun: true, from: from}
	if opts != nil {
		s.mail.utf8, s.mail.announced = opts.UTF8, opts.Size
	}
	return nil
}

// Rcpt names one recipient. Only addresses that some workspace has are taken.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	route, err := s.server.cfg.Pipeline.Route(ctx, to)
	if errors.Is(err, tickets.ErrNotFound) {
		s.server.cfg.Pipeline.Refuse(s.door, "unknown_recipient")
		if s.unknown++; s.unknown > s.server.cfg.Limits.UnknownRcpts {
			slog.Warn("a client tries addresses that nobody has; its connection is closed", "session", s.id, "peer", s.peer)
			defer s.smtp.Reject()
		}
	}
	if err != nil {
		return replyTo(err, s.id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.mail.to {
		if r.Mailbox == route.Mailbox {
			return nil // two addresses of one mailbox are one delivery
		}
	}
	s.mail.to = append(s.mail.to, ingest.Recipient{Workspace: route.Workspace, Mailbox: route.Mailbox, Address: to})
	return nil
}

// Data receives the mail and returns after its commit.
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	s.n++
	n, mail := s.n, s.mail
	s.mu.Unlock()
	if s.conn != nil {
		s.conn.beginData()
		defer s.conn.endData()
	}
	head := s.received(n, mail, time.Now())
	c := newCollector(head, mail.announced, s.server.cfg.MaxBytes, &s.server.reading)
	defer c.release()
	err := s.read(c, r)
	if errors.Is(err, smtp.ErrDataReset) {
		return err // the client's own word; what follows are commands
	}
	if err != nil {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			s.server.cfg.Pipeline.Refuse(s.door, refusalCause(err))
		}
		if !c.whole && s.conn != nil {
			// The mail's end was not seen. What comes next may be the rest of it, and must
			// not be taken for commands.
			s.conn.abandon(errors.Is(err, smtp.ErrDataTooLarge))
		}
		return replyTo(err, s.id)
	}
	for i := range mail.to {
		mail.to[i].SourceKey = s.door + ":" + s.id + ":" + strconv.Itoa(n) + ":" + mail.to[i].Address
	}
	err = s.server.cfg.Pipeline.Accept(context.Background(), ingest.Offer{Raw: c.buf, Envelope: s.envelope(mail), To: mail.to})
	if err != nil {
		slog.Warn("a mail was not taken", "session", s.id, "peer", s.peer, "octets", len(c.buf), "err", err)
		return replyTo(err, s.id)
	}
	slog.Debug("mail taken", "session", s.id, "mail", n, "octets", len(c.buf), "recipients", len(mail.to))
	c.buf = nil // it is the pipeline's now
	return nil
}

// read gathers the mail by the fastest way that the connection's state allows.
func (s *session) read(c *collector, r io.Reader) error {
	_, chunked := r.(*io.PipeReader)
	_, secure := s.smtp.TLSConnectionState()
	if s.conn != nil && !chunked && !secure && s.conn.afterDATA() {
		return c.readDATA(s.conn, s.server.cfg.Limits)
	}
	err := c.readAll(r, s.conn, !chunked && s.conn != nil, s.server.cfg.Limits)
	switch {
	case c.missed:
		// The library waits for an end that it has passed; no command of the client's
		// would be heard any more.
		s.conn.leave(true)
	case chunked && err == nil && s.ended():
		// To the library a chunk that breaks off is as good as a whole one.
		c.whole = false
		return io.ErrUnexpectedEOF
	}
	return err
}

// ended reports whether the client had gone by the time when its last chunk ended.
func (s *session) ended() bool {
	if s.conn == nil {
		return false
	}
	if s.conn.gone() {
		return true
	}
	t, ok := s.smtp.Conn().(*tls.Conn)
	if !ok {
		return false
	}
	// TLS alone knows when it was told that nothing more comes. It says so again, and
	// waits for nothing by this deadline.
	_ = s.conn.SetReadDeadline(past)
	n, err := t.Read(make([]byte, 1))
	if n > 0 { // of the next command, which is lost with it
		s.conn.leave(true)
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (s *session) envelope(mail envelope) ingest.Envelope {
	e := ingest.Envelope{Door: s.door, MailFrom: mail.from, Peer: s.peer, Helo: s.smtp.Hostname(), Session: s.id, UTF8: mail.utf8}
	if t, ok := s.smtp.TLSConnectionState(); ok {
		e.TLS = tls.VersionName(t.Version) + " " + tls.CipherSuiteName(t.CipherSuite)
	}
	return e
}

// received is the trace field that we put before the mail (RFC 5321 §4.4,
// protocols of RFC 3848 and RFC 6531).
func (s *session) received(n int, mail envelope, at time.Time) string {
	with := "ESMTP"
	if s.door == ingest.DoorLMTP {
		with = "LMTP"
	}
	if mail.utf8 {
		with = "UTF8" + strings.TrimPrefix(with, "E")
	}
	if _, ok := s.smtp.TLSConnectionState(); ok {
		with += "S"
	}
	to := ""
	if len(mail.to) == 1 { // naming several would tell each of the others
		to = "\r\n\tfor <" + visible(mail.to[0].Address) + ">"
	}
	return fmt.Sprintf("Received: from %s (%s)\r\n\tby %s (Postroom) with %s id %s.%d%s;\r\n\t%s\r\n",
		visible(s.smtp.Hostname()), s.peer, s.server.cfg.Hostname, with, s.id, n, to, at.Format(time.RFC1123Z))
}

// visible keeps what a client said of itself from breaking out of our field.
func visible(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune("<>();", r) {
			return '?'
		}
		return r
	}, s)
	if len(s) > 255 {
		s = strings.ToValidUTF8(s[:255], "")
	}
	return s
}

// Reset ends the transaction under way.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mail = envelope{}
}

// Logout ends the session.
func (s *session) Logout() error { return nil }
