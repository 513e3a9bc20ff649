package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postroom/api"
	"postroom/classify"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	none := ""
	got := h.do(call{path: "/openapi.yaml", token: &none})
	if got.status != 200 || got.header.Get("Content-Type") != "application/openapi+yaml" {
		t.Fatalf("openapi.yaml = %d %s", got.status, got.header.Get("Content-Type"))
	}
	if *update {
		if err := os.WriteFile("openapi.yaml", got.body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden, got.body) {
		t.Errorf("openapi.yaml is not what the code declares; go test ./api -run TestOpenAPI -update rewrites it:\n%s", cmp.Diff(string(golden), string(got.body)))
	}
	cached := h.do(call{path: "/openapi.json", token: &none, header: map[string]string{"If-None-Match": h.do(call{path: "/openapi.json"}).header.Get("ETag")}})
	if cached.status != http.StatusNotModified {
		t.Errorf("openapi.json with its ETag = %d, want 304", cached.status)
	}
}

// An operation of the document, with its path filled in.
type operation struct {
	id, method, path string
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

// operations reads all operations from the document that the API serves.
func (h *house) operations(fill map[string]string) []operation {
	h.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(h.do(call{path: "/openapi.json"}).body, &doc); err != nil {
		h.t.Fatal(err)
	}
	var list []operation
	for path, methods := range doc.Paths {
		for method, op := range methods {
			filled := pathParam.ReplaceAllStringFunc(path, func(p string) string { return fill[strings.Trim(p, "{}")] })
			list = append(list, operation{op.ID, strings.ToUpper(method), filled})
		}
	}
	if len(list) < 20 {
		h.t.Fatalf("the document has %d operations, want all", len(list))
	}
	return list
}

// bodyFor is a body that an operation takes, so that only the caller's right to
// it decides.
func bodyFor(op operation) (body any, header map[string]string) {
	switch op.id {
	case "submit-message":
		return mailOf(1, "a", "b"), rfc822
	case "create-workspace":
		return map[string]string{"name": "W"}, nil
	case "create-mailbox":
		return map[string]string{"address": "someone@new.example"}, nil
	case "judge-message":
		return map[string]string{"verdict": "ham"}, nil
	case "merge-ticket":
		return map[string]string{"into": "2"}, nil
	case "split-ticket":
		return map[string][]string{"messages": {"0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908"}}, nil
	case "add-sender":
		return map[string]string{"sender": "new.example", "list": "block"}, nil
	case "put-filter":
		return map[string]any{"ham_below": 0.1, "spam_from": 0.9, "learn_replies": false}, nil
	case "return-training":
		return map[string]string{"to": "2026-06-01T10:00:00Z"}, nil
	case "dry-run-filter":
		return map[string]any{"spam_from": 0.9}, nil
	case "pause-stage":
		return map[string]string{"reason": "r"}, nil
	case "put-polling", "test-polling":
		return map[string]string{"host": "imap.new.example", "username": "someone", "password": "x"}, nil
	case "ask-consent":
		return map[string]string{"provider": "google", "redirect": "https://desk.example/oauth/consented"}, nil
	}
	return nil, nil
}

// TestUnauthenticated walks over the whole document without a token, and with a
// wrong one: nothing but the document itself may answer.
func TestUnauthenticated(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	fill := map[string]string{
		"workspace": p.workspace.ID, "mailbox": p.mailbox.ID, "message": m.ID, "ticket": "1", "stage": "parsed", "part": "1", "move": "0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908",
		"alert": m.ID, "sender": "new.example",
	}
	none, wrong := "", "not-the-token"
	for _, op := range h.operations(fill) {
		body, header := bodyFor(op)
		for _, tok := range []*string{&none, &wrong} {
			a := h.do(call{method: op.method, path: op.path, body: body, header: header, token: tok})
			limited := tok == &wrong && a.status == http.StatusTooManyRequests // after a while it is not even told that it is wrong
			if a.status != http.StatusUnauthorized && !limited {
				t.Errorf("%s %s with token %q = %d, want 401", op.method, op.path, *tok, a.status)
			}
			if a.status == http.StatusUnauthorized && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s %s: WWW-Authenticate = %q, want Bearer", op.method, op.path, a.header.Get("WWW-Authenticate"))
			}
		}
	}
	if list := want[api.Page[api.Workspace]](h, 200, call{path: "/workspaces"}); len(list.Data) != 1 {
		t.Errorf("there are %d workspaces, want the one", len(list.Data))
	}
	for _, public := range []string{"/api/v1/openapi.yaml", "/api/v1/openapi.json", "/healthz"} {
		if a := h.do(call{path: public, token: &none}); a.status != http.StatusOK {
			t.Errorf("GET %s = %d, want 200", public, a.status)
		}
	}
}

// TestIsolation asks each workspace for everything under the ids of the other.
func TestIsolation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.newPlace("Aspen"), h.newPlace("Birch")
	ma, mb := h.submit(a, mailOf(1, "Secret of Aspen", "aspenword")), h.submit(b, mailOf(2, "Secret of Birch", "birchword"))
	h.judge(b, ma.ID, "anna", classify.Ham)
	h.judge(b, ma.ID, "bert", classify.Spam)
	alert := pages[api.Alert](h, b.path+"/alerts")[0].ID
	want[api.Sender](h, 201, call{method: "POST", path: b.path + "/filter-senders", body: map[string]string{"sender": "birch.example", "list": "block"}})
	foreign := map[string]string{
		"workspace": a.workspace.ID, "mailbox": b.mailbox.ID, "message": mb.ID, "ticket": *mb.TicketID, "stage": "parsed", "part": "1", "move": "0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908",
		"alert": alert, "sender": "birch.example",
	}
	absent := map[string]string{
		"workspace": "0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908", "mailbox": a.mailbox.ID, "message": ma.ID, "ticket": "1", "stage": "parsed", "part": "1", "move": "0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908",
		"alert": alert, "sender": "birch.example",
	}
	for name, fill := range map[string]map[string]string{"foreign": foreign, "absent": absent} {
		for _, op := range h.operations(fill) {
			if !strings.HasPrefix(op.path, "/workspaces/") || name == "foreign" && strings.Count(op.path, "/") < 4 {
				continue // it names nothing of the other workspace
			}
			body, header := bodyFor(op)
			got := h.do(call{method: op.method, path: op.path, body: body, header: header})
			if got.status != http.StatusNotFound {
				t.Errorf("%s: %s %s = %d, want 404", name, op.method, op.path, got.status)
			}
			if bytes.Contains(got.body, []byte("Birch")) || bytes.Contains(got.body, []byte("birchword")) {
				t.Errorf("%s: %s %s leaks %s", name, op.method, op.path, got.body)
			}
		}
	}
	for _, path := range []string{"/messages", "/tickets", "/audit", "/alerts", "/filter", "/filter-senders", "/filter-training", "/filter-evaluation", "/mailboxes", "/stats", "/messages?mailbox=" + b.mailbox.ID, "/tickets?mailbox=" + b.mailbox.ID} {
		got := h.do(call{path: a.path + path})
		if got.status != 200 || bytes.Contains(got.body, []byte(mb.ID)) || bytes.Contains(bytes.ToLower(got.body), []byte("birch")) {
			t.Errorf("GET %s = %d %s, want nothing of the other workspace", path, got.status, got.body)
		}
	}
}
