package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// A mailbox is one in a workspace of its own, seen through the API.
type mailbox struct {
	t                  *testing.T
	base               string // of the API, without a slash at the end
	workspace, address string
	wrong              int // complaints
}

// newMailbox makes a workspace with one mailbox.
func (s *server) newMailbox(address string) *mailbox {
	s.t.Helper()
	m := &mailbox{t: s.t, base: "http://" + s.http + "/api/v1", address: address}
	var made struct{ ID string }
	m.call("POST", "/workspaces", map[string]string{"name": "Chaos"}, &made)
	m.workspace = made.ID
	m.call("POST", "/workspaces/"+m.workspace+"/mailboxes", map[string]string{"address": address}, &made)
	return m
}

func (m *mailbox) call(method, path string, in, out any) {
	m.t.Helper()
	if err := m.try(method, m.base+path, in, out); err != nil {
		m.t.Fatal(err)
	}
}

var client = http.Client{Timeout: 30 * time.Second}

func (m *mailbox) try(method, address string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	answer, err := m.request(method, address, &body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// request asks once, and again when the API says that it was asked too often.
func (m *mailbox) request(method, address string, body *bytes.Buffer) ([]byte, error) {
	for {
		answer, status, err := m.ask(method, address, bytes.NewReader(body.Bytes()))
		if status != http.StatusTooManyRequests {
			return answer, err
		}
		time.Sleep(time.Second)
	}
}

func (m *mailbox) ask(method, address string, body io.Reader) (answer []byte, status int, err error) {
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, address, resp.Status, answer)
	}
	return answer, resp.StatusCode, err
}

type stats struct {
	Accepted, Stored, Filed, Held, Duplicate, Failed int
	Waiting                                          map[string]int
	Tickets                                          int
	Balances                                         bool
}

func (s stats) waiting() (n int) {
	for _, w := range s.Waiting {
		n += w
	}
	return n
}

// waitIdle waits until no message waits in any stage.
func (m *mailbox) waitIdle(within time.Duration) {
	m.t.Helper()
	var s stats
	for begun := time.Now(); time.Since(begun) < within; time.Sleep(100 * time.Millisecond) {
		m.call("GET", "/workspaces/"+m.workspace+"/stats", nil, &s)
		if s.waiting() == 0 {
			m.t.Logf("nothing waits after %.1f s more", time.Since(begun).Seconds())
			return
		}
	}
	m.t.Errorf("after %s messages still wait: %+v", within, s)
}

type message struct {
	ID          string
	Stage       string
	MessageID   string     `json:"message_id"`
	TicketID    string     `json:"ticket_id"`
	DuplicateOf string     `json:"duplicate_of"`
	ReceivedAt  *time.Time `json:"received_at"`
	DoneAt      *time.Time `json:"done_at"`
}

// list reads all pages of a list.
func list[T any](m *mailbox, name string) []T {
	m.t.Helper()
	var all []T
	at := m.base + "/workspaces/" + m.workspace + "/" + name + "?page[size]=100"
	for at != "" {
		var page struct {
			Data  []T
			Links struct{ Next string }
		}
		if err := m.try("GET", at, nil, &page); err != nil {
			m.t.Fatal(err)
		}
		all = append(all, page.Data...)
		if page.Links.Next == "" {
			break
		}
		here, err := url.Parse(at)
		if err != nil {
			m.t.Fatal(err)
		}
		next, err := here.Parse(page.Links.Next)
		if err != nil {
			m.t.Fatal(err)
		}
		at = next.String()
	}
	return all
}

// check proves that the mailbox holds the letters, each filed once, on the ticket
// of its thread, and besides them nothing but duplicates of them.
func (m *mailbox) check(letters []*letter) {
	m.t.Helper()
	filed, messages := m.filed()
	tickets := m.checkLetters(letters, filed)
	duplicates := m.checkMessages(letters, messages, filed)
	m.checkStats(len(messages), len(letters), duplicates, tickets)
	for i := 0; i < len(letters); i += max(1, len(letters)/25) {
		if copies := filed[letters[i].id]; len(copies) > 0 {
			m.checkRaw(letters[i], copies[0].ID)
		}
	}
	var slowest time.Duration
	for _, msg := range messages {
		if msg.ReceivedAt != nil && msg.DoneAt != nil {
			slowest = max(slowest, msg.DoneAt.Sub(*msg.ReceivedAt))
		}
	}
	m.t.Logf("%d mails on %d tickets, %d duplicates named, %d failures; the slowest message took %s",
		len(letters), tickets, duplicates, m.wrong, slowest.Round(time.Millisecond))
}

// complain reports what is wrong, the first few times.
func (m *mailbox) complain(format string, args ...any) {
	m.t.Helper()
	if m.wrong++; m.wrong <= 20 {
		m.t.Errorf(format, args...)
	}
}

// checkLetters compares what was sent with what is filed and returns how many
// tickets there are.
func (m *mailbox) checkLetters(letters []*letter, filed map[string][]message) int {
	m.t.Helper()
	ticketOf := map[string]string{} // by the thread's first Message-ID
	threadOf := map[string]string{}
	for _, l := range letters {
		copies := filed[l.id]
		if len(copies) != 1 {
			m.complain("mail %s is filed %d times, want once: %v", l.id, len(copies), copies)
			continue
		}
		ticket := copies[0].TicketID
		if t, ok := ticketOf[l.root]; ok && t != ticket {
			m.complain("the thread of %s is on two tickets, %s and %s", l.root, t, ticket)
		}
		if root, ok := threadOf[ticket]; ok && root != l.root {
			m.complain("ticket %s holds two threads, of %s and of %s", ticket, root, l.root)
		}
		ticketOf[l.root], threadOf[ticket] = ticket, l.root
	}
	return len(ticketOf)
}

// checkMessages compares what there is with what was sent and returns how many
// duplicates there are.
func (m *mailbox) checkMessages(letters []*letter, messages []message, filed map[string][]message) int {
	m.t.Helper()
	sent := map[string]bool{}
	for _, l := range letters {
		sent[l.id] = true
	}
	duplicates := 0
	for _, msg := range messages {
		switch {
		case !sent[msg.MessageID]:
			m.complain("message %s is of a mail that nobody sent: %+v", msg.ID, msg)
		case msg.Stage == "duplicate":
			if duplicates++; len(filed[msg.MessageID]) != 1 || filed[msg.MessageID][0].ID != msg.DuplicateOf {
				m.complain("message %s repeats %s, which is not the filed one: %v", msg.ID, msg.DuplicateOf, filed[msg.MessageID])
			}
		case msg.Stage != "filed":
			m.complain("message %s is %s", msg.ID, msg.Stage)
		}
	}
	return duplicates
}

// checkRaw reads a mail back and compares it with what was sent, to the last
// octet behind the fields that its receiver added.
func (m *mailbox) checkRaw(l *letter, id string) {
	m.t.Helper()
	raw, err := m.request("GET", m.base+"/workspaces/"+m.workspace+"/messages/"+id+"/raw", &bytes.Buffer{})
	if err != nil {
		m.t.Fatal(err)
	}
	if want := bytes.ReplaceAll(l.data, []byte("\r\n.."), []byte("\r\n.")); !bytes.HasSuffix(raw, want) {
		m.complain("message %s reads back as something else than was sent", id)
	}
}

// filed returns the filed messages by Message-ID, and all messages.
func (m *mailbox) filed() (map[string][]message, []message) {
	m.t.Helper()
	filed := map[string][]message{}
	seen := map[string]bool{}
	all := list[message](m, "messages")
	for _, msg := range all {
		if seen[msg.ID] {
			m.t.Errorf("message %s is listed twice", msg.ID)
		}
		seen[msg.ID] = true
		if msg.Stage == "filed" {
			filed[msg.MessageID] = append(filed[msg.MessageID], msg)
		}
	}
	return filed, all
}

func (m *mailbox) checkStats(messages, filed, duplicates, tickets int) {
	m.t.Helper()
	var s stats
	m.call("GET", "/workspaces/"+m.workspace+"/stats", nil, &s)
	if !s.Balances || s.Accepted != messages || s.Stored != messages || s.Filed != filed ||
		s.Duplicate != duplicates || s.Held != 0 || s.Failed != 0 || s.Tickets != tickets {
		m.t.Errorf("stats are %+v, want a balance of %d accepted and stored, %d filed, %d duplicate, on %d tickets",
			s, messages, filed, duplicates, tickets)
	}
	if n := len(list[struct{ ID string }](m, "tickets")); n != tickets {
		m.t.Errorf("%d tickets are listed, want %d", n, tickets)
	}
}
