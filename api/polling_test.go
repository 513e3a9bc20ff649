package api_test

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"postroom/api"
	"postroom/ingest/imappoll/imaptest"
)

// page fetches a page that needs nobody to be signed in.
func (h *house) page(path string) string {
	h.t.Helper()
	res, err := h.client.Get(h.url + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// A mailbox is set up as a person does it: test, store, look.
func TestPolling(t *testing.T) {
	t.Parallel()
	server := imaptest.NewDovecot(t, imaptest.Options{})
	server.Deliver("anna", "INBOX", "Subject: one\n\none\n", "Subject: two\n\ntwo\n")
	h := newHouse(t)
	p := h.newPlace("Lumen")
	path := p.path + "/mailboxes/" + p.mailbox.ID + "/polling"
	if got := h.do(call{path: path}); got.status != 404 {
		t.Errorf("polling of a mailbox that is not polled: %d, want 404", got.status)
	}
	settings := map[string]any{"host": "127.0.0.1", "port": server.Port, "security": "none", "username": "anna", "password": "wrong"}
	test := want[api.PollingTest](h, 200, call{method: "POST", path: path + "/test", body: settings})
	if test.OK || test.Steps[len(test.Steps)-1].Step != "login" {
		t.Errorf("a wrong password: %+v", test)
	}
	settings["password"] = imaptest.Password
	test = want[api.PollingTest](h, 200, call{method: "POST", path: path + "/test", body: settings})
	if !test.OK || len(test.Folders) != 1 || test.Folders[0].ToImport != 2 {
		t.Errorf("the right one: %+v", test)
	}
	got := want[api.Polling](h, 200, call{method: "PUT", path: path, body: settings})
	if got.State != "new" || got.Settings.Password != "" || got.Folders[0].Name != "INBOX" {
		t.Errorf("put: %+v", got)
	}
	delete(settings, "password")
	settings["host"], settings["security"] = "imap.example.com", "none"
	if got := h.do(call{method: "PUT", path: path, body: settings}); got.status != 422 {
		t.Errorf("in the clear to another machine: %d, want 422", got.status)
	}
	list := want[[]api.FolderReconciliation](h, 200, call{path: path + "/reconciliation"})
	if len(list) != 1 || list[0].Pending != 2 {
		t.Errorf("reconciliation: %+v, want 2 on their way", list)
	}
	if alerts := pages[api.Alert](h, p.path+"/alerts"); len(alerts) != 0 {
		t.Errorf("alerts: %+v", alerts)
	}
	if got := h.do(call{method: "DELETE", path: path}); got.status != 204 {
		t.Errorf("delete: %d, want 204", got.status)
	}
}

// What is no registration is refused by the field that is wrong.
func TestPutProviderInvalid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	for _, tt := range []struct {
		field string // of what is sent
		value any
		kind  string
		named string
	}{
		{"name", "", "oidc", "body.name"},
		{"name", strings.Repeat("a", 65), "oidc", "body.name"},
		{"name", "a b", "oidc", "body.name"},
		{"issuer", "NaN", "oidc", "body.issuer"},
		{"issuer", "NaN", "microsoft", "body.issuer"},
		{"issuer", "NaN", "google", "body.issuer"},
		{"issuer", "\r\nX: y", "oidc", "body.issuer"},
		{"issuer", "\r\nX: y", "microsoft", "body.issuer"},
		{"issuer", "http://login.example.com", "oidc", "body.issuer"},
		{"issuer", "https://login.example.com/" + strings.Repeat("a", 100<<10), "oidc", "body.issuer"},
		{"client_id", "", "oidc", "body.client_id"},
		{"client_id", strings.Repeat("a", 501), "oidc", "body.client_id"},
		{"client_id", "a\nb", "oidc", "body.client_id"},
		{"scopes", []string{"mail", "a b"}, "oidc", "body.scopes[1]"},
		{"scopes", []string{strings.Repeat("a", 201)}, "oidc", "body.scopes[0]"},
	} {
		b := map[string]any{"name": "test", "kind": tt.kind, "client_id": "id"}
		if tt.kind == "oidc" {
			b["issuer"] = "https://login.example.com"
		}
		path := p.path + "/oauth-providers"
		want[api.OAuthProvider](h, 200, call{method: "PUT", path: path, body: b})
		b[tt.field] = tt.value
		a := want[api.Problem](h, 422, call{method: "PUT", path: path, body: b})
		if len(a.Errors) == 0 || a.Errors[0].Field != tt.named {
			t.Errorf("%s %.40v of %s: %+v, want %s named", tt.field, tt.value, tt.kind, a, tt.named)
		}
	}
}

// Consent goes from the API to the provider, and back to a page of ours.
func TestConsentByAPI(t *testing.T) {
	t.Parallel()
	provider := imaptest.NewProvider(t)
	h := newHouse(t)
	p := h.newPlace("Lumen")
	want[api.OAuthProvider](h, 200, call{method: "PUT", path: p.path + "/oauth-providers", body: map[string]any{
		"name": "test", "kind": "oidc", "issuer": provider.Issuer, "client_id": provider.ClientID, "client_secret": provider.ClientSecret,
	}})
	path := p.path + "/mailboxes/" + p.mailbox.ID + "/consent"
	asked := want[api.AskedConsent](h, 200, call{method: "POST", path: path, body: map[string]any{"provider": "test", "redirect": provider.Redirect}})
	back := provider.Consent(asked.URL, p.mailbox.Address)
	page := h.page("/oauth/consented?" + back.RawQuery)
	if !strings.Contains(page, "is connected") {
		t.Errorf("page: %s", page)
	}
	if again := h.page("/oauth/consented?" + back.RawQuery); !strings.Contains(again, "is not connected") {
		t.Errorf("the same state again: %s", again)
	}
	evil := h.page("/oauth/consented?" + url.Values{"state": {"<script>"}, "error": {"<script>alert(1)</script>"}}.Encode())
	if strings.Contains(evil, "<script>") {
		t.Errorf("the page repeats what it was given: %s", evil)
	}
	if c := want[api.MailboxConsent](h, 200, call{path: path}); c.Address != p.mailbox.Address || c.EndedAt != nil {
		t.Errorf("consent: %+v", c)
	}
	if got := h.do(call{method: "DELETE", path: path}); got.status != 204 {
		t.Errorf("withdraw: %d, want 204", got.status)
	}
}
