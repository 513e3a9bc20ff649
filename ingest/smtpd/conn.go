package smtpd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// stopping is what a client is told when the server stops (RFC 5321 §3.8).
const stopping = "421 4.3.2 Postroom is stopping, try again later\r\n"

// A conn is a client's connection below the library. It adds three things that the
// library has no word for: the server can stop while the connection is idle, a mail
// can be read in bulk instead of byte by byte, and the replies to commands that came
// together go back together (RFC 2920 §3.2).
type conn struct {
	net.Conn
	conns *conns

	// Only the connection's own goroutine uses these.
	unread []byte  // goes to the library before anything else
	tail   [7]byte // the last bytes that the library was given

	wmu sync.Mutex
	out []byte // replies that go out before the client is listened to again

	mu     sync.Mutex
	state  connState
	secure bool // TLS runs above: nothing may be written in the clear
	ended  bool // the client sends nothing any more, or cannot be heard
	cut    bool // it leaves in the middle of a mail, and is told so by the reply to it
	drains bool // the library reads the rest of a mail that is too large
}

type connState int

const (
	talking connState = iota // between mails
	inData                   // receiving a mail
	leaving                  // to be closed at the next chance
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// Read gives the library what was put back, then what the client sends.
func (c *conn) Read(b []byte) (int, error) {
	n := copy(b, c.unread)
	if n > 0 {
		c.unread = c.unread[n:]
	} else {
		var err error
		if n, err = c.receive(b); err != nil {
			return n, c.readErr(err)
		}
	}
	c.remember(b[:n])
	return n, nil
}

// receive reads from the client, who is told first what waits for him.
func (c *conn) receive(b []byte) (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// mostReplies is how many bytes of replies wait at most.
const mostReplies = 4 << 10

// Write keeps a reply until the client is listened to again, or is left. A system
// call for each of the replies to pipelined commands costs more than the commands.
func (c *conn) Write(b []byte) (int, error) {
	c.wmu.Lock()
	c.out = append(c.out, b...)
	full := len(c.out) > mostReplies
	c.wmu.Unlock()
	if full {
		return len(b), c.flush()
	}
	return len(b), nil
}

func (c *conn) flush() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// readErr turns the time-out by which we interrupt an idle client into the end of
// the connection, with the word that RFC 5321 has for it.
func (c *conn) readErr(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.ended = true
	}
	if c.drains {
		c.state, c.cut = leaving, true // its end was never seen
	}
	if c.state != leaving {
		return err
	}
	if !c.secure && !c.cut {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(c.Conn, stopping) // a courtesy
	}
	return io.EOF
}

// gone reports whether the client sends nothing any more.
func (c *conn) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended || c.state == leaving
}

func (c *conn) remember(b []byte) {
	if len(b) >= len(c.tail) {
		copy(c.tail[:], b[len(b)-len(c.tail):])
		return
	}
	copy(c.tail[:], c.tail[len(b):])
	copy(c.tail[len(c.tail)-len(b):], b)
}

// afterDATA reports whether the last thing that the library was given is the line
// "DATA": then it holds nothing back, and what the client sends next is the mail.
func (c *conn) afterDATA() bool {
	return len(c.unread) == 0 && bytes.EqualFold(c.tail[:], []byte("\nDATA\r\n"))
}

// SetReadDeadline keeps a deadline that is over when the client is to leave.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == leaving {
		t = past
	}
	c.drains = false // the library waits for a command again
	return c.Conn.SetReadDeadline(t)
}

// abandon gives up a mail whose end was not seen. Where the library is able to
// find the end the connection may go on once it has; otherwise it ends.
func (c *conn) abandon(findsEnd bool) {
	if !findsEnd {
		c.leave(true)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drains = true
}

// beginData marks that a mail is being received; endData that it is not any more.
func (c *conn) beginData() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == talking {
		c.state = inData
	}
}

func (c *conn) endData() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == inData {
		c.state = talking
	}
	if c.conns.stopping.Load() {
		c.state = leaving
	}
}

// leave makes the client go: at once when it is idle, or, with force, even while
// it sends a mail.
func (c *conn) leave(force bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == inData && !force {
		return
	}
	c.cut = c.state == inData
	c.state = leaving
	_ = c.Conn.SetReadDeadline(past)
}

func (c *conn) Close() error {
	c.conns.remove(c)
	// TLS has let the deadline run out by now. Whoever is gone need not be told.
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	_ = c.flush()
	return c.Conn.Close()
}

// conns are all open connections, counted by address.
type conns struct {
	limits   Limits
	stopping atomic.Bool

	mu     sync.Mutex
	open   map[*conn]struct{}
	byAddr map[string]int
}

// add admits a connection; nil when there are too many.
func (cs *conns) add(nc net.Conn) *conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	host := hostOf(nc.RemoteAddr())
	if len(cs.open) >= cs.limits.Connections || cs.byAddr[host] >= cs.limits.PerAddress {
		return nil
	}
	c := &conn{Conn: nc, conns: cs}
	cs.open[c] = struct{}{}
	cs.byAddr[host]++
	return c
}

func (cs *conns) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if _, ok := cs.open[c]; !ok {
		return
	}
	delete(cs.open, c)
	host := hostOf(c.RemoteAddr())
	if cs.byAddr[host]--; cs.byAddr[host] <= 0 {
		delete(cs.byAddr, host)
	}
}

func (cs *conns) each(f func(*conn)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		f(c)
	}
}

// stop sends clients away.
func (cs *conns) stop(force bool) {
	cs.stopping.Store(true)
	cs.each(func(c *conn) { c.leave(force) })
}

// cut closes what is left without a word.
func (cs *conns) cut() { cs.each(func(c *conn) { _ = c.Conn.Close() }) }

// wait reports whether all connections ended before ctx did.
func (cs *conns) wait(ctx context.Context) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		cs.mu.Lock()
		n := len(cs.open)
		cs.mu.Unlock()
		if n == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.Network() // a unix socket has no address
	}
	return host
}

// A limiter is a listener that admits only so many connections.
type limiter struct {
	net.Listener
	conns *conns
	close func() error
}

// Close may be called any number of times; the first one's answer is everybody's.
func (l *limiter) Close() error { return l.close() }

// tooMany is what a client is told that is not admitted (RFC 5321 §3.8).
const tooMany = "421 4.7.0 Too many connections, try again later\r\n"

func (l *limiter) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.conns.add(nc); c != nil {
			return c, nil
		}
		_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(nc, tooMany) // a courtesy
		_ = nc.Close()
	}
}
