// Package submission opens connections over which mail is sent as its owner: SMTP
// submission (RFC 6409), encrypted and logged in, by password or by a provider's
// token. It sends nothing itself.
package submission

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"postroom/internal/bearer"
)

// Security is how the connection is protected.
type Security string

// The protections. None is for servers on this very machine.
const (
	TLS      Security = "tls"      // usually port 465
	STARTTLS Security = "starttls" // usually port 587
	None     Security = "none"
)

// A Server is where mail is handed in.
type Server struct {
	Host     string
	Port     int
	Security Security
}

// A Login is who hands it in: by Token if there is one, otherwise by Password.
type Login struct {
	Username, Password, Token string
}

// A RefusedError means that the server, or this package, does not let us in:
// trying again soon in the same words is of no use, and may lock the account.
type RefusedError struct{ Words string }

func (e *RefusedError) Error() string { return e.Words }

// within is how long connecting, encrypting and logging in may take together.
const within = 30 * time.Second

// A Dialer is what connections are made with. Its zero value does it the usual way.
type Dialer struct {
	Roots *x509.CertPool // that servers' certificates must lead to; nil: the system's
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Name  string            // ours, for EHLO; "localhost" when empty
	Told  func(step string) // hears of each step that was done: "connect", "secure", "login"
}

// Open returns a connection that is logged in. It ends when ctx does, but not
// afterwards: whoever got it closes it.
func (d Dialer) Open(ctx context.Context, s Server, l Login) (*smtp.Client, error) {
	if d.Told == nil {
		d.Told = func(string) {}
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := d.connect(ctx, s)
	if err != nil {
		return nil, err
	}
	d.Told("connect")
	unhook := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := d.greet(ctx, conn, s)
	if err == nil {
		d.Told("secure")
		err = login(c, s, l)
	}
	if !unhook() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	d.Told("login")
	return c, nil
}

func (d Dialer) connect(ctx context.Context, s Server) (net.Conn, error) {
	dial := d.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return nil, fmt.Errorf("connect to %s port %d: %w", s.Host, s.Port, err)
	}
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if s.Security == None && (err != nil || !at.Addr().IsLoopback()) {
		_ = conn.Close()
		return nil, &RefusedError{fmt.Sprintf("%s is not on this machine (%s), and without encryption no other is spoken to; choose tls or starttls", s.Host, conn.RemoteAddr())}
	}
	return conn, nil
}

// greet brings TLS up and says hello.
func (d Dialer) greet(ctx context.Context, conn net.Conn, s Server) (*smtp.Client, error) {
	config := &tls.Config{ServerName: s.Host, RootCAs: d.Roots, MinVersion: tls.VersionTLS12}
	var c *smtp.Client
	var err error
	switch s.Security {
	case TLS:
		secure := tls.Client(conn, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			c = smtp.NewClient(secure)
		}
	case STARTTLS:
		c, err = smtp.NewClientStartTLS(conn, config)
	case None:
		c = smtp.NewClient(conn)
	default:
		return nil, fmt.Errorf("%q is neither tls nor starttls", s.Security)
	}
	if err == nil {
		name := d.Name
		if name == "" {
			name = "localhost"
		}
		err = c.Hello(name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", s.Security, s.Host, err)
	}
	return c, nil
}

// login logs in by the best way that both sides know.
func login(c *smtp.Client, s Server, l Login) error {
	var by sasl.Client
	refusal := func() string { return "" }
	switch {
	case l.Token != "":
		b := bearer.New(bearer.Token{User: l.Username, Host: s.Host, Port: s.Port, Token: l.Token}, c.SupportsAuth)
		if b == nil {
			return &RefusedError{fmt.Sprintf("%s offers neither OAUTHBEARER nor XOAUTH2; it wants a password", s.Host)}
		}
		by, refusal = b, b.Refusal
	case c.SupportsAuth(sasl.Plain):
		by = sasl.NewPlainClient("", l.Username, l.Password)
	case c.SupportsAuth(sasl.Login):
		by = sasl.NewLoginClient(l.Username, l.Password)
	default:
		return &RefusedError{fmt.Sprintf("%s takes no passwords on this connection", s.Host)}
	}
	err := c.Auth(by)
	var said *smtp.SMTPError
	if errors.As(err, &said) && said.Code/100 == 5 {
		words := said.Message
		if status := refusal(); status != "" {
			words += " (status " + status + ")"
		}
		return &RefusedError{fmt.Sprintf("%s as %s: %s", s.Host, l.Username, words)}
	}
	if err != nil {
		return fmt.Errorf("log in at %s: %w", s.Host, err)
	}
	return nil
}
