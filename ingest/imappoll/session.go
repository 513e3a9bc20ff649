package imappoll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"postroom/internal/alert"
	"postroom/internal/bearer"
)

// A RefusedError means that the server does not let us in: trying again soon in
// the same words is of no use, and may lock the account.
type RefusedError struct{ Words string }

func (e *RefusedError) Error() string { return "the server refuses the login: " + e.Words }

// A session is one connection to a server, logged in.
type session struct {
	c      *imapclient.Client
	wire   *wire
	limits *Limits
	caps   imap.CapSet
	news   chan struct{} // the server told of new mail
	unhook func() bool

	folder      string // selected now
	writable    bool
	idleRefused bool
}

// dialer is what connections are made with.
type dialer struct {
	limits *Limits
	roots  *x509.CertPool // nil: the system's
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// connect opens a connection and logs in. It ends with ctx, whatever is under way.
// told, if not nil, hears of each step that was done.
func (d *dialer) connect(ctx context.Context, s Server, secret string, told func(step, words string)) (*session, error) {
	if told == nil {
		told = func(string, string) {}
	}
	se := &session{limits: d.limits, news: make(chan struct{}, 1)}
	conn, err := d.reach(ctx, s)
	if err != nil {
		return nil, err
	}
	told("connect", "connected to "+conn.RemoteAddr().String())
	se.wire = newWire(conn, d.limits.Silence)
	se.unhook = context.AfterFunc(ctx, func() { _ = conn.Close() })
	se.wire.expect(d.limits.DialWithin, 1<<20)
	if err := se.greet(ctx, d, s); err != nil {
		se.close()
		return nil, fmt.Errorf("%s of %s: %w", s.Security, s.Host, plainly(err))
	}
	told("secure", securedWords(s.Security))
	if err := se.login(s, secret); err != nil {
		se.close()
		return nil, err
	}
	told("login", "logged in as "+s.Username)
	return se, nil
}

func securedWords(s Security) string {
	if s == None {
		return "not encrypted: the server is on this machine"
	}
	return "encrypted by TLS, and the certificate is the server's"
}

func (d *dialer) reach(ctx context.Context, s Server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.DialWithin)
	defer cancel()
	dial := d.dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return nil, fmt.Errorf("connect to %s port %d: %w", s.Host, s.Port, err)
	}
	if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); s.Security == None && (err != nil || !at.Addr().IsLoopback()) {
		_ = conn.Close()
		return nil, &RefusedError{fmt.Sprintf("%s is not on this machine (%s), and without encryption no other is spoken to; choose tls or starttls", s.Host, conn.RemoteAddr())}
	}
	return conn, nil
}

// greet brings TLS up and reads the greeting.
func (se *session) greet(ctx context.Context, d *dialer, s Server) error {
	config := &tls.Config{ServerName: s.Host, RootCAs: d.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"imap"}}
	options := &imapclient.Options{TLSConfig: config, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				se.ring()
			}
		},
	}}
	switch s.Security {
	case TLS:
		c := tls.Client(se.wire, config)
		if err := c.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return err
		}
		se.c = imapclient.New(c, options)
	case STARTTLS:
		var err error
		if se.c, err = imapclient.NewStartTLS(se.wire, options); err != nil {
			return err
		}
	case None:
		se.c = imapclient.New(se.wire, options)
	}
	return se.c.WaitGreeting()
}

func (se *session) ring() {
	select {
	case se.news <- struct{}{}:
	default:
	}
}

// login logs in by the best way that both sides know. After a refusal the
// connection is of no more use (the library cannot go on with it).
func (se *session) login(s Server, secret string) error {
	se.begin()
	caps, err := se.c.Capability().Wait()
	if err != nil {
		return fmt.Errorf("capabilities of %s: %w", s.Host, plainly(err))
	}
	refusal := func() string { return "" }
	switch has := func(m string) bool { return caps.Has(imap.AuthCap(m)) }; {
	case s.Auth == OAuth:
		b := bearer.New(bearer.Token{User: s.Username, Host: s.Host, Port: s.Port, Token: secret}, has)
		if b == nil {
			return &RefusedError{fmt.Sprintf("%s offers neither OAUTHBEARER nor XOAUTH2; it wants a password", s.Host)}
		}
		refusal = b.Refusal
		err = se.c.Authenticate(b)
	case has(sasl.Plain):
		err = se.c.Authenticate(sasl.NewPlainClient("", s.Username, secret))
	case caps.Has(imap.CapLoginDisabled):
		return &RefusedError{fmt.Sprintf("%s takes no passwords on this connection; try tls instead of %s", s.Host, s.Security)}
	default:
		err = se.c.Login(s.Username, secret).Wait()
	}
	if err != nil {
		return loginError(s, err, refusal)
	}
	se.begin()
	if se.caps, err = se.c.Capability().Wait(); err != nil {
		return fmt.Errorf("capabilities of %s: %w", s.Host, plainly(err))
	}
	return nil
}

// busyCodes are those by which a server says that it is not the login's fault
// (RFC 5530).
var busyCodes = []imap.ResponseCode{
	imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit, imap.ResponseCodeServerBug, imap.ResponseCodeContactAdmin,
}

func loginError(s Server, err error, refusal func() string) error {
	var ie *imap.Error
	if !errors.As(err, &ie) || ie.Type == imap.StatusResponseTypeBye || slices.Contains(busyCodes, ie.Code) {
		return fmt.Errorf("log in at %s: %w", s.Host, plainly(err))
	}
	words := clean(ie.Text)
	if status := refusal(); status != "" {
		words = strings.TrimSpace(words + " (status " + clean(status) + ")")
	}
	return &RefusedError{fmt.Sprintf("%s as %s: %s", s.Host, s.Username, words)}
}

// plainly is an error in words that a person understands, where the library's own
// would mislead.
func plainly(err error) error {
	var ie *imap.Error
	switch {
	case errors.As(err, &ie):
		return err
	case strings.Contains(err.Error(), "unexpected EOF"):
		return errors.New("the server closed the connection")
	case strings.Contains(err.Error(), errTooSlow.Error()):
		return errTooSlow
	case strings.Contains(err.Error(), errTooMuch.Error()):
		return errTooMuch
	}
	return err
}

// clean makes a server's words fit for a text column and a line.
func clean(s string) string { return alert.Line(s, 500) }

// begin allows for the answer to one command.
func (se *session) begin() { se.wire.expect(se.limits.CommandTime, se.limits.AnswerBytes) }

func (se *session) close() {
	se.unhook()
	if se.c == nil {
		_ = se.wire.Close()
		return
	}
	_ = se.c.Close()
}

// leave says good-bye and closes. It does not wait for long.
func (se *session) leave() {
	se.wire.expect(2*time.Second, 1<<16)
	_ = se.c.Logout().Wait()
	se.close()
}

// choose selects a folder, anew even if it is selected: only that tells whether it
// still is what it was. It is opened read-only where the server is known to keep
// mod-sequences, and with them the numbers that it gave: Courier forgets those
// that it gave to new mails in a folder opened by EXAMINE, and gives them to other
// mails under the same UIDVALIDITY. All that SELECT changes is \Recent.
func (se *session) choose(name string, writable bool) (*imap.SelectData, error) {
	se.begin()
	se.folder = ""
	lasting := se.caps.Has(imap.CapCondStore)
	data, err := se.c.Select(name, &imap.SelectOptions{ReadOnly: !writable && lasting, CondStore: lasting}).Wait()
	if err != nil {
		return nil, fmt.Errorf("open folder %q: %w", clean(name), plainly(err))
	}
	se.folder, se.writable = name, writable
	return data, nil
}

// uids lists the UIDs in the folder from first on, in ascending order.
func (se *session) uids(first uint32) ([]uint32, error) {
	se.begin()
	set := imap.UIDSet{imap.UIDRange{Start: imap.UID(first), Stop: 0}} // n:*
	options := &imap.SearchOptions{}
	if se.caps.Has(imap.CapESearch) || se.caps.Has(imap.CapIMAP4rev2) {
		options.ReturnAll = true
	}
	data, err := se.c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, options).Wait()
	if err != nil {
		return nil, fmt.Errorf("list folder %q: %w", clean(se.folder), plainly(err))
	}
	return se.ascending(data, first)
}

// maxUIDs is the largest folder that is polled.
const maxUIDs = 5_000_000

// ascending reads the answer of a search. n:* means the last mail when all UIDs
// are below n (RFC 3501 §6.4.8), so what was not asked for is left out. The
// library would spell out any range that a server names, whatever it costs.
func (se *session) ascending(data *imap.SearchData, first uint32) ([]uint32, error) {
	set, _ := data.All.(imap.UIDSet)
	var list []uint32
	for _, r := range set {
		from, to := max(min(r.Start, r.Stop), imap.UID(first), 1), max(r.Start, r.Stop)
		if r.Start == 0 || r.Stop == 0 || to >= from && int64(to-from)+int64(len(list)) >= maxUIDs {
			return nil, fmt.Errorf("list folder %q: UIDs that cannot be (%d:%d), or more than %d: %w", clean(se.folder), r.Start, r.Stop, maxUIDs, errSenseless)
		}
		for u := from; u <= to && u != 0; u++ {
			list = append(list, uint32(u))
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
