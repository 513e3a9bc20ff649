package trec

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadIndex(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []Item
		says       string
	}{
		{"plain", "spam a/1\nham a/2\n", []Item{{true, "a/1"}, {false, "a/2"}}, ""},
		{"CRLF, case, mark, empty lines, no end", "\ufeffSPAM ../a/1\r\n\r\nHam\ta b/2", []Item{{true, "../a/1"}, {false, "a b/2"}}, ""},
		{"no label", "spam a\neggs b\n", nil, ":2:"},
		{"no path", "spam \n", nil, ":1:"},
		{"empty", "\n", nil, "names no message"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadIndex(write(t, t.TempDir(), "index", c.text))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q in it", err, c.says)
			}
		})
	}
}

func packed(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(name))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	index := write(t, dir, "full/index", "spam ../data/1\nham ../data/2\nham ../data/9\n")
	write(t, dir, "data/1", "set/data/1")
	write(t, dir, "data/2", "set/data/2")
	archive := write(t, dir, "set.tgz", string(packed(t, "./set/data/2", "./set/other/1", "./set/data/1")))
	beside := write(t, t.TempDir(), "index", "spam data/1\nham data/2\nham data/9\n")
	write(t, filepath.Dir(beside), "set.tar.gz", string(packed(t, "set/data/2", "set/data/1")))
	for _, c := range []struct{ name, index, root string }{
		{"beside the index", index, ""},
		{"in the folder above", index, filepath.Join(dir, "full")},
		{"in the folder of the set", index, dir},
		{"in a tar", index, archive},
		{"in the tar beside the index", beside, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			items, err := ReadIndex(c.index)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(c.index, c.root, items, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			for i, want := range []string{"set/data/1", "set/data/2"} {
				got, err := s.Read(items[i])
				if strings.TrimPrefix(string(got), "./") != want || err != nil {
					t.Errorf("%s: %q, %v, want %q", items[i].Path, got, err, want)
				}
			}
			if _, err := s.Read(items[2]); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing message: %v, want %v", err, fs.ErrNotExist)
			}
		})
	}
}

func TestForwarded(t *testing.T) {
	t.Parallel()
	const raw = "From x Mon\r\nReceived: a\r\n b\r\nSUBJECT: hello\r\n there\r\nX-Spam: yes\r\nTo: c\r\n\r\nReceived: in the body\r\n"
	const want = "SUBJECT: hello\r\n there\r\nTo: c\r\n\r\nReceived: in the body\r\n"
	if got := string(Forwarded([]byte(raw))); got != want {
		t.Errorf("Forwarded(%q) = %q, want %q", raw, got, want)
	}
}
