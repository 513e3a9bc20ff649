package imappoll

import (
	"errors"
	"net"
	"sync"
	"time"
)

var (
	errTooMuch = errors.New("the server sent more than it was asked for")
	errTooSlow = errors.New("the server took too long")
)

// wire is the connection under the IMAP library. It bounds what the library does
// not: the silence before an answer, the time of a whole command, and the octets
// that a server may send to it. The library's own deadlines are left out: they
// cover only answers that have begun.
type wire struct {
	net.Conn
	silence time.Duration

	mu    sync.Mutex
	until time.Time // of the command, or of the IDLE
	quiet bool      // IDLE: nothing is due
	left  int64     // octets that may still come
}

func newWire(c net.Conn, silence time.Duration) *wire {
	return &wire{Conn: c, silence: silence}
}

// expect says that an answer of at most so many octets is due within that time.
func (w *wire) expect(within time.Duration, octets int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until, w.left, w.quiet = time.Now().Add(within), octets, false
	_ = w.Conn.SetReadDeadline(w.deadline()) // of a read that waits already
}

// more allows for one mail more in the answer.
func (w *wire) more(within time.Duration, octets int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until, w.left = w.until.Add(within), w.left+octets
}

// idle says that nothing is due before then; a keepalive or a notice may come.
func (w *wire) idle(d time.Duration, octets int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until, w.left, w.quiet = time.Now().Add(d), octets, true
	_ = w.Conn.SetReadDeadline(w.until)
}

// giveUp ends what is being read as having taken too long.
func (w *wire) giveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = time.Now()
	_ = w.Conn.SetReadDeadline(w.until)
}

// deadline of the next read. Only an IDLE may be silent for long.
func (w *wire) deadline() time.Time {
	soon := time.Now().Add(w.silence)
	if soon.Before(w.until) && !w.quiet {
		return soon
	}
	return w.until
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left -= int64(n); w.left < 0 {
		_ = w.Conn.Close()
		return 0, errTooMuch
	}
	var ne net.Error
	switch {
	case errors.As(err, &ne) && ne.Timeout():
		_ = w.Conn.Close()
		return n, errTooSlow
	case err == nil:
		err = w.Conn.SetReadDeadline(w.deadline())
	}
	return n, err
}

// SetReadDeadline and SetDeadline do nothing: see wire.
func (w *wire) SetReadDeadline(time.Time) error { return nil }
func (w *wire) SetDeadline(time.Time) error     { return nil }
