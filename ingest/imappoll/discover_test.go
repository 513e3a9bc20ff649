package imappoll_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/tickets"
)

// records are a domain's, as the test has it.
type records struct {
	mx  string
	srv map[string]*net.SRV
}

func (r records) LookupMX(context.Context, string) ([]*net.MX, error) {
	if r.mx == "" {
		return nil, errors.New("none")
	}
	return []*net.MX{{Host: r.mx}}, nil
}

func (r records) LookupSRV(_ context.Context, service, _, _ string) (string, []*net.SRV, error) {
	if s, ok := r.srv[service]; ok {
		return "", []*net.SRV{s}, nil
	}
	return "", nil, errors.New("none")
}

type web map[string]string

func (w web) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := w[r.URL.Host+r.URL.Path]
	if !ok {
		return nil, errors.New("no such host")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	const config = `<clientConfig><emailProvider id="x"><incomingServer type="pop3"><hostname>pop.x.test</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
		<incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>143</port><socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username></incomingServer>
		<incomingServer type="imap"><hostname>insecure.x.test</hostname><port>143</port><socketType>plain</socketType></incomingServer></emailProvider></clientConfig>`
	tests := []struct {
		name, address string
		records       records
		web           web
		want          imappoll.Candidate
	}{
		{"known", "Anna@GMail.com", records{}, nil, imappoll.Candidate{Provider: "google",
			Server: imappoll.Server{Host: "imap.gmail.com", Port: 993, Security: imappoll.TLS, Auth: imappoll.OAuth, Username: "anna@gmail.com"}}},
		{"by mail exchanger", "a@firm.test", records{mx: "firm-test.mail.protection.outlook.com."}, nil, imappoll.Candidate{Provider: "microsoft",
			Server: imappoll.Server{Host: "outlook.office365.com", Port: 993, Security: imappoll.TLS, Auth: imappoll.OAuth, Username: "a@firm.test"}}},
		{"autoconfig", "a@x.test", records{}, web{"autoconfig.x.test/mail/config-v1.1.xml": config}, imappoll.Candidate{
			Server: imappoll.Server{Host: "imap.x.test", Port: 143, Security: imappoll.STARTTLS, Auth: imappoll.Password, Username: "a"}}},
		{"service record", "a@x.test", records{srv: map[string]*net.SRV{"imaps": {Target: "in.x.test.", Port: 1993}}}, nil, imappoll.Candidate{
			Server: imappoll.Server{Host: "in.x.test", Port: 1993, Security: imappoll.TLS, Auth: imappoll.Password, Username: "a@x.test"}}},
		{"no such service", "a@x.test", records{srv: map[string]*net.SRV{"imaps": {Target: "."}}}, nil, imappoll.Candidate{
			Server: imappoll.Server{Host: "imap.x.test", Port: 993, Security: imappoll.TLS, Auth: imappoll.Password, Username: "a@x.test"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := imappoll.Discovery{Resolver: tt.records, HTTP: &http.Client{Transport: tt.web}}
			list, err := d.Find(t.Context(), tt.address)
			if err != nil || len(list) == 0 {
				t.Fatalf("Find(%q) = %v, %v", tt.address, list, err)
			}
			if got := list[0]; got.Server != tt.want.Server || got.Provider != tt.want.Provider || got.From == "" {
				t.Errorf("Find(%q)[0] = %+v, want %+v", tt.address, got, tt.want)
			}
			for _, c := range list {
				if c.Security == imappoll.None || c.Host == "insecure.x.test" {
					t.Errorf("an unsafe server is offered: %+v", c)
				}
			}
		})
	}
}

// Testing a connection says in words how far it came, and what would be imported.
func TestProbe(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	p := imappoll.New(d.config())
	d.server.Deliver(d.user, "INBOX", mails(0, 3)...)
	d.server.Deliver(d.user, "Junk", mails(3, 2)...)
	last := func(s imappoll.Settings) imappoll.ProbeStep {
		t.Helper()
		probe, err := p.Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: s})
		if err != nil {
			t.Fatal(err)
		}
		return probe.Steps[len(probe.Steps)-1]
	}
	s := d.settings()
	probe, err := p.Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: s})
	if err != nil || !probe.OK() || !probe.Idle || len(probe.Folders) != 2 {
		t.Fatalf("Test: %+v, %v", probe, err)
	}
	for _, f := range probe.Folders {
		if f.Folder == "INBOX" && (f.Mails != 3 || f.ToImport != 3) || f.Folder == "Junk" && (f.Role != imappoll.Junk || f.ToImport != 0) {
			t.Errorf("preview %+v", f)
		}
	}
	later := time.Now().Add(24 * time.Hour)
	s.Since = &later
	if probe, _ := p.Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: s}); probe.Folders[0].ToImport != 0 {
		t.Errorf("from tomorrow on: %+v", probe.Folders)
	}
	s = d.settings()
	s.Password = "wrong"
	if got := last(s); got.OK || got.Step != "login" {
		t.Errorf("wrong password: %+v", got)
	}
	s = d.settings()
	s.Port = 1
	if got := last(s); got.OK || got.Step != "connect" {
		t.Errorf("nobody listens: %+v", got)
	}
	s = d.settings()
	s.Security = imappoll.TLS
	if got := last(s); got.OK || got.Step != "secure" {
		t.Errorf("no TLS there: %+v", got)
	}
}

// Testing a connection says whether mail can be handed in, when that is asked.
func TestProbeSending(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{Submission: true})
	p := imappoll.New(d.config())
	d.server.Deliver(d.user, "INBOX", mails(0, 1)...)
	try := func(to imappoll.Server) imappoll.ProbeStep {
		t.Helper()
		probe, err := p.Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: d.settings(), Sending: &to})
		if err != nil {
			t.Fatal(err)
		}
		return probe.Steps[len(probe.Steps)-1]
	}
	if got := try(imappoll.Server{Host: "localhost", Port: d.server.SubmitPort, Security: imappoll.STARTTLS}); !got.OK || got.Step != "send" || got.Words != "localhost lets anna send" {
		t.Errorf("by STARTTLS: %+v", got)
	}
	if got := try(imappoll.Server{Host: "localhost", Port: d.server.SubmitPort}); got.OK || got.Step != "send" {
		t.Errorf("by TLS where there is none: %+v", got)
	}
	if sent := d.server.Sent(); len(sent) != 0 {
		t.Errorf("a test sent %d mails", len(sent))
	}
	stored := d.settings()
	d.put(p, stored)
	stored.Password = ""
	var invalid *tickets.InvalidError
	for _, host := range []string{"smtp.elsewhere.test", "localhost"} {
		if _, err := p.Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: stored, Sending: &imappoll.Server{Host: host}}); !errors.As(err, &invalid) || invalid.Field != "sending.host" {
			t.Errorf("the stored password for %s: %v, want *InvalidError", host, err)
		}
	}
	for field, to := range map[string]imappoll.Server{
		"sending.host": {}, "sending.security": {Host: "mail.elsewhere.test", Security: imappoll.None}, "sending.port": {Host: "localhost", Port: 70000},
	} {
		if _, err := p.Test(t.Context(), d.Workspace, d.Mailbox, imappoll.Trial{Settings: d.settings(), Sending: &to}); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%+v: %v, want *InvalidError of %s", to, err, field)
		}
	}
}
