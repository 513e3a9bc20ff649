package imappoll

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// script is a server that answers each thing said to it with the next of its
// lines, whatever they are.
type script struct {
	mu     sync.Mutex
	some   sync.Cond
	ready  []byte
	rest   [][]byte
	closed bool // nothing more comes
	gone   bool // we closed it
}

func newScript(data []byte) *script {
	s := &script{rest: bytes.Split(data, []byte("|"))}
	s.some.L = &s.mu
	s.next()
	return s
}

// next releases one answer more; after the last one the connection ends.
func (s *script) next() {
	if len(s.rest) == 0 {
		s.closed = true
		return
	}
	s.ready, s.rest = append(s.ready, s.rest[0]...), s.rest[1:]
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ready) == 0 && !s.closed {
		s.some.Wait()
	}
	if len(s.ready) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return 0, net.ErrClosed
	}
	s.next()
	s.some.Broadcast()
	return len(p), nil
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.gone, s.ready = true, true, nil
	s.some.Broadcast()
	return nil
}

func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// Whatever a server says, a session ends soon, within its memory, and without a
// panic.
func FuzzServer(f *testing.F) {
	const login = "* OK hi\r\n|* CAPABILITY IMAP4rev1 IDLE ESEARCH\r\nT1 OK\r\n|T2 OK\r\n|* CAPABILITY IMAP4rev1 ESEARCH CONDSTORE\r\nT3 OK\r\n|"
	const open = login + "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 9] x\r\nT4 OK [READ-ONLY] x\r\n|"
	f.Add([]byte(open + "* ESEARCH (TAG \"T5\") UID ALL 3,5\r\nT5 OK\r\n|* 1 FETCH (UID 3 INTERNALDATE \"02-Nov-2026 10:00:00 +0100\" BODY[] {5}\r\nhello)\r\nT6 OK\r\n|"))
	f.Add([]byte(open + "* SEARCH 3 5\r\nT5 OK\r\n|* 1 FETCH (BODY[] {5}\r\nhello UID 3)\r\n* 2 FETCH (UID 5 BODY[] NIL)\r\nT6 NO x\r\n|"))
	f.Add([]byte(open + "* ESEARCH (TAG \"T5\") UID ALL 1:4294967295\r\nT5 OK\r\n|"))
	f.Add([]byte(open + "* ESEARCH (TAG \"T5\") UID ALL 5:*\r\nT5 OK\r\n|"))
	f.Add([]byte(open + "* ESEARCH (TAG \"T5\") UID ALL 3\r\nT5 OK\r\n|* 1 FETCH (UID 3 BODY[] {99999999999}\r\nx"))
	f.Add([]byte(login + "* BYE\r\n"))
	f.Add([]byte("* PREAUTH hi\r\n|"))
	limits := DefaultLimits
	limits.MailBytes, limits.RoomBytes = 1<<20, 1<<20
	f.Fuzz(func(t *testing.T, data []byte) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		d := dialer{limits: &limits, dial: func(context.Context, string, string) (net.Conn, error) { return newScript(data), nil }}
		room := newRoom(limits.RoomBytes)
		talk(ctx, &d, room)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if !room.sem.TryAcquire(limits.RoomBytes) {
			t.Error("room was taken and not given back")
		}
	})
}

// talk goes through what a poll does; any of it may fail.
func talk(ctx context.Context, d *dialer, room *room) {
	se, err := d.connect(ctx, Server{Host: "localhost", Port: 143, Security: None, Auth: Password, Username: "a"}, "b", nil)
	if err != nil {
		return
	}
	defer se.close()
	if _, err := se.choose("INBOX", false); err != nil {
		return
	}
	list, err := se.uids(1)
	if err != nil || len(list) == 0 {
		return
	}
	_, _ = se.fetch(ctx, list[:min(len(list), 10)], room, func(m mailing) error {
		if m.raw != nil {
			room.give(m.size)
		}
		return nil
	})
}

// The reverse-path is read from the topmost fields only.
func FuzzReturnPath(f *testing.F) {
	f.Add([]byte("Return-Path: <a@b.test>\r\nSubject: x\r\n\r\n"))
	f.Add([]byte("Received: a\r\n b\r\nreturn-path:<>\r\n\r\n"))
	f.Add([]byte("From a@b\n\nReturn-Path: <x>\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got := returnPath(raw); len(got) > 1000 {
			t.Errorf("a reverse-path of %d octets", len(got))
		}
	})
}
