// Package archive takes mails out of files: a single mail, a folder of them, a
// Maildir, an mbox, and a tar of any of these, gzipped or not. It reads one mail
// at a time and judges none of them.
package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Entry is one mail of an archive.
type Entry struct {
	Name string // where in the archive it was; unique within it
	Raw  []byte
}

// A TooLargeError means that an entry is larger than any mail that is accepted.
type TooLargeError struct {
	Name string
	Max  int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: larger than the %d octets that a mail may have", e.Name, e.Max)
}

// A Reader walks through an archive.
type Reader struct {
	Max  int64         // largest mail, octets
	Read func(n int64) // told how many bytes of the archive were read; may be nil
	Each func(Entry) error
	Skip func(name string, err error) // told of what is no mail or too large; may be nil
}

// Size returns how many bytes reading path will go through, for a progress bar.
func Size(path string) (int64, error) {
	var total int64
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			total += fi.Size()
		}
		return err
	})
	return total, err
}

// Walk calls Each for every mail in path, in a stable order, until one call fails.
// Path itself may be a link; links inside a folder lead out of it and are left out.
// A damaged archive in a folder does not end the walk; the error says so at its end.
func (r Reader) Walk(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return r.named(path)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	var damaged error
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// A Maildir's tmp holds what is still being delivered.
			if d.Name() == "tmp" && isMaildir(filepath.Dir(p)) {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(path, p)
		if err != nil || strings.HasPrefix(d.Name(), ".") {
			return err // a hidden file is never a mail
		}
		if !d.Type().IsRegular() {
			r.skip(name, errNoFile)
			return nil
		}
		err = r.file(p, name)
		var broken *DamagedError
		switch {
		case errors.As(err, &broken):
			damaged = errors.Join(damaged, err)
			return nil
		// One file that cannot be read, or has gone meanwhile, does not end the walk.
		case errors.Is(err, errUnreadable), errors.Is(err, errNoMail), errors.Is(err, fs.ErrNotExist):
			r.skip(name, err)
			return nil
		}
		return err
	})
	return errors.Join(err, damaged)
}

// named reads the one file that was asked for.
func (r Reader) named(path string) error {
	name := filepath.Base(path)
	err := r.file(path, name)
	if errors.Is(err, errNoMail) {
		r.skip(name, err)
		return nil
	}
	return err
}

var (
	errUnreadable = errors.New("cannot be read")          // it is not what it seems to be
	errNoMail     = errors.New("does not look like mail") // a file that lay there by chance
	errNoFile     = errors.New("is a link or a device, not a file")
)

// headSize is how much of a file is looked at to tell what it is.
const headSize = 4 << 10

var (
	// beginning is how a mail begins (RFC 5322 §2.2), or an mbox.
	beginning = regexp.MustCompile(`^\x{FEFF}?\s*(From |[!-9;-~]+[ \t]*:)`)
	fieldLine = regexp.MustCompile(`(?m)^[!-9;-~]+[ \t]*:`)
)

// looksLikeMail tells mail from what lies beside it by how it begins. What is
// called .eml may begin with anything, if a field follows or it is text.
func looksLikeMail(name string, head []byte) bool {
	if len(head) == 0 || beginning.Match(head) {
		return true
	}
	return strings.HasSuffix(name, ".eml") && (fieldLine.Match(head) || isText(head))
}

func isText(head []byte) bool {
	for cut := range min(utf8.UTFMax, len(head)) { // a character may be cut at the end
		if utf8.Valid(head[:len(head)-cut]) {
			return !bytes.ContainsRune(head, 0)
		}
	}
	return false
}

func isMaildir(dir string) bool {
	for _, sub := range []string{"cur", "new"} {
		if fi, err := os.Stat(filepath.Join(dir, sub)); err != nil || !fi.IsDir() {
			return false
		}
	}
	return true
}

// file reads one file, whatever it is.
func (r Reader) file(path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(&counter{f, r.Read}, 64<<10)
	packed := false
	if head, _ := in.Peek(2); bytes.Equal(head, gzipMagic) {
		gz, err := newMembers(in)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", name, errUnreadable, err)
		}
		packed, in = true, bufio.NewReaderSize(gz, 64<<10)
	}
	head, err := in.Peek(headSize)
	isTar := len(head) >= 262 && string(head[257:262]) == "ustar" // POSIX 1003.1, ustar
	switch {
	case packed && err != nil && err != io.EOF: // reading on says what is wrong
	case !isTar && !looksLikeMail(name, head):
		return errNoMail
	}
	if !packed && !isTar {
		return r.stream(in, name)
	}
	return r.archive(in, name, isTar)
}

// archive reads what is packed, and says when it is damaged.
func (r Reader) archive(in *bufio.Reader, name string, isTar bool) error {
	taken, each := 0, r.Each
	r.Each = func(e Entry) error {
		taken++
		return each(e)
	}
	read := r.stream
	if isTar {
		read = r.tar
	}
	err := read(in, name)
	if errors.Is(err, errUnreadable) {
		return &DamagedError{Name: name, Taken: taken, Err: err}
	}
	return err
}

func (r Reader) tar(in *bufio.Reader, name string) error {
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if err == io.EOF {
			if err := drain(in); err != nil {
				return fmt.Errorf("%w: %w", errUnreadable, err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if err := r.member(bufio.NewReaderSize(t, headSize), h); err != nil {
			return err
		}
	}
}

// files are the ways in which a tar stores a file.
var files = []byte{tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse}

// member reads one file of a tar.
func (r Reader) member(in *bufio.Reader, h *tar.Header) error {
	switch {
	case strings.HasPrefix(filepath.Base(h.Name), "."), h.Typeflag == tar.TypeDir, h.Typeflag == tar.TypeXGlobalHeader:
	case !slices.Contains(files, h.Typeflag):
		r.skip(h.Name, errNoFile)
	default:
		if head, err := in.Peek(headSize); err == nil || err == io.EOF {
			if !looksLikeMail(h.Name, head) {
				r.skip(h.Name, errNoMail)
				return nil
			}
		}
		return r.stream(in, h.Name)
	}
	return nil
}

// stream reads one mail, or the mails of an mbox. What is called .eml is one mail,
// even when a "From " line stands at its head.
func (r Reader) stream(in *bufio.Reader, name string) error {
	if head, _ := in.Peek(5); bytes.Equal(head, fromLine) && !strings.HasSuffix(name, ".eml") {
		return r.mbox(in, name)
	}
	raw, err := io.ReadAll(io.LimitReader(in, r.Max+1))
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, errUnreadable, err)
	}
	return r.offer(Entry{name, raw})
}

func (r Reader) offer(e Entry) error {
	switch {
	case int64(len(e.Raw)) > r.Max:
		r.skip(e.Name, &TooLargeError{e.Name, r.Max})
		return nil
	case len(e.Raw) == 0:
		r.skip(e.Name, errors.New("empty"))
		return nil
	}
	return r.Each(e)
}

func (r Reader) skip(name string, err error) {
	if r.Skip != nil {
		r.Skip(name, err)
	}
}

// counter tells how much of a file was read.
type counter struct {
	io.Reader
	told func(int64)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.told != nil {
		c.told(int64(n))
	}
	return n, err
}
