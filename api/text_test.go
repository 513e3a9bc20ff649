package api_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"postroom/api"
)

// TestUnstorableText sends text that PostgreSQL cannot keep: the caller is told
// where it is.
func TestUnstorableText(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	box := p.path + "/mailboxes/" + p.mailbox.ID
	cursor := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	provider := func(field string, v any) map[string]any {
		b := map[string]any{"name": "test", "kind": "oidc", "issuer": "https://login.example.com", "client_id": "id"}
		b[field] = v
		return b
	}
	for _, tt := range []struct {
		method, path string
		body         any
		field        string
	}{
		{"GET", p.path + "/messages?q=%00", nil, "query.q"},
		{"GET", p.path + "/messages?q=%ff", nil, "query.q"},
		{"GET", p.path + "/messages?stage=%zz", nil, "query"},
		{"GET", p.path + "/messages?%ff=a", nil, "query"},
		{"GET", p.path + "/filter-training?actor=%ff", nil, "query.actor"},
		{"GET", p.path + "/filter-senders?page[after]=-1", nil, "query.page[after]"},
		{"GET", p.path + "/filter-senders?page[after]=null", nil, "query.page[after]"},
		{"GET", p.path + "/filter-senders?page[after]=" + cursor("a\x00b"), nil, "query.page[after]"},
		{"DELETE", p.path + "/filter-senders/%00", nil, "path.sender"},
		{"DELETE", p.path + "/filter-senders/%ff", nil, "path.sender"},
		{"POST", "/stages/parsed/pause", map[string]string{"reason": "a\x00"}, "body.reason"},
		{"POST", p.path + "/filter-returns", map[string]string{"to": "2026-06-01T10:00:00Z", "of": "\x00"}, "body.of"},
		{"POST", p.path + "/mailboxes", []byte("{\"address\": \"a@b.example\", \"name\": \"\xff\"}"), "body"},
		{"POST", box + "/consent", map[string]string{"provider": "a\x00", "redirect": "https://desk.example.com"}, "body.provider"},
		{"PUT", box + "/polling", map[string]string{"host": "imap.example.com", "username": "u", "password": "p", "move_to": "\x00"}, "body.move_to"},
		{"PUT", p.path + "/oauth-providers", provider("client_id", "a\x00"), "body.client_id"},
		{"PUT", p.path + "/oauth-providers", provider("issuer", "https://a.example/\x00"), "body.issuer"},
		{"PUT", p.path + "/oauth-providers", provider("scopes", []string{"a", "b\x00"}), "body.scopes[1]"},
	} {
		got := want[api.Problem](h, http.StatusUnprocessableEntity, call{method: tt.method, path: tt.path, body: tt.body})
		if got.Code != "invalid" || len(got.Errors) != 1 || got.Errors[0].Field != tt.field {
			t.Errorf("%s %s %v = %+v, want invalid that names %s", tt.method, tt.path, tt.body, got, tt.field)
		}
	}
	const escaped = `{"address": "a@b.example", "name": "\\u0000"}` // a backslash and no NUL
	want[api.Mailbox](h, http.StatusCreated, call{method: "POST", path: p.path + "/mailboxes", body: []byte(escaped)})
}
