package api_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Whoever announces large bodies and does not send them holds up nobody but
// himself.
func TestAnnouncedBodies(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	for _, size := range []int{60 << 20, 60 << 20, 60 << 20, 60 << 20, 8 << 20, 4 << 20, 2 << 20, 1 << 20, 1 << 19, 1 << 18, 1 << 17, 1 << 16, 1 << 15, 1 << 14, 1 << 13, 1 << 12, 1 << 11, 1 << 10, 1 << 9, 1 << 8, 1 << 7, 1 << 6, 1 << 5} {
		c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_, err = fmt.Fprintf(c, "POST /api/v1%s/mailboxes/%s/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: message/rfc822\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
			p.path, p.mailbox.ID, token, size)
		if err != nil {
			t.Fatal(err)
		}
		// What comes now says that the announcement was dealt with: go on, or busy.
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.ReadFull(c, make([]byte, len("HTTP/1.1 100"))); err != nil {
			t.Fatal(err)
		}
	}
	if a := h.do(call{method: "POST", path: p.path + "/mailboxes", body: map[string]string{"address": "a@lumen.example"}}); a.status != 201 {
		t.Errorf("a mailbox in the same workspace: %d %s", a.status, a.body)
	}
	if a := h.do(call{method: "POST", path: other.path + "/mailboxes/" + other.mailbox.ID + "/messages", body: mailOf(1, "Lamp", "broken"), header: rfc822}); a.status != 202 {
		t.Errorf("a mail for another workspace: %d %s", a.status, a.body)
	}
}
