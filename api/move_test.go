package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"postroom/api"
)

// letter writes a mail of a person, who may answer one of these ids.
func letter(who string, n int, subject, answers string) []byte {
	m := strings.ReplaceAll(string(mailOf(n, subject, "text of "+fmt.Sprint(n))), "Erika Muster <erika@customer.example>", who)
	if answers != "" {
		m = "In-Reply-To: <" + answers + ">\r\n" + m
	}
	return []byte(m)
}

func TestMergeAndUndo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	a := h.submit(p, letter("a@one.example", 1, "Lamp", ""))
	b := h.submit(p, letter("a@one.example", 2, "Shade", ""))
	merge := call{method: "POST", path: p.path + "/tickets/2/merge", body: map[string]string{"into": "1"}}
	m := want[api.Move](h, 200, merge)
	if m.Kind != "merge" || m.SourceID != *b.TicketID || m.TargetID != *a.TicketID || len(m.Messages) != 1 || m.Messages[0] != b.ID {
		t.Fatalf("merge = %+v", m)
	}
	if again := want[api.Move](h, 200, merge); again.ID != m.ID {
		t.Errorf("merging again = %+v, want the same move", again)
	}
	client := *h.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.client = &client
	place := "/api/v1" + p.path + "/tickets/" + *a.TicketID
	if got := h.do(call{path: p.path + "/tickets/2"}); got.status != 307 || got.header.Get("Location") != place {
		t.Errorf("the merged ticket = %d to %q, want 307 to %s", got.status, got.header.Get("Location"), place)
	}
	if list := want[api.Page[api.Post]](h, 200, call{path: p.path + "/tickets/2/messages"}).Data; len(list) != 2 {
		t.Errorf("the merged ticket's messages = %+v, want both", list)
	}
	if got := want[api.Ticket](h, 200, call{path: p.path + "/tickets/1"}); got.Messages != 2 {
		t.Errorf("the target = %+v, want two messages", got)
	}
	late := h.submit(p, letter("a@one.example", 3, "Other words", "2@customer.example"))
	if *late.TicketID != *a.TicketID {
		t.Error("an answer to the merged ticket's message did not follow it")
	}
	undo := call{method: "POST", path: "/moves/" + m.ID + "/undo"}
	undo.path = p.path + undo.path
	for range 2 {
		if u := want[api.Move](h, 200, undo); u.UndoneAt == nil {
			t.Errorf("undone = %+v", u)
		}
	}
	if got := want[api.Message](h, 200, call{path: p.path + "/messages/" + b.ID}); *got.TicketID != *b.TicketID {
		t.Error("the message is not back on its ticket")
	}
	if moves := pages[api.Move](h, p.path+"/tickets/1/moves"); len(moves) != 1 || moves[0].UndoneAt == nil {
		t.Errorf("moves = %+v", moves)
	}
	for _, into := range []string{"2", *b.TicketID} {
		if got := want[api.Problem](h, 422, call{method: "POST", path: p.path + "/tickets/2/merge", body: map[string]string{"into": into}}); got.Errors[0].Field != "body.into" {
			t.Errorf("into itself = %+v", got)
		}
	}
}

func TestUnthread(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	a := h.submit(p, letter("a@one.example", 1, "Lamp", ""))
	b := h.submit(p, letter("a@one.example", 2, "Re: Lamp", "1@customer.example"))
	off := call{method: "POST", path: p.path + "/tickets/1/messages/" + b.ID + "/unthread"}
	m := want[api.Move](h, 200, off)
	if again := want[api.Move](h, 200, off); again.ID != m.ID || m.Kind != "split" {
		t.Errorf("again = %+v, want %+v", again, m)
	}
	late := h.submit(p, letter("a@one.example", 3, "Re: Lamp", "2@customer.example"))
	if *late.TicketID != m.TargetID || *b.TicketID == m.TargetID {
		t.Error("an answer did not follow the message that was taken off")
	}
	posts := pages[api.Post](h, p.path+"/tickets/"+m.TargetID+"/messages")
	if len(posts) != 2 || posts[0].Evidence != "moved" || posts[1].Evidence != "in-reply-to" || posts[1].Weight != 90 {
		t.Errorf("the new ticket has %+v", posts)
	}
	if got := want[api.Problem](h, 409, call{method: "POST", path: p.path + "/tickets/1/messages/" + a.ID + "/unthread"}); !strings.Contains(got.Detail, "one must stay") {
		t.Errorf("taking off a ticket's only message = %+v, want it said that one must stay", got)
	}
	want[api.Move](h, 200, call{method: "POST", path: p.path + "/moves/" + m.ID + "/undo"})
	posts = pages[api.Post](h, p.path+"/tickets/1/messages")
	if len(posts) != 3 || posts[1].Evidence != "in-reply-to" {
		t.Errorf("after undoing it ticket 1 has %+v, want all three as they were", posts)
	}
}

// TestIfMatch changes tickets under a condition: what has changed since it was read
// is left alone.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	h.submit(p, letter("a@one.example", 1, "Lamp", ""))
	tag := func(ticket string) string {
		t.Helper()
		return h.do(call{path: p.path + "/tickets/" + ticket}).header.Get("ETag")
	}
	stale := tag("1")
	b := h.submit(p, letter("a@one.example", 2, "Re: Lamp", "1@customer.example"))
	c := h.submit(p, letter("a@one.example", 3, "Re: Lamp", "1@customer.example"))
	h.submit(p, letter("a@one.example", 4, "Shade", ""))
	// refused, then done with the ticket's ETag
	change := func(ticket, path string, body any) api.Move {
		t.Helper()
		key := map[string]string{"If-Match": stale, "Idempotency-Key": path}
		if got := want[api.Problem](h, 412, call{method: "POST", path: p.path + path, body: body, header: key}); got.Code != "precondition_failed" {
			t.Errorf("%s with a stale ETag = %+v", path, got)
		}
		key["If-Match"] = `"x", ` + tag(ticket)
		return want[api.Move](h, 200, call{method: "POST", path: p.path + path, body: body, header: key})
	}
	off := change("1", "/tickets/1/messages/"+b.ID+"/unthread", nil)
	change(off.TargetID, "/moves/"+off.ID+"/undo", nil)
	change("1", "/tickets/1/split", map[string][]string{"messages": {c.ID}})
	change("2", "/tickets/2/merge", map[string]string{"into": "1"})
	if moves := pages[api.Move](h, p.path+"/tickets/1/moves"); len(moves) != 3 {
		t.Errorf("moves = %+v, want the three that were agreed to", moves)
	}
}

// TestConflictsSayWhy provokes refusals whose callers can do something about them.
func TestConflictsSayWhy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	for i := range 3 {
		h.submit(p, letter("a@one.example", i+1, fmt.Sprintf("Thing %d", i), ""))
	}
	m := h.submit(p, letter("a@one.example", 4, "Re: Thing 0", "1@customer.example"))
	merge := func(from, into string) call {
		return call{method: "POST", path: p.path + "/tickets/" + from + "/merge", body: map[string]string{"into": into}}
	}
	first := want[api.Move](h, 200, merge("1", "2"))
	want[api.Move](h, 200, call{method: "POST", path: p.path + "/tickets/2/split", body: map[string][]string{"messages": {m.ID}}})
	for _, tt := range []struct {
		call call
		says string
	}{
		{merge("1", "3"), "Ticket 1 is merged into another ticket already"},
		{call{method: "POST", path: p.path + "/moves/" + first.ID + "/undo"}, "Undo the later move first"},
		{call{method: "POST", path: p.path + "/messages/" + m.ID + "/retry"}, "this one is filed"},
		{call{method: "POST", path: p.path + "/mailboxes", body: map[string]string{"address": p.mailbox.Address}}, "is a mailbox's already"},
		{call{method: "POST", path: p.path + "/mailboxes/" + p.mailbox.ID + "/polling/poll"}, "does not poll the mailbox"},
	} {
		if got := want[api.Problem](h, 409, tt.call); got.Code != "conflict" || !strings.Contains(got.Detail, tt.says) {
			t.Errorf("%s = %+v, want it to say %q", tt.call.path, got, tt.says)
		}
	}
}

func TestRelated(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	a := h.submit(p, letter("a@one.example", 1, "Lamp", ""))
	b := h.submit(p, letter("b@two.example", 2, "[#1] my friend's lamp", ""))
	if *a.TicketID == *b.TicketID {
		t.Fatal("a stranger joined by a number")
	}
	related := pages[api.Related](h, p.path+"/tickets/2/related")
	if len(related) != 1 || related[0].Number != 1 || related[0].Reason != "subject-number" {
		t.Errorf("related = %+v, want ticket 1 by its number", related)
	}
	if back := pages[api.Related](h, p.path+"/tickets/1/related"); len(back) != 1 || back[0].Number != 2 {
		t.Errorf("the other way = %+v, want ticket 2", back)
	}
	body := h.do(call{path: p.path + "/messages/" + b.ID + "/passport"}).body
	if !strings.Contains(string(body), "subject-number") || !strings.Contains(string(body), "takes no part") {
		t.Errorf("passport = %s, want the evidence that did not hold", body)
	}
}
