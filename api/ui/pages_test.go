package ui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postroom/classify"
	"postroom/ingest"
)

const wantPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// TestPages opens every page, first as nobody, then signed in.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stops := h.furnish()
	for _, s := range stops {
		if r := h.get(s.path); !s.open && (r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/sign-in")) {
			t.Errorf("GET %s as nobody = %d to %q, want the way to sign in", s.path, r.status, r.header.Get("Location"))
		}
	}
	h.signIn()
	for _, s := range stops {
		r := h.get(s.path)
		want := http.StatusOK
		switch {
		case s.name == "not-found":
			want = http.StatusNotFound
		case s.open:
			want = http.StatusSeeOther // one is signed in already
		}
		if r.status != want {
			t.Errorf("GET %s = %d, want %d", s.path, r.status, want)
		}
		if got := r.header.Get("Content-Security-Policy"); got != wantPolicy {
			t.Errorf("GET %s: policy = %q", s.path, got)
		}
		if got := r.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", s.path, got)
		}
		if strings.Contains(r.body, "<script") || strings.Contains(r.body, " style=") {
			t.Errorf("GET %s has a script or a style of its own", s.path)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	want := p.path + "/tickets"
	if r := h.get(want); r.header.Get("Location") != "/sign-in?next="+url.QueryEscape(want) {
		t.Errorf("nobody is sent to %q", r.header.Get("Location"))
	}
	if r := h.post("/sign-in", url.Values{"token": {"wrong"}, "next": {want}}); r.status != 401 || !strings.Contains(r.body, "not the right one") || strings.Contains(r.body, `value="wrong"`) {
		t.Errorf("a wrong token = %d %s", r.status, r.body)
	}
	for next, to := range map[string]string{want: want, "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "": "/", "javascript:alert(1)": "/"} {
		if r := h.post("/sign-in", url.Values{"token": {token}, "next": {next}}); r.status != 303 || r.header.Get("Location") != to {
			t.Errorf("sign in for %q = %d to %q, want %q", next, r.status, r.header.Get("Location"), to)
		}
	}
	if r := h.get("/"); r.header.Get("Location") != want {
		t.Errorf("the only workspace is not entered: %d %q", r.status, r.header.Get("Location"))
	}
	if r := h.post("/sign-out", nil); r.status != 303 {
		t.Errorf("sign out = %d", r.status)
	}
	if r := h.get(want); r.status != 303 {
		t.Errorf("after signing out = %d, want the way to sign in", r.status)
	}
}

func TestSignInLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var r reply
	for range 11 {
		r = h.post("/sign-in", url.Values{"token": {"wrong"}})
	}
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, "Too many attempts") {
		t.Errorf("the eleventh attempt = %d %v, want 429 with Retry-After", r.status, r.header)
	}
}

// TestForgedForms sends forms as another site would make a browser send them.
func TestForgedForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	m := h.accept(p, readMail(t, "01-lamp-arrived-broken.eml"))
	h.signIn()
	one := p.path + "/messages/" + m.ID.String()
	for _, path := range []string{one + "/verdict", one + "/retry", "/sign-out", "/sign-in"} {
		for name, header := range map[string]map[string]string{
			"another site":         {"Sec-Fetch-Site": "cross-site"},
			"a sister site":        {"Sec-Fetch-Site": "same-site"},
			"an older browser":     {"Origin": "https://evil.example"},
			"a sandboxed document": {"Origin": "null"},
		} {
			r := h.send(http.MethodPost, path, url.Values{"verdict": {"spam"}, "token": {token}}, header)
			if r.status != http.StatusForbidden || !strings.Contains(r.body, "did not come from here") {
				t.Errorf("POST %s from %s = %d, want 403", path, name, r.status)
			}
		}
	}
	if now, err := h.pipeline.Message(t.Context(), p.ws.ID, m.ID); err != nil || now.Stage != ingest.Filed || now.Judged != nil {
		t.Errorf("after forged forms the message is %+v, %v", now, err)
	}
	if r := h.send(http.MethodPost, one+"/verdict", url.Values{"verdict": {"spam"}}, map[string]string{"Origin": h.url}); r.status != http.StatusSeeOther {
		t.Errorf("our own form from an older browser = %d, want it taken", r.status)
	}
}

// TestJudge marks a message as spam on its ticket, undoes it, and does it again
// where held mail is listed.
func TestJudge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	m := h.accept(p, readMail(t, "20-spam-pills.eml"))
	h.signIn()
	one, ticket := p.path+"/messages/"+m.ID.String(), p.path+"/tickets/1"
	stage := func(want ingest.Stage) {
		t.Helper()
		if now, err := h.pipeline.Message(t.Context(), p.ws.ID, m.ID); err != nil || now.Stage != want {
			t.Fatalf("the message is %s, %v, want %s", now.Stage, err, want)
		}
	}
	r := h.post(one+"/verdict", url.Values{"verdict": {"spam"}, "back": {ticket}})
	stage(ingest.Held)
	to := r.header.Get("Location")
	if !strings.HasPrefix(to, ticket+"?") {
		t.Fatalf("after judging one is sent to %q, want back to the ticket", to)
	}
	page := h.get(to).body
	if !strings.Contains(page, "Marked as spam") || !strings.Contains(page, ">Undo</button>") || !strings.Contains(page, "was taken off this ticket as spam") {
		t.Errorf("the ticket does not tell: %s", page)
	}
	h.post(one+"/verdict", url.Values{"verdict": {""}, "back": {ticket}})
	stage(ingest.Filed)
	h.post(one+"/verdict", url.Values{"verdict": {"spam"}})
	if held := h.get(p.path + "/held").body; !strings.Contains(held, "Looks like spam") || !strings.Contains(held, ">Release</button>") {
		t.Errorf("held mail does not list it: %s", held)
	}
	r = h.post(one+"/verdict", url.Values{"verdict": {"ham"}, "back": {"https://evil.example/"}})
	if to := r.header.Get("Location"); !strings.HasPrefix(to, one+"?") {
		t.Errorf("a back that leads elsewhere sends to %q, want the message", to)
	}
	stage(ingest.Filed)
	if r := h.post(one+"/verdict", url.Values{"verdict": {"maybe"}}); r.status != 422 {
		t.Errorf("a verdict that is none = %d, want 422", r.status)
	}
	if r := h.post(one+"/retry", nil); r.status != 409 || !strings.Contains(r.body, "this one is filed") {
		t.Errorf("retry of what has not failed = %d, want 409", r.status)
	}
}

// TestForeign asks for what belongs to another workspace.
// TestDamagedForms sends what is no whole form, or has text that cannot be kept:
// nothing is done, and a page says so.
func TestDamagedForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	m := h.accept(p, readMail(t, "20-spam-pills.eml"))
	h.judge(p, m.ID, classify.Spam)
	h.signIn()
	verdict := p.path + "/messages/" + m.ID.String() + "/verdict"
	origin := map[string]string{"Sec-Fetch-Site": "same-origin"}
	asJSON := map[string]string{"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
	for _, tt := range []struct {
		name, method, path string
		form               url.Values
		header             map[string]string
		status             int
	}{
		{"no verdict", "POST", verdict, url.Values{"back": {"/"}}, origin, 400},
		{"a verdict in the query", "POST", verdict + "?verdict=", url.Values{"back": {"/"}}, origin, 400},
		{"a form said to be JSON", "POST", verdict, url.Values{"verdict": {"ham"}}, asJSON, 400},
		{"NUL as verdict", "POST", verdict, url.Values{"verdict": {"\x00"}}, origin, 422},
		{"a damaged query", "POST", verdict + "?a=%zz", url.Values{"verdict": {"ham"}}, origin, 400},
		{"search for NUL", "GET", p.path + "/search?q=%00", nil, nil, 422},
		{"search for no UTF-8", "GET", p.path + "/search?q=%ff", nil, nil, 422},
		{"a list by NUL", "GET", p.path + "/tickets?status=%00", nil, nil, 422},
		{"a path of NUL", "GET", p.path + "/messages/%00", nil, nil, 404},
	} {
		if r := h.send(tt.method, tt.path, tt.form, tt.header); r.status != tt.status || !strings.Contains(r.body, "<h1") {
			t.Errorf("%s = %d, want a page with %d", tt.name, r.status, tt.status)
		}
	}
	if now, err := h.pipeline.Message(t.Context(), p.ws.ID, m.ID); err != nil || now.Stage != ingest.Held {
		t.Errorf("after damaged forms the spam is %+v, %v, want it held", now, err)
	}
}

// TestMethods asks for pages by methods that they do not take.
func TestMethods(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	origin := map[string]string{"Sec-Fetch-Site": "same-origin"}
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"DELETE", "/sign-in", 405, "GET, HEAD, POST"},
		{"GET", "/sign-out", 405, "POST"},
		{"POST", "/w/x/tickets", 405, "GET, HEAD"},
		{"GET", "/w/x/messages/y/verdict", 405, "POST"},
		{"PUT", "/", 405, "GET, HEAD"},
		{"PUT", "/nothing", 404, ""},
		{"GET", "/nothing", 404, ""},
	} {
		r := h.send(tt.method, tt.path, nil, origin)
		if r.status != tt.status || r.header.Get("Allow") != tt.allow || !strings.Contains(r.body, "<h1") {
			t.Errorf("%s %s = %d, Allow %q, want a page with %d, %q", tt.method, tt.path, r.status, r.header.Get("Allow"), tt.status, tt.allow)
		}
	}
	if r := h.get("/w//x/../tickets"); r.status/100 != 3 {
		t.Errorf("an untidy path = %d, want the way to the tidy one", r.status)
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.newPlace("Aspen", "a@aspen.example"), h.newPlace("Birch", "b@birch.example")
	m := h.accept(b, readMail(t, "20-spam-pills.eml"))
	h.signIn()
	id := m.ID.String()
	for _, path := range []string{
		"/messages/" + id, "/messages/" + id + "/raw", "/messages/" + id + "/formatted", "/messages/" + id + "/parts/1", "/tickets/1", "/tickets/by-id/" + m.TicketID.String(),
		"/messages/abc", "/tickets/x", "/nothing",
	} {
		if r := h.get(a.path + path); r.status != 404 || strings.Contains(r.body, "pills") {
			t.Errorf("GET %s = %d %s, want 404", path, r.status, r.body)
		}
	}
	for _, path := range []string{"/verdict", "/retry"} {
		if r := h.post(a.path+"/messages/"+id+path, url.Values{"verdict": {"ham"}}); r.status != 404 {
			t.Errorf("POST %s = %d, want 404", path, r.status)
		}
	}
	if r := h.get(a.path + "/held?said=" + id); strings.Contains(r.body, "pills") {
		t.Errorf("said shows another workspace's message: %s", r.body)
	}
	if r := h.get("/w/0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908/tickets"); r.status != 404 {
		t.Errorf("a workspace that is not there = %d, want 404", r.status)
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	page := h.get("/sign-in").body
	i := strings.Index(page, "/static/style.css?v=")
	link := page[i : i+strings.IndexByte(page[i:], '"')]
	r := h.get(link)
	if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/css") || !strings.Contains(r.header.Get("Cache-Control"), "immutable") {
		t.Errorf("GET %s = %d %v", link, r.status, r.header)
	}
	tag := r.header.Get("ETag")
	if r := h.send(http.MethodGet, link, nil, map[string]string{"If-None-Match": tag}); r.status != 304 {
		t.Errorf("with its ETag = %d, want 304", r.status)
	}
	if r := h.get("/static/style.css?v=old"); strings.Contains(r.header.Get("Cache-Control"), "immutable") {
		t.Errorf("under an old hash it is immutable")
	}
	for _, path := range []string{"/static/", "/static/../templates/layout.html", "/static/nothing.css"} {
		if r := h.get(path); r.status == 200 {
			t.Errorf("GET %s = 200", path)
		}
	}
}
