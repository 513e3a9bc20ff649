package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// answerWithin is how long a reply may take before the run has failed.
const answerWithin = time.Minute

// A line is one SMTP connection. It sends the envelope in one go, as sending
// servers do where PIPELINING is offered (RFC 2920).
type line struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, addr string) (*line, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l := &line{conn, bufio.NewReader(conn)}
	if err := errors.Join(l.expect("greeting", "220"), l.write("EHLO sender.test\r\n"), l.expect("EHLO", "250")); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return l, nil
}

func (l *line) write(s string) error {
	_, err := l.conn.Write([]byte(s))
	return err
}

// send hands over one mail and returns when it was answered 250.
func (l *line) send(to string, mail []byte) error {
	if err := l.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	if err := l.write("MAIL FROM:<customer@sender.test>\r\nRCPT TO:<" + to + ">\r\nDATA\r\n"); err != nil {
		return err
	}
	for _, step := range []struct{ name, want string }{{"MAIL", "250"}, {"RCPT", "250"}, {"DATA", "354"}} {
		if err := l.expect(step.name, step.want); err != nil {
			return err
		}
	}
	if _, err := l.conn.Write(mail); err != nil {
		return err
	}
	return l.expect("final dot", "250")
}

func (l *line) expect(step, want string) error {
	for {
		reply, err := l.in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		if len(reply) > 3 && reply[3] == '-' {
			continue
		}
		if !strings.HasPrefix(reply, want) {
			return fmt.Errorf("%s: answered %q", step, strings.TrimSpace(reply))
		}
		return nil
	}
}

func (l *line) close() {
	_ = l.write("QUIT\r\n") // the mails are answered: how it ends is of no matter
	_ = l.conn.Close()
}

// blast sends all mails as fast as they are taken, over so many connections.
func blast(ctx context.Context, addr, to string, mails [][]byte, sessions int) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(sessions, len(mails)) {
		g.Go(func() error {
			l, err := dial(ctx, addr)
			if err != nil {
				return err
			}
			defer l.close()
			for i := next.Add(1) - 1; i < int64(len(mails)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := l.send(to, mails[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// A pacer offers mails at a steady rate, whether or not earlier ones were
// answered: an open loop, as the world is.
type pacer struct {
	addr, to string
	rate     int // mails a second
	sessions int
	answered func(i int, at time.Time) // called at each 250; nil when nobody wants to know
}

// run offers the mails and returns how long each waited from the moment it was
// due to its answer.
func (p pacer) run(ctx context.Context, mails [][]byte) ([]time.Duration, error) {
	due := make(chan int, len(mails))
	waited := make([]time.Duration, len(mails))
	var start time.Time
	var started sync.WaitGroup
	started.Add(1)
	g, ctx := errgroup.WithContext(ctx)
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Second / time.Duration(p.rate)) }
	for range p.sessions {
		g.Go(func() error {
			l, err := dial(ctx, p.addr)
			if err != nil {
				return err
			}
			defer l.close()
			started.Wait()
			for i := range due {
				if err := l.send(p.to, mails[i]); err != nil {
					return err
				}
				now := time.Now()
				waited[i] = now.Sub(at(i))
				if p.answered != nil {
					p.answered(i, now)
				}
			}
			return nil
		})
	}
	start = time.Now().Add(200 * time.Millisecond) // for the connections to be made
	started.Done()
	err := offer(ctx, due, len(mails), at)
	close(due)
	return waited, errors.Join(err, g.Wait())
}

// offer puts each number on the channel when it is due.
func offer(ctx context.Context, due chan<- int, n int, at func(int) time.Time) error {
	for i := range n {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Until(at(i))):
		}
		due <- i
	}
	return nil
}
