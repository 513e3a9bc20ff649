package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

// errHungUp means that the client itself ended the connection in the middle.
var errHungUp = errors.New("the client hung up")

// A refusal is a reply other than the one that the client hoped for.
type refusal struct {
	step string
	code int
	text string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.step, r.code, r.text) }

// A habit is how a client behaves at the end of a mail.
type habit int

const (
	patient   habit = iota // waits for the answer
	fickle                 // hangs up in the middle of the data
	impatient              // sends all and hangs up before the answer
)

// A session is an SMTP connection: bare, so that nothing is retried or taken for
// answered behind the test's back.
type session struct {
	conn net.Conn
	in   *bufio.Reader
}

// answerWithin is how long a client waits for its mail to be answered.
const answerWithin = time.Minute

func dial(addr string) (*session, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, in: bufio.NewReader(conn)}
	if err := conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.expect("greeting", 220); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.command("EHLO sender.test", 250); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *session) close() error { return s.conn.Close() }

// send returns nil only when the mail was answered 250 after its final dot.
func (s *session) send(l *letter, to string, h habit, rng *rand.Rand) error {
	if err := s.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	if err := s.command("MAIL FROM:<customer@sender.test>", 250); err != nil {
		return err
	}
	if err := s.command("RCPT TO:<"+to+">", 250); err != nil {
		return err
	}
	if err := s.command("DATA", 354); err != nil {
		return err
	}
	data := l.data
	if h == fickle {
		data = data[:rng.IntN(len(data))]
	}
	if _, err := s.conn.Write(data); err != nil {
		return err
	}
	if h == fickle {
		return errHungUp
	}
	if _, err := s.conn.Write([]byte(".\r\n")); err != nil {
		return err
	}
	if h == impatient {
		return errHungUp
	}
	return s.expect("final dot", 250)
}

func (s *session) command(line string, want int) error {
	if _, err := s.conn.Write([]byte(line + "\r\n")); err != nil {
		return err
	}
	verb, _, _ := strings.Cut(line, " ")
	return s.expect(verb, want)
}

// expect reads one whole reply (RFC 5321 §4.2). A reply that breaks off is none.
func (s *session) expect(step string, want int) error {
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		line = strings.TrimRight(line, "\r\n")
		if len(line) < 3 {
			return fmt.Errorf("%s: not a reply: %q", step, line)
		}
		code, err := strconv.Atoi(line[:3])
		if err != nil {
			return fmt.Errorf("%s: not a reply: %q", step, line)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if code != want {
			return &refusal{step, code, strings.TrimSpace(line[3:])}
		}
		return nil
	}
}
