package imappoll_test

import (
	"time"

	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/oauthgmail"
)

// register makes us known to the provider, and has the user consent.
func (w *world) register() {
	if w.logins == nil {
		return
	}
	err := w.tokens.PutClient(w.t.Context(), "test", w.box.Workspace, oauthgmail.Client{
		Provider: "test", Kind: oauthgmail.OpenID, Issuer: w.logins.Issuer, ClientID: w.logins.ClientID, Secret: w.logins.ClientSecret,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.consent()
	w.oauth = true
}

func (w *world) consent() {
	w.t.Helper()
	address, err := w.tokens.Begin(w.t.Context(), oauthgmail.Asking{
		Workspace: w.box.Workspace, Mailbox: w.box.Mailbox, Provider: "test", Address: tortureUser, Redirect: w.logins.Redirect, Actor: "test",
	})
	if err != nil {
		w.t.Fatalf("Begin: %v", err)
	}
	q := w.logins.Consent(address, tortureUser).Query()
	if _, _, err := w.tokens.Finish(w.t.Context(), q.Get("state"), q.Get("code"), q.Get("error")); err != nil {
		w.t.Fatalf("Finish: %v", err)
	}
}

// put has the mailbox polled, by password or by token. Its cursors stay.
func (w *world) put() {
	w.t.Helper()
	s := imappoll.Settings{
		Server:   imappoll.Server{Host: "127.0.0.1", Port: w.cutter.Port, Security: imappoll.None, Auth: imappoll.Password, Username: tortureUser},
		Password: imaptest.Password, PollEvery: time.Second, Enabled: true,
		Folders: []imappoll.FolderSetting{{Name: "INBOX"}, {Name: w.folders[1]}},
	}
	if w.oauth {
		s.Auth, s.Password = imappoll.OAuth, ""
	}
	if err := w.poller.Put(w.t.Context(), "test", w.box.Workspace, w.box.Mailbox, s); err != nil {
		w.t.Fatal(err)
	}
}

// logIn has the mailbox polled by token, or by password.
func (w *world) logIn(oauth bool) {
	if w.oauth != oauth {
		w.oauth = oauth
		w.put()
	}
}

// lose takes its token from a mailbox that logs in by one.
func (w *world) lose(take func()) {
	if w.logins != nil {
		w.logIn(true)
		take()
	}
}

// expire ends every access token; who has one finds out at the next log-in.
func (w *world) expire() {
	w.logins.Expire()
	w.cutter.CutAll()
	w.did("expire")
}

// shorten has tokens live for so short a time that each log-in needs another one,
// or long enough for many.
func (w *world) shorten() {
	w.logins.Life([]time.Duration{time.Second, 121 * time.Second, 5 * time.Minute}[w.rnd.IntN(3)])
	w.expire()
}

// withdraw takes the consent back at the provider, and gives it once more, after a
// moment in which nobody may log in.
func (w *world) withdraw() {
	w.logins.Withdraw(tortureUser)
	w.cutter.CutAll()
	time.Sleep(time.Duration(w.rnd.IntN(300)) * time.Millisecond)
	w.consent()
	w.did("withdraw")
}
