package smtpd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pipe returns a conn of ours and the client's end.
func pipe(t testing.TB) (*conn, net.Conn) {
	t.Helper()
	server, client := net.Pipe()
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	return &conn{Conn: server, conns: &conns{limits: DefaultLimits, open: map[*conn]struct{}{}, byAddr: map[string]int{}}}, client
}

// The wire form of a mail is read the same however it is cut into packets, and
// what follows it is left for the library.
func TestReadDATA(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, wire, want, left string
	}{
		{"plain", "a: b\r\n\r\nhello\r\n.\r\n", "a: b\r\n\r\nhello\r\n", ""},
		{"empty", ".\r\n", "", ""},
		{"pipelined after", "x\r\n.\r\nQUIT\r\n", "x\r\n", "QUIT\r\n"},
		{"stuffed", "..a\r\n...\r\nb..c\r\n..\r\n.\r\n", ".a\r\n..\r\nb..c\r\n.\r\n", ""},
		{"dot then text", ".a\r\n.\r\n", "a\r\n", ""},
		{"bare LF does not end it", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", ""},
		{"LF dot CRLF does not end it", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", ""},
		{"CRLF dot LF does not end it", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", ""},
		{"CR dot CR does not end it", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", ""},
		{"NUL and high bytes", "a\x00\xff\r\n.\r\n", "a\x00\xff\r\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for step := 1; step <= len(tt.wire); step++ {
				nc, client := pipe(t)
				go func() {
					for rest := tt.wire; rest != ""; {
						n := min(step, len(rest))
						if _, err := io.WriteString(client, rest[:n]); err != nil {
							return
						}
						rest = rest[n:]
					}
				}()
				c := newCollector("Head: x\r\n", 0, 1<<20, &budget{max: 1 << 20})
				if err := c.readDATA(nc, DefaultLimits); err != nil {
					t.Fatalf("in pieces of %d: readDATA: %v", step, err)
				}
				if diff := cmp.Diff("Head: x\r\n"+tt.want, string(c.buf)); diff != "" {
					t.Fatalf("in pieces of %d (-want +got):\n%s", step, diff)
				}
				// A piece may end with the mail: then nothing is left over yet.
				if left, ok := strings.CutPrefix(string(nc.unread), ".\r\n"); !ok || !strings.HasPrefix(tt.left, left) {
					t.Fatalf("in pieces of %d: put back %q, want the terminator and %q", step, nc.unread, tt.left)
				}
			}
		})
	}
}

// Our reader and the library's agree on every input; what they disagree on would
// be a door for smuggling.
func FuzzReadDATA(f *testing.F) {
	for _, s := range []string{"a\r\n.\r\n", "..\r\n.\r\n", ".\r\n", "\r\n.\r\r\n.\r\n", "a\n.\nb\r\n.\r\nMAIL FROM:<x>\r\n"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, wire []byte, step int) {
		if len(wire) > 1<<16 {
			t.Skip("long inputs add nothing")
		}
		step = max(1, step%64)
		wire = append(bytes.Clone(wire), "\r\n.\r\n"...)
		want, rest := reference(wire)
		nc, client := pipe(t)
		go func() {
			for rest := wire; len(rest) > 0; {
				n := min(step, len(rest))
				if _, err := client.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		c := newCollector("", 0, 1<<20, &budget{max: 1 << 20})
		if err := c.readDATA(nc, DefaultLimits); err != nil {
			t.Fatalf("readDATA(%q): %v", wire, err)
		}
		if !bytes.Equal(c.buf, want) {
			t.Errorf("readDATA(%q) = %q, want %q", wire, c.buf, want)
		}
		if left := bytes.TrimPrefix(nc.unread, []byte(".\r\n")); !bytes.HasPrefix(rest, left) {
			t.Errorf("readDATA(%q) left %q, want the start of %q", wire, left, rest)
		}
	})
}

// reference is RFC 5321 §4.5.2 written down as plainly as can be: lines end with
// CR LF, a line of one dot ends the mail, and a dot in front of a line goes.
func reference(wire []byte) (mail, rest []byte) {
	for {
		i := bytes.Index(wire, []byte("\r\n"))
		line, next := wire[:i+2], wire[i+2:]
		if string(line) == ".\r\n" {
			return mail, next
		}
		mail = append(mail, bytes.TrimPrefix(line, []byte("."))...)
		wire = next
	}
}

func TestReadDATATooLarge(t *testing.T) {
	t.Parallel()
	nc, client := pipe(t)
	go func() {
		for range 100 {
			if _, err := client.Write(bytes.Repeat([]byte("0123456789abcde\r\n"), 100)); err != nil {
				return
			}
		}
		_, _ = io.WriteString(client, ".\r\nNOOP\r\n")
	}()
	b := &budget{max: 1 << 20}
	c := newCollector("", 0, 10_000, b)
	if err := c.readDATA(nc, DefaultLimits); !errors.Is(err, errTooLarge) {
		t.Fatalf("readDATA = %v, want errTooLarge", err)
	}
	if got := string(nc.unread); got != ".\r\nNOOP\r\n" {
		t.Errorf("put back %q, want the terminator and NOOP", got)
	}
	if c.release(); b.used.Load() != 0 {
		t.Errorf("%d bytes of the budget are still held", b.used.Load())
	}
}

func TestReadDATACut(t *testing.T) {
	t.Parallel()
	nc, _ := pipe(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if nc.Conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(client, "half a mail\r\n.")
	_ = client.Close()
	c := newCollector("", 0, 10_000, &budget{max: 1 << 20})
	if err := c.readDATA(nc, DefaultLimits); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("readDATA = %v, want an unexpected end", err)
	}
}

func TestReadDATASlow(t *testing.T) {
	t.Parallel()
	nc, client := pipe(t)
	go func() { _, _ = io.WriteString(client, "half a mail\r\n") }()
	l := DefaultLimits
	l.DataReadTimeout = 20 * time.Millisecond
	c := newCollector("", 0, 10_000, &budget{max: 1 << 20})
	var timeout net.Error
	if err := c.readDATA(nc, l); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("readDATA = %v, want a time-out", err)
	}
}

// The cost of a 50 KiB mail through our reader and through the library's state
// machine is a ratio to watch.
func BenchmarkReadDATA(b *testing.B) {
	wire := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog, again and again.\r\n", 800) + ".\r\n")
	b.SetBytes(int64(len(wire)))
	for b.Loop() {
		nc := &conn{Conn: replayed{Reader: bytes.NewReader(wire)}, conns: &conns{}}
		c := newCollector("", 0, 1<<20, &budget{max: 1 << 20})
		if err := c.readDATA(nc, DefaultLimits); err != nil {
			b.Fatal(err)
		}
	}
}

// replayed is a connection that only has something to read.
type replayed struct {
	net.Conn
	io.Reader
}

func (r replayed) Read(p []byte) (int, error)    { return r.Reader.Read(p) }
func (replayed) SetReadDeadline(time.Time) error { return nil }
