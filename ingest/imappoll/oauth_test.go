package imappoll_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/ingest/ingesttest"
	"postroom/internal/alert"
	"postroom/oauthgmail"
)

// Mail comes in with a provider's tokens by either mechanism; when they expire,
// fresh ones are fetched; when the consent is withdrawn, an alert says so, and
// consenting again goes on where it was.
func TestOAuth(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			const user = "anna@provider.test"
			provider := imaptest.NewProvider(t)
			d := newDesk(t, imaptest.Options{Introspection: provider.Introspection(), Mechanisms: mechanism})
			d.user = user
			d.limits.RefusedFirst, d.limits.RefusedMost = 20*time.Millisecond, 50*time.Millisecond
			tokens := oauthgmail.New(oauthgmail.Config{DB: d.DB, Vault: d.Vault})
			consent := func() {
				t.Helper()
				address, err := tokens.Begin(t.Context(), oauthgmail.Asking{
					Workspace: d.Workspace, Mailbox: d.Mailbox, Provider: "test", Address: user, Redirect: provider.Redirect, Actor: "test",
				})
				if err != nil {
					t.Fatalf("Begin: %v", err)
				}
				q := provider.Consent(address, user).Query()
				if _, _, err := tokens.Finish(t.Context(), q.Get("state"), q.Get("code"), q.Get("error")); err != nil {
					t.Fatalf("Finish: %v", err)
				}
			}
			err := tokens.PutClient(t.Context(), "test", d.Workspace, oauthgmail.Client{
				Provider: "test", Kind: oauthgmail.OpenID, Issuer: provider.Issuer, ClientID: provider.ClientID, Secret: provider.ClientSecret,
			})
			if err != nil {
				t.Fatal(err)
			}
			consent()
			c := d.config()
			c.Tokens = tokens
			p := imappoll.New(c)
			s := d.settings()
			s.Auth, s.Password = imappoll.OAuth, ""
			d.put(p, s)
			d.server.Deliver(user, "INBOX", mails(0, 3)...)
			d.once(p)
			provider.Expire()
			d.server.Deliver(user, "INBOX", mails(3, 2)...)
			if st := d.once(p); st.Taken != 2 {
				t.Errorf("after expiry %d taken, want 2", st.Taken)
			}
			provider.Withdraw(user)
			d.server.Deliver(user, "INBOX", mails(5, 2)...)
			var refused *imappoll.RefusedError
			if _, err := p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil); !errors.As(err, &refused) || !strings.Contains(err.Error(), "Likely causes") {
				t.Errorf("poll after withdrawal: %v, want *RefusedError with the causes", err)
			}
			stop := ingesttest.Run(t, p)
			d.waitAlert(alert.Consent, true)
			consent()
			d.Settled(7)
			d.waitAlert(alert.Refused, false)
			stop()
			d.agrees(p)
			uses, err := tokens.Uses(t.Context(), d.Workspace, time.Now().Add(-48*time.Hour), 10)
			if err != nil || len(uses) != 1 || uses[0].Mails != 7 {
				t.Errorf("use of tokens: %+v, %v; want 7 mails", uses, err)
			}
		})
	}
}

// waitAlert waits until an alert of a kind stands, or does not.
func (d *desk) waitAlert(kind alert.Kind, stands bool) {
	d.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		list, err := alert.Open(d.t.Context(), d.DB, d.Workspace, 100)
		if err != nil {
			d.t.Fatal(err)
		}
		found := false
		for _, a := range list {
			found = found || a.Kind == kind
		}
		if found == stands {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("alert %s stands: %v, want %v: %+v", kind, found, stands, list)
		}
	}
}
