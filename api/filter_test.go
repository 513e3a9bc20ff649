package api_test

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"postroom/api"
	"postroom/classify"
)

// teach judges n messages of each kind in the workspace, as actor.
func (h *house) teach(p place, actor string, n int) (judged []uuid.UUID) {
	h.t.Helper()
	w := uuid.MustParse(p.workspace.ID)
	var list []classify.Judgement
	for i := range 2 * n {
		j := classify.Judgement{MessageID: uuid.New(), Verdict: classify.Ham, Actor: actor, Source: classify.SourceAgent}
		if i%2 == 1 {
			j.Verdict = classify.Spam
		}
		j.Features = h.filter.Features(w, sample(i, j.Verdict))
		list, judged = append(list, j), append(judged, j.MessageID)
	}
	if err := h.filter.TrainAll(h.t.Context(), w, list); err != nil {
		h.t.Fatal(err)
	}
	h.refresh(p)
	return judged
}

// sample is a made-up mail: spam speaks of prizes, ham of lamps, and every ninth of both.
func sample(n int, v classify.Verdict) classify.Document {
	words := "lamp shade broken order invoice delivery repair "
	if v == classify.Spam {
		words = "prize winner casino lottery bonus claim million "
	}
	if n%9 == 0 {
		words += "prize winner lamp shade "
	}
	from := fmt.Sprintf("p%d@example.com", n)
	return classify.Document{Subject: fmt.Sprintf("letter %d", n), From: []string{from}, Text: strings.Repeat(words, 1+n%3) + fmt.Sprintf("number%d", n)}
}

// judge says of one message what it is, as actor.
func (h *house) judge(p place, message, actor string, v classify.Verdict) {
	h.t.Helper()
	w := uuid.MustParse(p.workspace.ID)
	j := classify.Judgement{MessageID: uuid.MustParse(message), Verdict: v, Actor: actor, Source: classify.SourceAgent}
	j.Features = h.filter.Features(w, sample(1, v))
	if err := h.filter.TrainAll(h.t.Context(), w, []classify.Judgement{j}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) refresh(p place) {
	h.t.Helper()
	if err := h.filter.Refresh(h.t.Context(), uuid.MustParse(p.workspace.ID)); err != nil {
		h.t.Fatal(err)
	}
}

// recorded returns the audit records of these actions.
func (h *house) recorded(p place, prefix string) (list []api.Record) {
	h.t.Helper()
	for _, r := range pages[api.Record](h, p.path+"/audit") {
		if strings.HasPrefix(r.Action, prefix) {
			list = append(list, r)
		}
	}
	return list
}

func TestFilterSettings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	path := p.path + "/filter"
	first := h.do(call{path: path})
	tag := first.header.Get("ETag")
	if h.do(call{path: path, header: map[string]string{"If-None-Match": tag}}).status != http.StatusNotModified {
		t.Error("the settings with their ETag are not 304")
	}
	put := func(status int, ifMatch string, body map[string]any) answer {
		t.Helper()
		c := call{method: "PUT", path: path, body: body, header: map[string]string{"If-Match": ifMatch}}
		if ifMatch == "" {
			c.header = nil
		}
		a := h.do(c)
		if a.status != status {
			t.Fatalf("PUT %v if %q = %d %s, want %d", body, ifMatch, a.status, a.body, status)
		}
		return a
	}
	strict := map[string]any{"ham_below": 0.1, "spam_from": 0.9, "learn_replies": true}
	changed := put(200, tag, strict)
	put(412, tag, map[string]any{"ham_below": 0.3, "spam_from": 0.9, "learn_replies": true})
	put(412, "W/"+changed.header.Get("ETag"), map[string]any{"ham_below": 0.3, "spam_from": 0.9, "learn_replies": true})
	put(422, "*", map[string]any{"ham_below": 0.9, "spam_from": 0.1, "learn_replies": true})
	put(422, "", map[string]any{"ham_below": 0.1, "spam_from": 1.5, "learn_replies": true})
	put(200, changed.header.Get("ETag"), strict) // as it is: nothing to record
	got := want[api.FilterSettings](h, 200, call{path: path})
	if got != (api.FilterSettings{HamBelow: 0.1, SpamFrom: 0.9, LearnReplies: true}) {
		t.Errorf("settings = %+v", got)
	}
	if theirs := want[api.FilterSettings](h, 200, call{path: other.path + "/filter"}); theirs == got || theirs.LearnReplies {
		t.Errorf("the other workspace has %+v", theirs)
	}
	h.refresh(p)
	if stats := want[api.Stats](h, 200, call{path: p.path + "/stats"}); stats.Filter.SpamFrom != 0.9 {
		t.Errorf("the filter works with %+v", stats.Filter)
	}
	records := h.recorded(p, "filter.")
	if len(records) != 1 || records[0].Actor != "admin" || fmt.Sprint(records[0].Detail["to"]) != "map[ham_below:0.1 learn_replies:true spam_from:0.9]" {
		t.Errorf("audit = %+v, want the one change", records)
	}
}

func TestSenders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	path := p.path + "/filter-senders"
	add := func(status int, sender, list string, more ...string) answer {
		t.Helper()
		body := map[string]string{"sender": sender, "list": list}
		if len(more) > 0 {
			body["expires_at"] = more[0]
		}
		a := h.do(call{method: "POST", path: path, body: body, header: map[string]string{"Idempotency-Key": sender + list}})
		if a.status != status {
			t.Fatalf("add %v = %d %s, want %d", body, a.status, a.body, status)
		}
		return a
	}
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	add(201, "@Spam.Example", "block", time.Now().Add(time.Hour).Format(time.RFC3339))
	add(201, "Spam.Example", "allow")
	add(201, "o/brien%2F@customer.example", "allow")
	made := add(201, "erika@customer.example", "block")
	if again := add(201, "erika@customer.example", "block"); again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("the same request again is done again")
	}
	add(422, "com", "block")
	add(422, "late.example", "block", "2020-01-01T00:00:00Z")
	add(422, "x.example", "maybe")
	var names []string
	for _, s := range pages[api.Sender](h, path+"?page[size]=1") {
		names = append(names, s.List+" "+s.Sender)
	}
	slices.Sort(names)
	if want := []string{"allow o/brien%2f@customer.example", "allow spam.example", "block erika@customer.example"}; !slices.Equal(names, want) {
		t.Errorf("senders = %q, want %q", names, want)
	}
	if blocked := pages[api.Sender](h, path+"?list=block"); len(blocked) != 1 || blocked[0].Actor != "admin" || blocked[0].ExpiresAt != nil {
		t.Errorf("blocked = %+v, want one", blocked)
	}
	h.refresh(p)
	v := want[api.Verdict](h, 200, call{path: p.path + "/messages/" + m.ID + "/verdict"})
	if v.Now == nil || v.Now.Rule != "erika@customer.example" || v.Now.Verdict != "spam" {
		t.Errorf("verdict = %+v, want spam by the rule", v.Now)
	}
	erika := made.header.Get("Location")
	foreign := strings.Replace(erika, p.workspace.ID, other.workspace.ID, 1)
	odd := path + "/" + url.PathEscape("o/brien%2f@customer.example")
	for _, c := range []struct {
		path   string
		status int
	}{{foreign, 404}, {erika, 204}, {erika, 404}, {odd, 204}} {
		if got := h.do(call{method: "DELETE", path: c.path}); got.status != c.status {
			t.Errorf("DELETE %s = %d %s, want %d", c.path, got.status, got.body, c.status)
		}
	}
	var actions []string
	for _, r := range h.recorded(p, "filter.") {
		actions = append(actions, strings.TrimPrefix(r.Action, "filter."))
	}
	if want := []string{"block", "allow", "allow", "block", "unlist", "unlist"}; !slices.Equal(actions, want) {
		t.Errorf("audit = %q, want %q", actions, want)
	}
}

func TestTraining(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	anna := h.teach(p, "anna", 40)
	before := time.Now()
	h.teach(p, "mallory", 10)
	m := h.submit(p, mailOf(1, "Lamp", "lamp shade broken"))
	h.do(call{method: "POST", path: p.path + "/messages/" + m.ID + "/verdict", body: map[string]string{"verdict": "spam"}})
	list := pages[api.Judgement](h, p.path+"/filter-training?page[size]=30")
	if len(list) != 101 || list[0].Seq != 101 || list[0].MessageID != m.ID || list[0].Actor != "admin" || list[0].Source != "admin" || !list[0].Stands {
		t.Fatalf("the journal has %d, first %+v", len(list), list[0])
	}
	for i, j := range list {
		if j.Seq != int64(101-i) {
			t.Fatalf("place %d has judgement %d", i, j.Seq)
		}
	}
	if one := pages[api.Judgement](h, p.path+"/filter-training?message="+anna[3].String()); len(one) != 1 || one[0].Verdict != "spam" || one[0].Actor != "anna" {
		t.Errorf("of one message = %+v", one)
	}
	back := func(body map[string]string) int {
		t.Helper()
		return want[api.Returned](h, 200, call{method: "POST", path: p.path + "/filter-returns", body: body}).Changed
	}
	to := before.Format(time.RFC3339Nano)
	if n := back(map[string]string{"to": to, "of": "mallory"}); n != 20 {
		t.Errorf("%d messages changed, want mallory's 20", n)
	}
	for _, j := range pages[api.Judgement](h, p.path+"/filter-training?actor=mallory") {
		if j.Stands {
			t.Errorf("judgement %d of mallory stands", j.Seq)
		}
	}
	if n := back(map[string]string{"to": to, "of": "mallory"}); n != 0 {
		t.Errorf("the same return again changes %d", n)
	}
	if n := back(map[string]string{"to": to}); n != 1 {
		t.Errorf("%d messages changed, want the admin's one", n)
	}
	if f := want[api.Stats](h, 200, call{path: p.path + "/stats"}).Filter; f.Ham != 40 || f.Spam != 40 {
		t.Errorf("learned = %+v, want anna's 40 and 40", f)
	}
	if r := h.recorded(p, "filter.return"); len(r) != 2 || r[0].Detail["of"] != "mallory" || r[0].Detail["changed"] != 20.0 {
		t.Errorf("audit = %+v, want two returns", r)
	}
	if a := h.do(call{method: "POST", path: p.path + "/filter-returns", body: map[string]string{"of": "anna"}}); a.status != 422 {
		t.Errorf("a return to no time = %d, want 422", a.status)
	}
	if theirs := pages[api.Judgement](h, other.path+"/filter-training?message="+m.ID); len(theirs) != 0 {
		t.Errorf("the other workspace sees %+v", theirs)
	}
}

func TestExplanationNamesTraining(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	anna := h.teach(p, "anna", 60)
	m := h.submit(p, mailOf(1, "Lamp", "lamp shade broken order invoice"))
	s := want[api.Verdict](h, 200, call{path: p.path + "/messages/" + m.ID + "/verdict"}).Now
	sum, named := 0.0, 0
	for _, c := range s.Contributions {
		sum += c.LogOdds
		for _, o := range c.Origins {
			if named++; c.Kind != "token" || c.Ham+c.Spam == 0 || o.Actor != "anna" || anna[o.Seq-1].String() != o.MessageID {
				t.Errorf("%s %q: origin %+v", c.Kind, c.Token, o)
			}
		}
	}
	if math.Abs(sum-s.LogOdds) > 1e-9 || named == 0 {
		t.Errorf("contributions add up to %v of %v, with %d training messages", sum, s.LogOdds, named)
	}
}

func TestDryRuns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	h.teach(p, "anna", 80)
	h.teach(p, "bert", 20)
	all := want[api.Evaluation](h, 200, call{path: p.path + "/filter-evaluation"})
	own, err := h.filter.Dry(t.Context(), uuid.MustParse(p.workspace.ID), classify.DryRun{})
	if err != nil {
		t.Fatal(err)
	}
	if all.Ham != 100 || all.Spam != 100 || all.ROCA == nil || *all.ROCA != own.ROCA || *all.LAM != own.LAM || *all.Missed != own.MissAt ||
		*all.CalibrationError != own.ECE || all.Unsure != own.Unsure || len(all.Curve) != 2 || all.Curve[1].To != 200 || all.ROCAHigh == nil {
		t.Errorf("evaluation = %+v, want %+v", all, own.Measures)
	}
	dry := func(body map[string]any) api.Comparison {
		t.Helper()
		return want[api.Comparison](h, 200, call{method: "POST", path: p.path + "/filter-dry-runs", body: body})
	}
	from := time.Now().Add(-time.Hour).Format(time.RFC3339)
	lax := dry(map[string]any{"from": from, "ham_below": 0.5, "spam_from": 0.5})
	if lax.AsIs.Unsure != all.Unsure || lax.Would.Unsure >= all.Unsure || lax.Would.SpamFrom != 0.5 || lax.AsIs.SpamFrom != 0.98 || *lax.Would.ROCA != *all.ROCA {
		t.Errorf("with one threshold: %+v beside %+v", lax.Would, lax.AsIs)
	}
	if w := dry(map[string]any{"spam_from": 0.1}).Would; w.HamBelow != 0.1 {
		t.Errorf("ham below %v, want it to follow spam from", w.HamBelow)
	}
	if d := dry(map[string]any{"without": "anna"}); d.Would.Ham != 20 || d.AsIs.Ham != 100 {
		t.Errorf("without anna: %+v beside %+v", d.Would, d.AsIs)
	}
	empty := dry(map[string]any{"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"})
	if empty.AsIs.Ham != 0 || empty.AsIs.ROCA != nil || empty.AsIs.LAM != nil || empty.AsIs.CalibrationError != nil {
		t.Errorf("of a time without judgements: %+v", empty.AsIs)
	}
	if a := h.do(call{method: "POST", path: p.path + "/filter-dry-runs", body: map[string]any{"ham_below": 0.9, "spam_from": 0.2}}); a.status != 422 {
		t.Errorf("thresholds out of order = %d %s, want 422", a.status, a.body)
	}
	if theirs := want[api.Evaluation](h, 200, call{path: other.path + "/filter-evaluation"}); theirs.Ham+theirs.Spam != 0 {
		t.Errorf("the other workspace measures %+v", theirs)
	}
	if r := h.recorded(p, "filter."); len(r) != 0 {
		t.Errorf("questions are recorded as changes: %+v", r)
	}
	// The other workspace's mail is stored, but for what it learned from files.
	h.teach(other, "anna", 5)
	for i, v := range []string{"ham", "spam"} {
		m := h.submit(other, mailOf(i, "Lamp", "lamp shade broken"))
		h.do(call{method: "POST", path: other.path + "/messages/" + m.ID + "/verdict", body: map[string]string{"verdict": v}})
	}
	e := want[api.Evaluation](h, 200, call{path: other.path + "/filter-evaluation"})
	if e.Ham != 6 || e.Spam != 6 || e.Stripped.Ham != 1 || e.Stripped.Spam != 1 || e.Stripped.ROCA == nil || e.Stripped.HamBelow != e.HamBelow {
		t.Errorf("evaluation = %+v, want 6 of each, and one of each stripped", e)
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	var mails []api.Message
	for i := range 3 {
		mails = append(mails, h.submit(p, mailOf(i, "Lamp", fmt.Sprint("broken ", i))))
	}
	contradict := func(m api.Message) {
		t.Helper()
		h.judge(p, m.ID, "anna", classify.Ham)
		want[api.Message](h, 200, call{method: "POST", path: p.path + "/messages/" + m.ID + "/verdict", body: map[string]string{"verdict": "spam"}})
	}
	for _, m := range mails {
		contradict(m)
	}
	list := pages[api.Alert](h, p.path+"/alerts?page[size]=2")
	if len(list) != 3 || list[0].Kind != "filter_disagreement" || list[0].Target != "message:"+mails[0].ID || list[0].Advice == "" || list[0].Count != 1 {
		t.Fatalf("alerts = %+v, want three disagreements", list)
	}
	one := p.path + "/alerts/" + list[0].ID
	for range 2 {
		a := want[api.Alert](h, 200, call{method: "POST", path: one + "/acknowledgement"})
		if a.AcknowledgedBy == nil || *a.AcknowledgedBy != "admin" || a.ResolvedAt != nil {
			t.Errorf("acknowledged = %+v", a)
		}
	}
	if got := pages[api.Alert](h, p.path+"/alerts"); len(got) != 3 {
		t.Errorf("%d alerts stand after one was seen, want 3", len(got))
	}
	contradict(mails[0])
	if got := pages[api.Alert](h, p.path+"/alerts"); len(got) != 3 || got[0].Count != 3 { // anna against the admin, and the other way round
		t.Errorf("raised again: %+v", got)
	}
	for range 2 {
		if a := want[api.Alert](h, 200, call{method: "POST", path: one + "/resolution"}); a.ResolvedBy == nil || *a.ResolvedBy != "admin" {
			t.Errorf("resolved = %+v", a)
		}
	}
	if got := pages[api.Alert](h, p.path+"/alerts"); len(got) != 2 {
		t.Errorf("%d alerts stand after one was resolved, want 2", len(got))
	}
	contradict(mails[0])
	if got := pages[api.Alert](h, p.path+"/alerts?resolved=true"); len(got) != 4 || got[3].Count != 2 || got[0].ResolvedAt == nil {
		t.Errorf("after a resolved one came again: %+v", got)
	}
	for _, path := range []string{other.path + "/alerts/" + list[1].ID, p.path + "/alerts/" + other.workspace.ID} {
		for _, mark := range []string{"/acknowledgement", "/resolution"} {
			if got := h.do(call{method: "POST", path: path + mark}); got.status != 404 {
				t.Errorf("POST %s%s = %d, want 404", path, mark, got.status)
			}
		}
	}
	var actions []string
	for _, r := range h.recorded(p, "alert.") {
		actions = append(actions, r.Action)
	}
	if !slices.Equal(actions, []string{"alert.acknowledge", "alert.resolve"}) {
		t.Errorf("audit = %q, want each once", actions)
	}
}
