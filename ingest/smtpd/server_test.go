package smtpd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/ingest/smtpd"
)

// A post is a running server with its room.
type post struct {
	*ingesttest.Room
	addr string // of SMTP
	sock string // of LMTP
	stop func()
}

func newPost(t *testing.T, change func(*smtpd.Config)) *post {
	t.Helper()
	p := &post{Room: ingesttest.New(t, nil)}
	p.Start()
	tlsConfig, err := smtpd.TLSConfig("", "", t.TempDir(), "mx.test")
	if err != nil {
		t.Fatalf("TLSConfig: %v", err)
	}
	c := smtpd.Config{Pipeline: p.Pipeline, Hostname: "mx.test", TLS: tlsConfig, MaxBytes: 1_000_000, Limits: smtpd.DefaultLimits}
	if change != nil {
		change(&c)
	}
	s := smtpd.New(c)
	addr, err := s.ListenSMTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = addr.String()
	dir, err := os.MkdirTemp("", "lmtp") // a short path: a socket's has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p.sock = filepath.Join(dir, "s")
	if err := s.ListenLMTP(p.sock); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

// TestDialogues plays the files of testdata: "C:" is sent, "C+" is sent together
// with the next line, "S:" must begin the next answer line, "S*" all lines of an
// answer.
func TestDialogues(t *testing.T) {
	t.Parallel()
	for _, door := range []string{"smtp", "lmtp"} {
		files, err := filepath.Glob(filepath.Join("testdata", door, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no dialogues for %s: %v", door, err)
		}
		for _, f := range files {
			t.Run(door+"/"+filepath.Base(f), func(t *testing.T) {
				t.Parallel()
				p := newPost(t, nil)
				network, addr := "tcp", p.addr
				if door == "lmtp" {
					network, addr = "unix", p.sock
				}
				c, err := net.Dial(network, addr)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				play(t, c, f, p.Address)
			})
		}
	}
}

func play(t *testing.T, c net.Conn, file, address string) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	local, domain, _ := strings.Cut(address, "@")
	text := strings.NewReplacer("$ADDRESS", address, "$PLUS", local+"+tag@"+domain).Replace(string(script))
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(c)
	held := ""
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		kind, rest := line[:2], strings.TrimPrefix(line[2:], " ")
		switch kind {
		case "C+":
			held += rest + "\r\n"
		case "C:":
			if _, err := io.WriteString(c, held+rest+"\r\n"); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			held = ""
		case "S:", "S*":
			for {
				got, err := in.ReadString('\n')
				if err != nil {
					t.Fatalf("line %d: want %q: %v", i+1, rest, err)
				}
				if !strings.HasPrefix(got, rest) {
					t.Fatalf("line %d: got %q, want %q", i+1, got, rest)
				}
				if kind == "S:" || got[3] == ' ' {
					break
				}
			}
		default:
			t.Fatalf("line %d: %q is neither C nor S", i+1, line)
		}
	}
}

// send sends one mail by the standard library's client.
func (p *post) send(t *testing.T, withTLS bool, raw string) error {
	t.Helper()
	c, err := smtp.Dial(p.addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if withTLS {
		if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true, ServerName: "mx.test"}); err != nil {
			return err
		}
	}
	if err := c.Mail("anna@example.test"); err != nil {
		return err
	}
	if err := c.Rcpt(p.Address); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func TestReceivedAndEnvelope(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	for _, withTLS := range []bool{false, true} {
		if err := p.send(t, withTLS, ingesttest.Mail(fmt.Sprint(withTLS, "@x"), "", "Trace", "line\r\n.dot\r\n..dots")); err != nil {
			t.Fatalf("TLS %v: %v", withTLS, err)
		}
	}
	for i, m := range p.Settled(2) {
		raw, err := p.Raw(t.Context(), p.Workspace, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		with := []string{" with UTF8SMTP id ", " with UTF8SMTPS id "}[i]
		head, body, _ := strings.Cut(string(raw), "From: Anna")
		if !strings.HasPrefix(head, "Received: from localhost (127.0.0.1)\r\n\tby mx.test (Postroom)"+with) || !strings.Contains(head, "for <"+p.Address+">") {
			t.Errorf("the mail begins %q", head)
		}
		if !strings.HasSuffix(body, "line\r\n.dot\r\n..dots\r\n") {
			t.Errorf("the mail ends %q", body)
		}
		if (m.Envelope.TLS != "") != (i == 1) || m.Envelope.Peer != "127.0.0.1" || m.Envelope.MailFrom != "anna@example.test" {
			t.Errorf("envelope %+v", m.Envelope)
		}
	}
}

func TestTLSVersions(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := smtp.Dial(p.addr)
		if err != nil {
			t.Fatal(err)
		}
		err = c.StartTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("%s: %v, want success %v", tls.VersionName(version), err, ok)
		}
		_ = c.Close()
	}
}

func TestTooLargeMail(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *smtpd.Config) { c.MaxBytes = 100_000 })
	big := ingesttest.Mail("big@x", "", "Big", strings.Repeat("0123456789\r\n", 20_000))
	for _, withTLS := range []bool{false, true} {
		if err := p.send(t, withTLS, big); err == nil || !strings.HasPrefix(err.Error(), "552") {
			t.Errorf("TLS %v: %v, want 552", withTLS, err)
		}
	}
	if err := p.send(t, false, ingesttest.Mail("small@x", "", "Small", "x")); err != nil {
		t.Errorf("the next mail: %v", err)
	}
	p.Settled(1)
}

// A mail that is cut off at any place is not taken, and its sender can tell.
func TestCutOff(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	whole := "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<" + p.Address + ">\r\nDATA\r\n" + ingesttest.Mail("cut@x", "", "Cut", "text") + ".\r"
	for n := 0; n < len(whole); n += 7 {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, whole[:n]); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	if err := p.send(t, false, ingesttest.Mail("whole@x", "", "Whole", "text")); err != nil {
		t.Fatal(err)
	}
	if list := p.Settled(1); list[0].Subject != "Whole" {
		t.Errorf("a mail that was cut off was taken: %q", list[0].Subject)
	}
}

func TestAddressHarvesting(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *smtpd.Config) { c.Limits.UnknownRcpts = 3 })
	c, err := smtp.Dial(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Mail("a@b.test"); err != nil {
		t.Fatal(err)
	}
	var answers []string
	for i := range 5 {
		if err = c.Rcpt(fmt.Sprintf("guess%d@x.test", i)); err != nil {
			answers = append(answers, err.Error()[:3])
		}
	}
	if !slices.Equal(answers[:3], []string{"550", "550", "550"}) || err == nil {
		t.Errorf("answers %v, then %v: want three refusals and the end of the connection", answers, err)
	}
}

func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *smtpd.Config) { c.Limits.PerAddress = 2 })
	var last net.Conn
	for range 3 {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		last = c
		_ = last.SetDeadline(time.Now().Add(time.Minute))
	}
	if line, err := bufio.NewReader(last).ReadString('\n'); err != nil || !strings.HasPrefix(line, "421 4.7.0") {
		t.Errorf("the third connection was told %q, %v", line, err)
	}
}

// A server that stops sends idle clients away at once, lets a mail under way
// finish, and then goes.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	p := newPost(t, nil)
	idle, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	busy, err := smtp.Dial(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := busy.Mail("a@b.test"); err != nil {
		t.Fatal(err)
	}
	if err := busy.Rcpt(p.Address); err != nil {
		t.Fatal(err)
	}
	w, err := busy.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, ingesttest.Mail("w@x", "", "Under way", "first half")); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { p.stop(); close(stopped) }()
	_ = idle.SetDeadline(time.Now().Add(time.Minute))
	told, err := io.ReadAll(idle)
	if err != nil || !strings.Contains(string(told), "\r\n421 4.3.2") {
		t.Errorf("the idle client was told %q, %v", told, err)
	}
	if _, err := io.WriteString(w, "second half\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("the mail under way: %v", err)
	}
	<-stopped
	if m := p.Settled(1)[0]; m.Stage != ingest.Filed {
		t.Errorf("it ended as %s", m.Stage)
	}
}

// TestStopAtOnce: a server told to stop before its doors have begun to serve
// stops all the same.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 500 {
		s := smtpd.New(smtpd.Config{Hostname: "mx.test", Limits: smtpd.DefaultLimits})
		for range 3 {
			if _, err := s.ListenSMTP("127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("Run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("Run goes on although it was told to stop")
		}
	}
}

// A mail that does not come to its end while the server stops is answered 421 and
// stays with its sender.
func TestStopWithMailUnderWay(t *testing.T) {
	t.Parallel()
	p := newPost(t, func(c *smtpd.Config) { c.Limits.StopWithin = 100 * time.Millisecond })
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(c)
	if _, err := io.WriteString(c, "HELO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<"+p.Address+">\r\nDATA\r\n"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(c, "Subject: never finished\r\n"); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "421") {
		t.Errorf("the client was told %q, %v, want 421", line, err)
	}
	p.Settled(0)
}

// A mail that stalls is given up with the connection: its remaining lines are
// never taken for commands.
func TestStalledMailIsNoCommands(t *testing.T) {
	t.Parallel()
	for _, withTLS := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", withTLS), func(t *testing.T) {
			t.Parallel()
			p := newPost(t, func(c *smtpd.Config) { c.Limits.DataReadTimeout = 200 * time.Millisecond })
			c, err := smtp.Dial(p.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if withTLS {
				if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(c.Mail("a@b.test"), c.Rcpt(p.Address)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Data(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c.Text.W, "Subject: stalls\r\n\r\nbody\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := c.Text.W.Flush(); err != nil {
				t.Fatal(err)
			}
			if line, err := c.Text.ReadLine(); err != nil || !strings.HasPrefix(line, "421") {
				t.Errorf("told %q, %v, want 421", line, err)
			}
			inner := "MAIL FROM:<evil@b.test>\r\nRCPT TO:<" + p.Address + ">\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
			_, _ = io.WriteString(c.Text.W, inner)
			_ = c.Text.W.Flush()
			rest, _ := io.ReadAll(c.Text.R)
			if strings.Contains(string(rest), "250") {
				t.Errorf("after the 421 the server said %q", rest)
			}
			p.Settled(0)
		})
	}
}
