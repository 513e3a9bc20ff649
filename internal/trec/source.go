package trec

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// MaxMessage is the most octets that are read of one message.
const MaxMessage = 64 << 20

// A Source gives the messages of an index. It is not safe for concurrent use.
type Source struct {
	dir    string           // the folder, or ""
	spool  *os.File         // the messages of a tar, one after the other
	places map[string]place // where in spool, by the path of the index
}

type place struct{ at, size int64 }

// Open finds the messages of items. root is a folder, a tar or a tar.gz; "" is the folder of the index, or the one tar in it
// when the first message is not there. Of a tar, the messages are copied into a temporary file; progress, which may be
// nil, is told how many bytes of it were read and how many there are.
func Open(index, root string, items []Item, progress func(now, total int64)) (*Source, error) {
	if root == "" {
		root = rootOf(index, items)
	}
	fi, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	if fi.IsDir() {
		return &Source{dir: root}, nil
	}
	s := &Source{places: make(map[string]place, len(items))}
	if s.spool, err = os.CreateTemp("", "postroom-messages-"); err != nil {
		return nil, err
	}
	_ = os.Remove(s.spool.Name()) // it lives as long as it is open
	if err := s.unpack(root, fi.Size(), items, progress); err != nil {
		return nil, errors.Join(fmt.Errorf("messages of %s: %w", root, err), s.Close())
	}
	return s, nil
}

// Close removes what Open has made.
func (s *Source) Close() error {
	if s.spool == nil {
		return nil
	}
	return s.spool.Close()
}

// rootOf is the folder of the index, or the only tar in it when the folder has not the first message.
func rootOf(index string, items []Item) string {
	dir := filepath.Dir(index)
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(items[0].Path))); err == nil {
		return dir
	}
	var tars []string
	for _, pattern := range []string{"*.tar", "*.tar.gz", "*.tgz"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are well-formed
		tars = append(tars, found...)
	}
	if len(tars) == 1 {
		return tars[0]
	}
	return dir
}

// Read returns the raw message of an item. One that is missing is fs.ErrNotExist.
func (s *Source) Read(item Item) ([]byte, error) {
	if s.dir != "" {
		return readFile(s.dir, item.Path)
	}
	p, ok := s.places[clean(item.Path)]
	if !ok {
		return nil, fmt.Errorf("%s: %w in the archive", item.Path, fs.ErrNotExist)
	}
	raw := make([]byte, p.size)
	_, err := s.spool.ReadAt(raw, p.at)
	return raw, err
}

// readFile also finds "../data/1" in the folder that holds "data", as people give the one or the other as root.
func readFile(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		if inner, innerErr := os.Open(filepath.Join(dir, filepath.FromSlash(clean(name)))); innerErr == nil {
			f, err = inner, nil
		}
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, MaxMessage))
}

// clean is a path of an index without leading "./" and "../": the same message from whichever folder it is named.
func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
}

func (s *Source) unpack(root string, size int64, items []Item, progress func(now, total int64)) error {
	wanted := make(map[string]bool, len(items))
	for _, item := range items {
		wanted[clean(item.Path)] = true
	}
	f, err := os.Open(root)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(&told{Reader: f, total: size, tell: progress}, 256<<10)
	var plain io.Reader = in
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" { // RFC 1952 §2.3.1
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		defer func() { _ = z.Close() }()
		plain = z
	}
	out := bufio.NewWriterSize(s.spool, 256<<10)
	if err := s.copyWanted(tar.NewReader(plain), out, wanted); err != nil {
		return err
	}
	return out.Flush()
}

func (s *Source) copyWanted(archive *tar.Reader, out io.Writer, wanted map[string]bool) error {
	at := int64(0)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := inIndex(clean(h.Name), wanted)
		if h.Typeflag != tar.TypeReg || name == "" {
			continue
		}
		n, err := io.Copy(out, io.LimitReader(archive, MaxMessage))
		if err != nil {
			return err
		}
		s.places[name] = place{at, n}
		at += n
	}
}

// inIndex is the name by which an index that begins deeper in the archive calls an entry; "" if it does not.
func inIndex(name string, wanted map[string]bool) string {
	for {
		if wanted[name] {
			return name
		}
		slash := strings.IndexByte(name, '/')
		if slash < 0 {
			return ""
		}
		name = name[slash+1:]
	}
}

// told tells how far reading has come.
type told struct {
	io.Reader
	now, total int64
	tell       func(now, total int64)
}

func (t *told) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	t.now += int64(n)
	if t.tell != nil {
		t.tell(t.now, t.total)
	}
	return n, err
}
