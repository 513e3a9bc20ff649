package smtpd_test

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"postroom/ingest/ingesttest"
)

// A wire is a connection on which a test says its own words.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (p *post) wire(t *testing.T, withTLS bool) *wire {
	t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	w := &wire{c, t, bufio.NewReader(c)}
	w.want("220")
	if withTLS {
		w.say("STARTTLS\r\n")
		w.want("220")
		s := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		w.Conn, w.r = s, bufio.NewReader(s)
	}
	w.say("EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<" + p.Address + ">\r\n")
	for range 3 {
		w.want("250")
	}
	return w
}

func (w *wire) say(s string) {
	w.t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		w.t.Fatal(err)
	}
}

// want reads one answer, which must begin so.
func (w *wire) want(code string) {
	w.t.Helper()
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			w.t.Fatalf("instead of %s: %v", code, err)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(line, code) {
			w.t.Fatalf("answered %q, want %s", line, code)
		}
		return
	}
}

// A mail is the same whichever way it is read, above all where CRs stand in rows.
func TestEndsOfLines(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	bodies := []struct{ sent, kept string }{
		{"a\r\r\n", "a\r\r\n"},
		{"a\r\r\n..dot\r\r\n...dots\r\r\n", "a\r\r\n.dot\r\r\n..dots\r\r\n"},
		{"a\r\r\r\n..dot\r\r\r\r\n..dot\r\r\r\r\n", "a\r\r\r\n.dot\r\r\r\r\n.dot\r\r\r\r\n"},
		{"..a\r\r.\r\n..b\r\n", ".a\r\r.\r\n.b\r\n"},
		{"\r\r\n", "\r\r\n"},
	}
	for i, b := range bodies {
		for _, withTLS := range []bool{false, true} {
			w := p.wire(t, withTLS)
			w.say("DATA\r\n")
			w.want("354")
			w.say(fmt.Sprintf("Subject: %d %v\r\n\r\n", i, withTLS) + b.sent + ".\r\n")
			w.want("250")
		}
	}
	for i, m := range p.Settled(2 * len(bodies)) {
		raw, err := p.Raw(t.Context(), p.Workspace, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		if want := bodies[i/2].kept; body != want {
			t.Errorf("%q is kept as %q, want %q (%s)", bodies[i/2].sent, body, want, m.Subject)
		}
	}
}

// A chunk that breaks off is no mail, however the client leaves.
func TestBrokenChunk(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	half := "BDAT 1000 LAST\r\n" + ingesttest.Mail("half@x", "", "Half", "text")
	for _, leave := range []func(*wire){
		func(w *wire) { _ = w.Close() }, // TLS says goodbye first
		func(w *wire) {
			if s, ok := w.Conn.(*tls.Conn); ok {
				_ = s.NetConn().Close()
				return
			}
			_ = w.Conn.(*net.TCPConn).CloseWrite()
		},
	} {
		for _, withTLS := range []bool{false, true} {
			w := p.wire(t, withTLS)
			w.say(half)
			leave(w)
		}
	}
	for _, withTLS := range []bool{false, true} {
		w := p.wire(t, withTLS)
		text := ingesttest.Mail(fmt.Sprint("whole", withTLS, "@x"), "", "Whole", "text")
		w.say(fmt.Sprintf("BDAT %d\r\n%sBDAT %d LAST\r\n%s", 10, text[:10], len(text)-10, text[10:]))
		w.want("250")
		w.want("250")
		w.say("QUIT\r\n")
		w.want("221")
	}
	for _, m := range p.Settled(2) {
		if m.Subject != "Whole" {
			t.Errorf("half a mail was taken: %q", m.Subject)
		}
	}
}

// A chunk that nobody wants is not taken for commands.
func TestRefusedChunk(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	forged := "MAIL FROM:<ceo@b.test>\r\nRCPT TO:<" + p.Address + ">\r\nDATA\r\nSubject: Forged\r\n\r\nx\r\n.\r\n"
	w := p.wire(t, false)
	w.say("RSET\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@elsewhere.test>\r\n" + fmt.Sprintf("BDAT %d LAST\r\n", len(forged)) + forged + "NOOP\r\n")
	for _, code := range []string{"250", "250", "550", "502", "250"} {
		w.want(code)
	}
	p.Settled(0)
}

// Who takes a mail back between its chunks goes on talking.
func TestResetBetweenChunks(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	w := p.wire(t, false)
	w.say("BDAT 3\r\nabc")
	w.want("250")
	w.say("RSET\r\n")
	w.want("250")
	w.say("MAIL FROM:<a@b.test>\r\nMAIL FROM:<c@d.test>\r\n")
	w.want("250")
	w.want("503") // one at a time
	p.Settled(0)
}

// A recipient longer than any address is refused, and the next one is heard.
func TestLongRecipient(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	w := p.wire(t, false)
	long := ""
	for len(long) < 4000 {
		long += rand.Text() // nothing that would compress
	}
	w.say("RCPT TO:<" + strings.Replace(p.Address, "@", "+"+long+"@", 1) + ">\r\n")
	w.want("55")
	w.say("DATA\r\n")
	w.want("354")
	w.say("Subject: x\r\n\r\ny\r\n.\r\n")
	w.want("250")
	p.Settled(1)
}
