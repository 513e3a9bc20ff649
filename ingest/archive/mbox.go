package archive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
)

var (
	fromLine = []byte("From ")
	// separator is a "From " line with the date that RFC 4155 appendix A asks for:
	// without it a sentence that begins with From would cut its mail in two.
	separator = regexp.MustCompile(`^From \S+.* (Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*\d\d:\d\d`)
)

// mbox reads an mbox (RFC 4155, with the mboxrd quoting that most writers use):
// each mail begins behind an empty line with one that starts with "From ".
func (r Reader) mbox(in *bufio.Reader, name string) error {
	var mail []byte
	tooLong := false
	n := 0
	flush := func() error {
		if n++; tooLong {
			r.skip(fmt.Sprintf("%s#%d", name, n), &TooLargeError{name, r.Max})
			return nil
		}
		// The empty line before the next "From " belongs to the mbox.
		mail = bytes.TrimSuffix(mail, []byte("\n"))
		mail = bytes.TrimSuffix(mail, []byte("\r"))
		return r.offer(Entry{fmt.Sprintf("%s#%d", name, n), mail})
	}
	first, empty := true, true
	for {
		line, err := in.ReadSlice('\n')
		start := empty && (first || separator.Match(line))
		switch {
		case start && !first:
			if err := flush(); err != nil {
				return err
			}
			mail, tooLong = nil, false
		case start:
		case int64(len(mail)+len(line)) > r.Max:
			tooLong, mail = true, nil
		case !tooLong:
			mail = append(mail, unquoteFrom(line)...)
		}
		first = false
		if err == bufio.ErrBufferFull { // a part of a long line: what follows begins none
			empty = false
			if start {
				_, err = skipLine(in)
			} else {
				continue
			}
		}
		if err == io.EOF {
			return flush()
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %w", name, errUnreadable, err)
		}
		empty = len(bytes.TrimRight(line, "\r\n")) == 0
	}
}

// skipLine reads on to the end of a line.
func skipLine(in *bufio.Reader) (n int, err error) {
	for {
		part, err := in.ReadSlice('\n')
		n += len(part)
		if err != bufio.ErrBufferFull {
			return n, err
		}
	}
}

// unquoteFrom takes one > from a line that is ">From " behind any number of them.
func unquoteFrom(line []byte) []byte {
	rest := bytes.TrimLeft(line, ">")
	if len(rest) < len(line) && bytes.HasPrefix(rest, fromLine) {
		return line[1:]
	}
	return line
}
