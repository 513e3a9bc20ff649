package imaptest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// A sink is the server that a submission service hands mail on to.
type sink struct {
	port int

	mu    sync.Mutex
	mails []Handed
}

// Handed is a mail that was handed in.
type Handed struct {
	From string
	To   []string
	Raw  []byte
}

func newSink(t testing.TB) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{port: l.Addr().(*net.TCPAddr).Port}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &handing{sink: s}, nil }))
	srv.Domain, srv.ReadTimeout, srv.WriteTimeout = "sink.test", time.Minute, time.Minute
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return s
}

// Sent lists the mails that were handed in, with Options.Submission.
func (d *Dovecot) Sent() []Handed {
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	return append([]Handed(nil), d.sink.mails...)
}

// handing is one connection to the sink.
type handing struct {
	sink *sink
	mail Handed
}

func (h *handing) Mail(from string, _ *smtp.MailOptions) error {
	h.mail = Handed{From: from}
	return nil
}

func (h *handing) Rcpt(to string, _ *smtp.RcptOptions) error {
	h.mail.To = append(h.mail.To, to)
	return nil
}

func (h *handing) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	h.mail.Raw = raw
	h.sink.mu.Lock()
	defer h.sink.mu.Unlock()
	h.sink.mails = append(h.sink.mails, h.mail)
	return nil
}

func (h *handing) Reset()        { h.mail = Handed{} }
func (h *handing) Logout() error { return nil }
