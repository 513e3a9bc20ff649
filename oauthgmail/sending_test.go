package oauthgmail_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"postroom/ingest/imappoll/imaptest"
	"postroom/internal/submission"
	"postroom/oauthgmail"
)

// A token of ours lets the mailbox's owner hand mail in at a real server, by either
// mechanism; one that the server takes no more is replaced.
func TestSending(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			d := imaptest.NewDovecot(t, imaptest.Options{Introspection: r.provider.Introspection(), Mechanisms: mechanism, Submission: true})
			a := r.asking()
			a.Send = true
			if _, err := r.consent(a, anna); err != nil {
				t.Fatalf("Finish: %v", err)
			}
			dialer := submission.Dialer{Roots: d.Roots}
			for i, s := range []submission.Server{
				{Host: "localhost", Port: d.SubmitTLSPort, Security: submission.TLS},
				{Host: "localhost", Port: d.SubmitPort, Security: submission.STARTTLS},
			} {
				token := r.token()
				c, err := dialer.Open(t.Context(), s, submission.Login{Username: anna, Token: token})
				if err != nil {
					t.Fatalf("%s: %v\n%s", s.Security, err, d.Log())
				}
				if err := c.SendMail(anna, []string{"bob@elsewhere.test"}, strings.NewReader("Subject: x\r\n\r\nhello\r\n")); err != nil {
					t.Errorf("%s: send: %v", s.Security, err)
				}
				_ = c.Quit()
				if got := d.Sent(); len(got) != i+1 || got[i].From != anna {
					t.Errorf("%s: handed in %+v, want %d mails", s.Security, got, i+1)
				}
				r.provider.Expire()
				var refused *submission.RefusedError
				if _, err := dialer.Open(t.Context(), s, submission.Login{Username: anna, Token: token}); !errors.As(err, &refused) {
					t.Errorf("%s by an expired token: %v, want *RefusedError", s.Security, err)
				}
				if err := r.Refused(t.Context(), r.workspace, r.mailbox, token); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Only what is asked for is asked for: sending is a scope of its own at Microsoft,
// on request, and stays once it was given.
func TestSendingScope(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.putClient(oauthgmail.Client{Provider: "ms", Kind: oauthgmail.Microsoft, ClientID: "x", Secret: "y"})
	r.putClient(oauthgmail.Client{Provider: "google", Kind: oauthgmail.Google, ClientID: "x", Secret: "y"})
	const send = "https://outlook.office.com/SMTP.Send"
	for _, c := range []struct {
		provider string
		send     bool
		want     bool
	}{{"ms", false, false}, {"ms", true, true}, {"google", true, false}} {
		a := r.asking()
		a.Provider, a.Send = c.provider, c.send
		address, err := r.Begin(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		scopes := strings.Fields(u.Query().Get("scope"))
		if slices.Contains(scopes, send) != c.want {
			t.Errorf("%s, send %v: asked for %v", c.provider, c.send, scopes)
		}
		if c.provider == "google" && (!slices.Contains(scopes, "https://mail.google.com/") || u.Query().Get("include_granted_scopes") != "true") {
			t.Errorf("google is asked for %v by %s", scopes, address)
		}
	}
}
