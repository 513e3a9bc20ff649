package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"postroom/api"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.MailBytes = 2 << 20 })
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	one := p.path + "/messages/" + m.ID
	mails := p.path + "/mailboxes/" + p.mailbox.ID + "/messages"
	none, wrong := "", "wrong"
	for _, tt := range []struct {
		name   string
		call   call
		status int
		code   string
		field  string
	}{
		{"no token", call{path: "/workspaces", token: &none}, 401, "unauthenticated", ""},
		{"wrong token", call{path: "/workspaces", token: &wrong}, 401, "invalid_token", ""},
		{"no such path", call{path: "/nothing"}, 404, "not_found", ""},
		{"no such method", call{method: "DELETE", path: "/workspaces"}, 405, "method_not_allowed", ""},
		{"malformed id", call{path: "/workspaces/abc"}, 404, "not_found", ""},
		{"odd form of an id", call{path: p.path + "/messages/" + strings.ToUpper(m.ID)}, 404, "not_found", ""},
		{"no such ticket", call{path: p.path + "/tickets/77"}, 404, "not_found", ""},
		{"not a ticket", call{path: p.path + "/tickets/-1"}, 404, "not_found", ""},
		{"empty name", call{method: "POST", path: "/workspaces", body: map[string]string{"name": " "}}, 422, "invalid", "body.name"},
		{"missing name", call{method: "POST", path: "/workspaces", body: map[string]string{}}, 422, "invalid", "body"},
		{"unknown field", call{method: "POST", path: "/workspaces", body: map[string]string{"name": "a", "nmae": "b"}}, 422, "invalid", "body.nmae"},
		{"wrong type", call{method: "POST", path: "/workspaces", body: map[string]int{"name": 3}}, 422, "invalid", "body.name"},
		{"not JSON", call{method: "POST", path: "/workspaces", body: []byte("{")}, 400, "bad_request", "body"},
		{"not said to be JSON", call{method: "POST", path: "/workspaces", body: []byte("a: b"), header: map[string]string{"Content-Type": "application/yaml"}}, 415, "unsupported_media_type", ""},
		{"too large", call{method: "POST", path: "/workspaces", body: map[string]string{"name": strings.Repeat("a", 2<<20)}}, 413, "too_large", ""},
		{"PUT too large", call{method: "PUT", path: p.path + "/oauth-providers", body: map[string]string{"name": strings.Repeat("a", 2<<20)}}, 413, "too_large", ""},
		{"PUT not said to be JSON", call{method: "PUT", path: p.path + "/filter", body: []byte("a: b"), header: map[string]string{"Content-Type": "application/yaml"}}, 415, "unsupported_media_type", ""},
		{"bad address", call{method: "POST", path: p.path + "/mailboxes", body: map[string]string{"address": "nobody"}}, 422, "invalid", "body.address"},
		{"address taken", call{method: "POST", path: p.path + "/mailboxes", body: map[string]string{"address": p.mailbox.Address}}, 409, "conflict", ""},
		{"mail too large", call{method: "POST", path: mails, body: make([]byte, 3<<20), header: rfc822}, 413, "too_large", ""},
		{"no mail", call{method: "POST", path: mails, header: rfc822}, 422, "invalid", "body"},
		{"an empty mail", call{method: "POST", path: mails, body: []byte("\r\n"), header: rfc822}, 422, "invalid", "body"},
		{"mail of no type", call{method: "POST", path: mails, body: []byte("Subject: x\r\n\r\n")}, 415, "unsupported_media_type", ""},
		{"unknown filter", call{path: p.path + "/messages?satge=held"}, 422, "invalid", "query.satge"},
		{"bad stage", call{path: p.path + "/messages?stage=lost"}, 422, "invalid", "query.stage"},
		{"bad mailbox", call{path: p.path + "/messages?mailbox=x"}, 422, "invalid", "query.mailbox"},
		{"page too large", call{path: p.path + "/messages?page[size]=101"}, 422, "invalid", "query.page[size]"},
		{"page of none", call{path: p.path + "/messages?page%5Bsize%5D=0"}, 422, "invalid", "query.page[size]"},
		{"bad cursor", call{path: p.path + "/messages?page[after]=x!"}, 422, "invalid", "query.page[after]"},
		{"cursor of another list", call{path: p.path + "/tickets?page[after]=" + m.ID[:8]}, 422, "invalid", "query.page[after]"},
		{"bad verdict", call{method: "POST", path: one + "/verdict", body: map[string]string{"verdict": "unsure"}}, 422, "invalid", "body.verdict"},
		{"retry of what has not failed", call{method: "POST", path: one + "/retry"}, 409, "conflict", ""},
		{"pause of no stage", call{method: "POST", path: "/stages/filed/pause", body: map[string]string{"reason": "r"}}, 404, "not_found", ""},
		{"bad key", call{method: "POST", path: "/workspaces", body: map[string]string{"name": "a"}, header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}}, 422, "invalid", "header.Idempotency-Key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := h.do(tt.call)
			var got api.Problem
			if err := json.Unmarshal(a.body, &got); err != nil {
				t.Fatalf("%d %q: %v", a.status, a.body, err)
			}
			if a.status != tt.status || got.Status != tt.status || got.Code != tt.code {
				t.Errorf("answer = %d %s, want %d %s", a.status, a.body, tt.status, tt.code)
			}
			if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("Content-Type = %q", kind)
			}
			if got.RequestID == "" || got.RequestID != a.header.Get("X-Request-Id") || got.Title == "" || got.Detail == "" {
				t.Errorf("problem = %s, want title, detail and the request's id %s", a.body, a.header.Get("X-Request-Id"))
			}
			if tt.field == "" != (len(got.Errors) == 0) || tt.field != "" && got.Errors[0].Field != tt.field {
				t.Errorf("errors = %v, want the field %q", got.Errors, tt.field)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{"/api/v1/workspaces", "/api/v1/nothing", "/api/v1/openapi.yaml"} {
		a := h.do(call{path: path, header: map[string]string{"X-Request-Id": "trace-42.a"}})
		for name, value := range map[string]string{
			"X-Request-Id": "trace-42.a", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "RateLimit-Limit": "200",
		} {
			if got := a.header.Get(name); got != value {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, value)
			}
		}
		for _, name := range []string{"RateLimit-Remaining", "RateLimit-Reset"} {
			if a.header.Get(name) == "" {
				t.Errorf("GET %s has no %s", path, name)
			}
		}
	}
	for _, insane := range []string{"a b", strings.Repeat("x", 129), "ünicode", `"<script>`} {
		if got := h.do(call{path: "/workspaces", header: map[string]string{"X-Request-Id": insane}}).header.Get("X-Request-Id"); got == insane || got == "" {
			t.Errorf("X-Request-Id %q is answered by %q, want a fresh one", insane, got)
		}
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.Burst, c.Every = 3, time.Hour })
	var last answer
	for range 4 {
		last = h.do(call{path: "/workspaces"})
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" || last.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("the fourth request = %d with %v, want 429 with Retry-After", last.status, last.header)
	}
	none := ""
	if a := h.do(call{path: "/workspaces", token: &none}); a.status != http.StatusUnauthorized {
		t.Errorf("somebody unknown beside it = %d, want 401: budgets are apart", a.status)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	bad := map[string]string{"smtp": "not listening"}
	h := newHouse(t, func(c *api.Config) {
		c.Ready = func(context.Context) map[string]string { return bad }
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	})
	if a := h.do(call{path: "/healthz"}); a.status != 200 {
		t.Errorf("healthz = %d", a.status)
	}
	a := h.do(call{path: "/readyz"})
	var got api.Readiness
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatal(err)
	}
	if a.status != 503 || got.Ready || got.Parts["smtp"] != "not listening" {
		t.Errorf("readyz = %d %s, want 503 that names smtp", a.status, a.body)
	}
	delete(bad, "smtp")
	if a := h.do(call{path: "/readyz"}); a.status != 200 {
		t.Errorf("readyz = %d %s, want 200", a.status, a.body)
	}
	if a := h.do(call{path: "/metrics"}); a.status != 200 || string(a.body) != "up 1\n" {
		t.Errorf("metrics = %d %s", a.status, a.body)
	}
}
