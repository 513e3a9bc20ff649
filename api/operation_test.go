package api_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom/api"
	"postroom/ingest"
)

func TestWorkspacesAndMailboxes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	got := want[api.Workspace](h, 200, call{path: p.path})
	if got != p.workspace || got.Name != "Lumen" || got.CreatedAt.Location() != time.UTC {
		t.Errorf("GET workspace = %+v, want %+v", got, p.workspace)
	}
	second := want[api.Mailbox](h, 201, call{method: "POST", path: p.path + "/mailboxes", body: map[string]string{"address": "Sales@Lumen.example"}})
	if second.Address != "sales@lumen.example" || second.Name != second.Address {
		t.Errorf("mailbox = %+v, want its address in lower case for a name", second)
	}
	boxes := pages[api.Mailbox](h, p.path+"/mailboxes?page[size]=1")
	if len(boxes) != 2 || boxes[0] != p.mailbox || boxes[1] != second {
		t.Errorf("mailboxes = %+v, want both, oldest first", boxes)
	}
	h.newPlace("Other")
	if all := pages[api.Workspace](h, "/workspaces?page[size]=1"); len(all) != 2 || all[0] != p.workspace {
		t.Errorf("workspaces = %+v, want two", all)
	}
}

// pages reads a whole list, page by page.
func pages[T any](h *house, path string) []T {
	h.t.Helper()
	var all []T
	for range 100 {
		page := want[api.Page[T]](h, 200, call{path: path})
		all = append(all, page.Data...)
		if page.Meta.HasMore != (page.Links.Next != nil) {
			h.t.Fatalf("has_more is %v and next %v", page.Meta.HasMore, page.Links.Next)
		}
		if page.Links.Next == nil {
			return all
		}
		path = *page.Links.Next
	}
	h.t.Fatalf("%s does not end", path)
	return nil
}

// TestPaging reads lists page by page while more arrives: what was there is seen
// once each.
func TestPaging(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	for i := range 7 {
		h.submit(p, mailOf(i, fmt.Sprintf("Lamp %d", i), "text "+fmt.Sprint(i)))
	}
	for _, list := range []string{"/messages", "/messages?stage=filed", "/tickets", "/tickets?status=open"} {
		sep := "?"
		if strings.Contains(list, "?") {
			sep = "&"
		}
		first := want[api.Page[struct {
			ID string `json:"id"`
		}]](h, 200, call{path: p.path + list + sep + "page[size]=3"})
		h.submit(p, mailOf(100+len(list), "late "+list, "late "+list))
		rest := pages[struct {
			ID string `json:"id"`
		}](h, *first.Links.Next)
		seen := map[string]int{}
		for _, item := range append(first.Data, rest...) {
			seen[item.ID]++
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s shows %s %d times", list, id, n)
			}
		}
		if len(seen) < 7 {
			t.Errorf("%s shows %d, want at least the 7 that were there", list, len(seen))
		}
	}
	records := pages[api.Record](h, p.path+"/audit?page[size]=5")
	for i, r := range records {
		if r.Seq != int64(i)+1 {
			t.Fatalf("audit record %d has the number %d", i+1, r.Seq)
		}
	}
	if len(records) < 13 || records[0].Action != "workspace.create" || records[0].Actor != "admin" {
		t.Errorf("audit = %+v", records)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	raw := readMail(t, "01-lamp-arrived-broken.eml")
	m := h.submit(p, raw)
	one := p.path + "/messages/" + m.ID
	if got := h.do(call{path: one + "/raw"}); !bytes.Equal(got.body, raw) || got.header.Get("Content-Type") != "message/rfc822" ||
		!strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("raw = %d octets as %v, want the %d that came, to be saved", len(got.body), got.header, len(raw))
	}
	passport := want[api.Passport](h, 200, call{path: one + "/passport"})
	var steps []string
	for _, s := range passport.Steps {
		steps = append(steps, s.Step)
	}
	if !slices.Equal(steps, []string{"accept", "parse", "score", "file"}) {
		t.Errorf("steps = %v", steps)
	}
	content := want[api.Content](h, 200, call{path: one + "/content"})
	if !strings.Contains(content.Text, "crack") || len(content.From) != 1 || !slices.ContainsFunc(content.Parts, func(p api.Part) bool { return p.Filename == "cracked-shade.png" }) {
		t.Errorf("content = %+v", content)
	}
	if m.Envelope.Door != "api" || m.Size != int64(len(raw)) {
		t.Errorf("message = %+v", m)
	}
	twin := h.submit(p, raw)
	if twin.Stage != "duplicate" || twin.DuplicateOf == nil || *twin.DuplicateOf != m.ID {
		t.Errorf("the same mail again = %+v, want a duplicate of %s", twin, m.ID)
	}
}

// TestSubmitLarge hands in a mail of many pieces, whose size is not said before.
func TestSubmitLarge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	raw := mailOf(1, "Large", strings.Repeat("0123456789abcdef\r\n", 300_000))
	acc := want[api.Acceptance](h, 202, call{
		method: "POST", path: p.path + "/mailboxes/" + p.mailbox.ID + "/messages", body: io.MultiReader(bytes.NewReader(raw)), header: rfc822,
	})
	m := h.ended(p, acc.SourceKey)
	if got := h.do(call{path: p.path + "/messages/" + m.ID + "/raw"}).body; !bytes.Equal(got, raw) {
		t.Errorf("the raw mail has %d octets, want the %d that were sent", len(got), len(raw))
	}
}

func TestETags(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	one := p.path + "/messages/" + m.ID
	for _, path := range []string{p.path, p.path + "/tickets/1", one, one + "/passport", one + "/content", one + "/verdict", one + "/raw"} {
		first := h.do(call{path: path})
		tag := first.header.Get("ETag")
		if first.status != 200 || tag == "" {
			t.Errorf("GET %s = %d with ETag %q", path, first.status, tag)
			continue
		}
		for _, known := range []string{tag, `"x", W/` + tag, "*"} {
			if a := h.do(call{path: path, header: map[string]string{"If-None-Match": known}}); a.status != 304 || len(a.body) != 0 || a.header.Get("ETag") != tag {
				t.Errorf("GET %s with %s = %d %q, want 304 and the ETag", path, known, a.status, a.body)
			}
		}
		if a := h.do(call{path: path, header: map[string]string{"If-None-Match": `"other"`}}); a.status != 200 {
			t.Errorf("GET %s with another ETag = %d, want 200", path, a.status)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Buy pills", "cheap pills now"))
	one := p.path + "/messages/" + m.ID
	judge := func(v string) api.Message {
		return want[api.Message](h, 200, call{method: "POST", path: one + "/verdict", body: map[string]string{"verdict": v}})
	}
	if got := judge("spam"); got.Stage != "held" || *got.Cause != "spam" || *got.Judged != "spam" {
		t.Errorf("marked as spam it is %+v, want held", got)
	}
	if list := pages[api.Ticket](h, p.path+"/tickets"); len(list) != 0 {
		t.Errorf("tickets = %+v, want none that is only spam", list)
	}
	if held := pages[api.Message](h, p.path+"/messages?stage=held&cause=spam"); len(held) != 1 || held[0].ID != m.ID {
		t.Errorf("held = %+v", held)
	}
	h.submit(p, mailOf(2, "Order 7", "where is my order"))
	v := want[api.Verdict](h, 200, call{path: one + "/verdict"})
	if v.Now == nil || v.Judged == nil || *v.Judged != "spam" {
		t.Fatalf("verdict = %+v", v)
	}
	sum := 0.0
	for _, c := range v.Now.Contributions {
		sum += c.LogOdds
	}
	if math.Abs(sum-v.Now.LogOdds) > 1e-6 {
		t.Errorf("contributions add up to %v, want %v", sum, v.Now.LogOdds)
	}
	if got := judge(""); got.Stage != "filed" || got.Judged != nil || *got.TicketID != *m.TicketID {
		t.Errorf("taken back it is %+v, want it where it was", got)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	h.submit(p, mailOf(1, "Lamp", "broken"))
	s := want[api.Stats](h, 200, call{path: p.path + "/stats"})
	if s.Accepted != 1 || s.Stored != 1 || s.Filed != 1 || s.Tickets != 1 || !s.Balances || s.Filter.NeedHam != 50 {
		t.Errorf("stats = %+v", s)
	}
	if all := want[api.Installation](h, 200, call{path: "/stats"}); all.Busy != "" || all.LookedAt == nil {
		t.Errorf("installation = %+v", all)
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	if a := h.do(call{method: "POST", path: "/stages/parsed/pause", body: map[string]string{"reason": "retraining"}}); a.status != 204 {
		t.Fatalf("pause = %d %s, want 204", a.status, a.body)
	}
	if all := want[api.Installation](h, 200, call{path: "/stats"}); len(all.Paused) != 1 || all.Paused[0].Stage != "parsed" || all.Paused[0].Reason != "retraining" || all.Paused[0].Actor != "admin" {
		t.Errorf("the state of the queue names as paused %+v, want the stage, the reason and who it was", all.Paused)
	}
	for deadline := time.Now().Add(45 * time.Second); !h.pipeline.Paused(ingest.Parsed); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the workers do not hear of the pause")
		}
	}
	acc := want[api.Acceptance](h, 202, call{method: "POST", path: p.path + "/mailboxes/" + p.mailbox.ID + "/messages", body: mailOf(1, "a", "b"), header: rfc822})
	resting := func() []api.Message { return pages[api.Message](h, p.path+"/messages?stage=parsed") }
	for deadline := time.Now().Add(45 * time.Second); len(resting()) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the message does not rest in the paused stage")
		}
		<-time.After(10 * time.Millisecond)
	}
	if a := h.do(call{method: "DELETE", path: "/stages/parsed/pause"}); a.status != 204 {
		t.Fatalf("resume = %d %s, want 204", a.status, a.body)
	}
	if all := want[api.Installation](h, 200, call{path: "/stats"}); len(all.Paused) != 0 {
		t.Errorf("after it was resumed, the state of the queue names as paused %+v", all.Paused)
	}
	if m := h.ended(p, acc.SourceKey); m.Stage != "filed" {
		t.Errorf("after the pause the message ended as %s, want filed", m.Stage)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Lamp", "a zeppelin shaped shade"))
	h.submit(p, mailOf(2, "Chair", "nothing of the kind"))
	for deadline := time.Now().Add(45 * time.Second); ; {
		found := pages[api.Message](h, p.path+"/messages?q=zeppelin+lamp")
		if len(found) == 1 && found[0].ID == m.ID {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("found %+v, want the one message", found)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key := func(k string) map[string]string { return map[string]string{"Idempotency-Key": k} }
	create := call{method: "POST", path: "/workspaces", body: map[string]string{"name": "Once"}, header: key("k1")}
	first := want[api.Workspace](h, 201, create)
	again := h.do(create)
	if !bytes.Contains(again.body, []byte(first.ID)) || again.status != 201 || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") == "" {
		t.Errorf("again = %d %s %v, want the first answer", again.status, again.body, again.header)
	}
	other := create
	other.body = map[string]string{"name": "Another"}
	if p := want[api.Problem](h, 422, other); p.Code != "idempotency_key_reused" {
		t.Errorf("another body under the key = %+v", p)
	}
	if list := pages[api.Workspace](h, "/workspaces"); len(list) != 1 {
		t.Errorf("there are %d workspaces, want one", len(list))
	}
	for _, name := range []string{"", "Mended"} { // what was refused as it was written does not use its key up
		a := h.do(call{method: "POST", path: "/workspaces", body: map[string]string{"name": name}, header: key("k2")})
		if wanted := map[string]int{"": 422, "Mended": 201}[name]; a.status != wanted {
			t.Errorf("name %q under k2 = %d %s, want %d", name, a.status, a.body, wanted)
		}
	}
	p := h.newPlace("Lumen")
	mail := call{method: "POST", path: p.path + "/mailboxes/" + p.mailbox.ID + "/messages", body: mailOf(1, "a", "b"), header: map[string]string{
		"Content-Type": "message/rfc822", "Idempotency-Key": "k1", // a workspace has keys of its own
	}}
	a, b := want[api.Acceptance](h, 202, mail), want[api.Acceptance](h, 202, mail)
	if a != b {
		t.Errorf("the same mail under one key = %+v, then %+v", a, b)
	}
	h.ended(p, a.SourceKey)
	if list := pages[api.Message](h, p.path+"/messages"); len(list) != 1 {
		t.Errorf("there are %d messages, want one", len(list))
	}
}

// TestIdempotencyRace sends one request many times at once: it is done once, and
// whoever comes too early is told so.
func TestIdempotencyRace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	create := call{method: "POST", path: "/workspaces", body: map[string]string{"name": "Once"}, header: map[string]string{"Idempotency-Key": "race"}}
	var wg sync.WaitGroup
	statuses := make([]int, 12)
	for i := range statuses {
		wg.Go(func() { statuses[i] = h.do(create).status })
	}
	wg.Wait()
	for _, s := range statuses {
		if s != http.StatusCreated && s != http.StatusConflict {
			t.Errorf("statuses = %v, want 201 and 409 only", statuses)
		}
	}
	if list := pages[api.Workspace](h, "/workspaces"); len(list) != 1 {
		t.Errorf("there are %d workspaces, want one", len(list))
	}
}
