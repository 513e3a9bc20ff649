package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// A DamagedError means that an archive is not whole: mails of it are missing, or
// some of those that were taken are not as they were when it was made.
type DamagedError struct {
	Name  string
	Taken int // mails that were taken from it
	Err   error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged (%v): %d mails were taken from it, of which some may not be as they were, and others may be missing; "+
		"get a whole copy of it and take that in", e.Name, e.Err, e.Taken)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// maxTail bounds what is read behind the end of a tar. Writers fill their last
// record with zeros: 10 KiB of them mostly, some MiB at the most.
const maxTail = 64 << 20

var (
	errTail  = errors.New("data follow the end of the tar, and no mails were read from them")
	errAfter = errors.New("what follows the compressed data is none")
)

// drain reads what follows the end of a tar, so that the checksum of what packs it
// is reached.
func drain(in io.Reader) error {
	tail := tailWriter{}
	n, err := io.Copy(&tail, io.LimitReader(in, maxTail+1))
	switch {
	case err != nil:
		return err
	case n > maxTail, tail.data:
		return errTail
	}
	return nil
}

// A tailWriter looks for anything but zeros.
type tailWriter struct{ data bool }

func (t *tailWriter) Write(b []byte) (int, error) {
	t.data = t.data || len(bytes.Trim(b, "\x00")) > 0
	return len(b), nil
}

var gzipMagic = []byte{0x1f, 0x8b} // RFC 1952 §2.3.1

// members reads the members of a gzip file one behind the other (RFC 1952 §2.2),
// and the zeros that tapes and block devices leave behind them.
type members struct {
	in   *bufio.Reader
	gz   *gzip.Reader
	done error
}

func newMembers(in *bufio.Reader) (*members, error) {
	gz, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	gz.Multistream(false)
	return &members{in: in, gz: gz}, nil
}

func (m *members) Read(b []byte) (int, error) {
	if m.done != nil {
		return 0, m.done
	}
	n, err := m.gz.Read(b)
	if err == io.EOF {
		err = m.next()
	}
	m.done = err
	return n, err
}

// next goes on to the next member; io.EOF when there is none.
func (m *members) next() error {
	if head, _ := m.in.Peek(2); bytes.Equal(head, gzipMagic) {
		if err := m.gz.Reset(m.in); err != nil {
			return err
		}
		m.gz.Multistream(false)
		return nil
	}
	for {
		switch c, err := m.in.ReadByte(); {
		case err != nil:
			return err
		case c != 0:
			return errAfter
		}
	}
}
