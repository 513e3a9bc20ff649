package smtpd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// firstBuffer is the room that a mail of unknown size is given at first, in
// bytes; most mail fits. announcedFirst is what an announcement is believed at
// once; beyond it room comes as the mail does, so that nobody reserves what he
// does not send.
const (
	firstBuffer    = 16 << 10
	announcedFirst = 256 << 10

	// collectFrom is the buffer size from which outgrown ones are collected at once.
	collectFrom = 8 << 20
)

var (
	errTooLarge = errors.New("the mail is larger than any that is accepted")
	errCrowded  = errors.New("too many large mails at once")
	errTooSlow  = errors.New("the mail took too long")
)

// A budget bounds what all sessions hold together.
type budget struct {
	max  int64
	used atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// A collector gathers a mail as it comes in, behind a header field of ours.
type collector struct {
	buf    []byte
	max    int64 // of the whole
	budget *budget
	held   int64 // of the budget
	room   int64 // that the client announced, 0 when it did not
	whole  bool  // the mail's end was seen
	missed bool  // by us, and not by the library
	err    error // why the mail cannot be taken; it is read to its end all the same
}

// newCollector returns a collector that begins with head and has room for a mail
// of the size that the client announced.
func newCollector(head string, announced, most int64, b *budget) *collector {
	c := &collector{max: most + int64(len(head)), budget: b}
	room := int64(firstBuffer)
	if announced > 0 {
		// Dot-stuffing and the terminator come on top.
		c.room = min(announced+announced/64, most) + 512
		room = min(c.room, announcedFirst)
	}
	c.grow(int64(len(head)) + room)
	c.buf = append(c.buf, head...)
	return c
}

// grow makes room for at least n more bytes.
func (c *collector) grow(n int64) {
	if c.err != nil || int64(cap(c.buf)-len(c.buf)) >= n {
		return
	}
	have := int64(cap(c.buf))
	want := max(int64(len(c.buf))+n, min(2*have, have+8<<20))
	if c.room > want && c.room <= 8*have { // an eighth has come: the rest is believed
		want = c.room
	}
	if !c.budget.take(want - c.held) {
		c.fail(errCrowded)
		return
	}
	c.held = want
	if have >= collectFrom {
		runtime.GC() // the buffer before this one; left to itself the collector keeps several
	}
	bigger := make([]byte, len(c.buf), want)
	copy(bigger, c.buf)
	c.buf = bigger
}

// fail gives up on the mail: what follows is read and forgotten, but for the
// bytes in which the mail's end may have begun.
func (c *collector) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.release()
	tail := c.buf[max(0, len(c.buf)-(len(endOfData)-1)):]
	c.buf = append(make([]byte, 0, firstBuffer), tail...)
}

// release gives the room back; the bytes stay with whoever has them.
func (c *collector) release() {
	c.budget.give(c.held)
	c.held = 0
}

// readAll gathers what r gives until its end: a BDAT chunk stream, or the
// library's own reader of DATA. The library sets no deadline within a mail, so nc's
// is moved on here.
func (c *collector) readAll(r io.Reader, nc *conn, isDATA bool, l Limits) error {
	start := len(c.buf) // of the mail
	seen := start       // what lies before was searched already
	heard := time.Now()
	until := heard.Add(l.DataTimeout)
	wait := l.DataReadTimeout
	if isDATA {
		wait = min(wait, glance)
	}
	for {
		c.grow(4 << 10)
		if nc != nil {
			if err := nc.SetReadDeadline(time.Now().Add(wait)); err != nil {
				return err
			}
		}
		if time.Now().After(until) {
			return errTooSlow
		}
		n, err := r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if n > 0 {
			heard = time.Now()
		}
		if isDATA && c.err == nil {
			if end := missedEnd(c.buf, start, seen); end > 0 {
				c.buf, c.whole, c.missed = unstuffRest(c.buf[:end], start), true, true
				return nil
			}
			seen = len(c.buf)
		}
		if int64(len(c.buf)) > c.max {
			c.fail(errTooLarge)
		}
		if c.err != nil {
			c.buf = c.buf[:0]
		}
		switch {
		case err == io.EOF:
			c.whole = true
			if isDATA && c.err == nil {
				c.buf = unstuffRest(c.buf, start)
			}
			return c.err
		case err != nil && (!isDATA || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(heard) >= l.DataReadTimeout):
			return err
		}
	}
}

// glance is how long the library's reader, which returns when a buffer is full, is
// left alone before what it has is looked at.
const glance = 200 * time.Millisecond

// The library's reader of DATA takes CR CR LF for no end of a line: it passes over
// the mail's end behind one, and leaves the dot that was put before a line's own.

// missedEnd returns where a mail ends whose end the library has passed, 0 when it
// has not. What lies before seen was searched already.
func missedEnd(buf []byte, start, seen int) int {
	from := max(start, seen-len(endOfData)-1)
	for {
		i := bytes.Index(buf[from:], endOfData)
		if i < 0 {
			return 0
		}
		from += i
		if passedOver(buf[start : from+1]) {
			return from + 2
		}
		from++
	}
}

// passedOver reports whether the library takes the CR at the end of text for none
// that may end a line: it does with every second one in a row.
func passedOver(text []byte) bool {
	return (len(text)-len(bytes.TrimRight(text, "\r")))%2 == 0
}

// unstuffRest removes, in place, the dots that the library has left.
func unstuffRest(buf []byte, start int) []byte {
	if !bytes.Contains(buf[start:], []byte("\r\r\n.")) {
		return buf
	}
	out, returns, left := start, 0, false
	for _, b := range buf[start:] {
		if b == '.' && left {
			left = false
			continue
		}
		left = b == '\n' && returns > 0 && returns%2 == 0
		if returns++; b != '\r' {
			returns = 0
		}
		buf[out] = b
		out++
	}
	return buf[:out]
}

var (
	endOfData = []byte("\r\n.\r\n") // RFC 5321 §4.1.1.4
	stuffed   = []byte("\r\n.")     // RFC 5321 §4.5.2
)

// readDATA gathers a mail straight from the connection, a buffer at a time. The
// library reads byte by byte, which costs more than all else in receiving. What
// the client sent beyond the mail is put back, behind a terminator of its own so
// that the library, too, sees the mail's end. Only the sequence CR LF . CR LF
// ends a mail, so nobody can smuggle a second one past us in the first.
func (c *collector) readDATA(nc *conn, l Limits) error {
	start := len(c.buf) // of the mail, as it is on the wire
	seen := start       // what lies before was searched already
	until := time.Now().Add(l.DataTimeout)
	for {
		whole := c.err == nil
		c.grow(4 << 10)
		if err := nc.SetReadDeadline(time.Now().Add(l.DataReadTimeout)); err != nil {
			return err
		}
		if c.err != nil { // only the end matters from here on
			if whole || len(c.buf) >= len(endOfData) {
				c.fail(c.err)
			}
			start, seen = 0, 0
		}
		n, err := nc.receive(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if end, next, ok := mailEnd(c.buf, start, seen, c.err == nil); ok {
			c.whole = true
			nc.unread = append([]byte(".\r\n"), c.buf[next:]...)
			return c.finish(start, end)
		}
		switch {
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case time.Now().After(until):
			return errTooSlow
		case int64(len(c.buf)) > c.max:
			c.fail(errTooLarge)
		}
		seen = max(start, len(c.buf)-(len(endOfData)-1))
	}
}

// finish takes the mail that lies between start and end.
func (c *collector) finish(start, end int) error {
	if int64(end) > c.max {
		c.fail(errTooLarge)
	}
	if c.err == nil {
		c.buf = unstuff(c.buf[:end], start)
	}
	return c.err
}

// mailEnd finds the end of the mail that begins at start; what lies before seen
// was searched already. The mail ends before end, what follows it is at next.
func mailEnd(buf []byte, start, seen int, atStart bool) (end, next int, ok bool) {
	if atStart && bytes.HasPrefix(buf[start:], endOfData[2:]) {
		return start, start + 3, true // an empty mail
	}
	if i := bytes.Index(buf[seen:], endOfData); i >= 0 {
		return seen + i + 2, seen + i + len(endOfData), true
	}
	return 0, 0, false
}

// unstuff removes, in place, the dot that the client put before each line that
// begins with one.
func unstuff(buf []byte, start int) []byte {
	body := buf[start:]
	if len(body) > 0 && body[0] == '.' {
		body = append(body[:0], body[1:]...)
	}
	i := bytes.Index(body, stuffed)
	if i < 0 {
		return buf[:start+len(body)]
	}
	out := i + 2
	rest := body[i+3:]
	for {
		i := bytes.Index(rest, stuffed)
		if i < 0 {
			out += copy(body[out:], rest)
			return buf[:start+out]
		}
		out += copy(body[out:], rest[:i+2])
		rest = rest[i+3:]
	}
}
