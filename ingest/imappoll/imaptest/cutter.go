package imaptest

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// A Cutter is a proxy in front of a server that breaks connections after so many
// octets of what the server sends.
type Cutter struct {
	Port int

	to   string
	mu   sync.Mutex
	next func() int64 // how much the next connection may carry; negative: all
	open map[net.Conn]bool
	sent int64 // by the server, over all connections
	tap  func() io.Writer
}

// NewCutter starts a proxy in front of a port of this machine. It cuts nothing
// until Cut.
func NewCutter(t testing.TB, port int) *Cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cutter{
		Port: l.Addr().(*net.TCPAddr).Port, to: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		next: func() int64 { return -1 }, open: map[net.Conn]bool{},
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.CutAll()
		wg.Wait()
	})
	return c
}

// Cut has each further connection carry as many octets as next says.
func (c *Cutter) Cut(next func() int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if next == nil {
		next = func() int64 { return -1 }
	}
	c.next = next
}

// Watch has what the server sends over each further connection written to a writer,
// too.
func (c *Cutter) Watch(tap func() io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tap = tap
}

// CutAll breaks every open connection.
func (c *Cutter) CutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}

// Sent is how many octets the server has sent since the last call.
func (c *Cutter) Sent() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.sent
	c.sent = 0
	return n
}

func (c *Cutter) carry(client net.Conn) {
	c.mu.Lock()
	budget, tap := c.next(), c.tap
	c.open[client] = true
	c.mu.Unlock()
	defer func() {
		_ = client.Close()
		c.mu.Lock()
		delete(c.open, client)
		c.mu.Unlock()
	}()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	var from io.Reader = server
	if budget >= 0 {
		from = io.LimitReader(server, budget)
	}
	if tap != nil {
		from = io.TeeReader(from, tap())
	}
	n, _ := io.Copy(client, from)
	c.mu.Lock()
	c.sent += n
	c.mu.Unlock()
}
