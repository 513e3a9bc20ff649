package submission_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"postroom/ingest/imappoll/imaptest"
	"postroom/internal/bearer"
	"postroom/internal/submission"
)

const anna = "anna@provider.test"

// A person's mail is handed in by password, over TLS from the start and by
// STARTTLS. (By token: see package oauthgmail.)
func TestOpen(t *testing.T) {
	t.Parallel()
	d := imaptest.NewDovecot(t, imaptest.Options{Submission: true})
	dialer := submission.Dialer{Roots: d.Roots}
	for i, s := range []submission.Server{
		{Host: "localhost", Port: d.SubmitTLSPort, Security: submission.TLS},
		{Host: "localhost", Port: d.SubmitPort, Security: submission.STARTTLS},
		{Host: "127.0.0.1", Port: d.SubmitPort, Security: submission.None},
	} {
		c, err := dialer.Open(t.Context(), s, submission.Login{Username: anna, Password: imaptest.Password})
		if err != nil {
			t.Fatalf("%s: %v\n%s", s.Security, err, d.Log())
		}
		if err := c.SendMail(anna, []string{"bob@elsewhere.test"}, strings.NewReader("Subject: x\r\n\r\nhello\r\n")); err != nil {
			t.Errorf("%s: send: %v", s.Security, err)
		}
		_ = c.Quit()
		if got := d.Sent(); len(got) != i+1 || got[i].From != anna || !strings.HasSuffix(string(got[i].Raw), "hello\r\n") {
			t.Errorf("%s: handed in %+v, want %d mails", s.Security, got, i+1)
		}
		refused(t, dialer, s, submission.Login{Username: anna, Password: "another"})
		refused(t, dialer, s, submission.Login{Username: anna, Token: "a token, where none is taken"})
	}
}

func refused(t *testing.T, d submission.Dialer, s submission.Server, l submission.Login) {
	t.Helper()
	var refused *submission.RefusedError
	if c, err := d.Open(t.Context(), s, l); !errors.As(err, &refused) || c != nil {
		t.Errorf("open: %v, want *RefusedError", err)
	}
}

// Nothing is said to a server that is not encrypted, not this machine, or not the
// one that it should be.
func TestNotInTheClear(t *testing.T) {
	t.Parallel()
	d := imaptest.NewDovecot(t, imaptest.Options{Submission: true})
	l := submission.Login{Username: anna, Password: imaptest.Password}
	elsewhere := submission.Dialer{Dial: func(context.Context, string, string) (net.Conn, error) { return faraway{}, nil }}
	refused(t, elsewhere, submission.Server{Host: "mail.elsewhere.test", Port: 587, Security: submission.None}, l)
	unknown := submission.Dialer{}
	for _, s := range []submission.Server{
		{Host: "localhost", Port: d.SubmitTLSPort, Security: submission.TLS}, {Host: "localhost", Port: d.SubmitPort, Security: submission.STARTTLS},
	} {
		if _, err := unknown.Open(t.Context(), s, l); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("a server whose certificate nobody vouches for: %v", err)
		}
	}
	if _, err := unknown.Open(t.Context(), submission.Server{Host: "127.0.0.1", Port: d.SubmitPort}, l); err == nil {
		t.Error("a server without a named protection was spoken to")
	}
}

// faraway is a connection to another machine, over which nothing may go.
type faraway struct{ net.Conn }

func (faraway) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 587} }
func (faraway) Close() error         { return nil }

// A server that never answers is given up when the caller has lost patience.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	here, there := net.Pipe()
	defer func() { _ = there.Close() }()
	d := submission.Dialer{Dial: func(context.Context, string, string) (net.Conn, error) { return here, nil }}
	if _, err := d.Open(ctx, submission.Server{Host: "localhost", Port: 465, Security: submission.TLS}, submission.Login{}); err == nil {
		t.Error("opened a server that is silent")
	}
}

// The mechanism that a standard describes is preferred.
func TestMechanism(t *testing.T) {
	t.Parallel()
	all := func(string) bool { return true }
	if got := bearer.New(bearer.Token{}, all).Mechanism(); got != bearer.OAUTHBEARER {
		t.Errorf("mechanism %s, want %s", got, bearer.OAUTHBEARER)
	}
	if got := bearer.New(bearer.Token{}, func(m string) bool { return false }); got != nil {
		t.Errorf("a log-in by %s at a server that has no mechanism", got.Mechanism())
	}
}
