package main_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A cutter passes connections on to a server and cuts one in three at a random
// octet of either direction.
type cutter struct {
	addr  string
	to    string
	count atomic.Int64 // connections cut
}

func newCutter(t *testing.T, to string, seed uint64) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := &cutter{addr: l.Addr().String(), to: to}
	go c.serve(l, rand.New(rand.NewPCG(seed, 0)))
	return c
}

func (c *cutter) serve(l net.Listener, rng *rand.Rand) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed
		}
		up, down := int64(1)<<60, int64(1)<<60 // octets until the cut
		switch rng.IntN(6) {
		case 0:
			up = rng.Int64N(1 << rng.IntN(18)) // small ones as often as large ones
		case 1:
			down = rng.Int64N(2_000) // replies are short
		}
		go c.pass(client, up, down, rng.IntN(2) == 0)
	}
}

// pass copies both ways until one side ends or a budget is spent. A hard cut is a
// reset: what the kernel still holds is lost too.
func (c *cutter) pass(client net.Conn, up, down int64, hard bool) {
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		_ = client.Close()
		return
	}
	var cut sync.Once
	end := func() {
		cut.Do(func() {
			for _, conn := range []net.Conn{client, server} {
				if hard {
					_ = conn.(*net.TCPConn).SetLinger(0)
				}
				_ = conn.Close()
			}
		})
	}
	copyUp := func(to, from net.Conn, budget int64) {
		if n, _ := io.CopyN(to, from, budget); n == budget {
			c.count.Add(1)
		}
		end()
	}
	go copyUp(server, client, up)
	copyUp(client, server, down)
}
