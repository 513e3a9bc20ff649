package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	one  = "Subject: one\n\nFrom here on it is text.\n"
	two  = "Subject: two\n\nbody\n\nFrom now on, too\n"
	mbox = "From a@b Mon Nov  2 10:00:00 2026\n" + one + "\n" +
		"From c@d Mon Nov  2 11:00:00 2026\nSubject: quoted\n\n>From the start\n>>From twice\n\n" +
		"From e@f Mon Nov  2 12:00:00 2026\n" + two
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tarGz(t *testing.T, files [][2]string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for _, f := range files {
		if err := tw.WriteHeader(&tar.Header{Name: f[0], Mode: 0o600, Size: int64(len(f[1])), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWalk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/mail.eml", one)
	write(t, dir+"/with-from-line.eml", "From a@b Mon Nov  2 10:00:00 2026\n"+two)
	write(t, dir+"/box.mbox", mbox)
	write(t, dir+"/all.tar.gz", tarGz(t, [][2]string{{"a/1.eml", one}, {"a/.hidden", "x"}, {"a/box", mbox}}))
	write(t, dir+"/md/cur/1:2,S", one)
	write(t, dir+"/md/new/2", two)
	write(t, dir+"/md/tmp/3", "half")
	write(t, dir+"/bad/broken.gz", "\x1f\x8bnonsense")
	write(t, dir+"/bad/empty.eml", "")
	write(t, dir+"/bad/large.eml", strings.Repeat("x", 2000))
	write(t, dir+"/bad/good.eml", one)
	write(t, dir+"/bad/golden.json", "{\n  \"subject\": \"one\"\n}\n")
	tests := []struct {
		path    string
		names   []string
		skipped int
	}{
		{"mail.eml", []string{"mail.eml"}, 0},
		{"with-from-line.eml", []string{"with-from-line.eml"}, 0},
		{"box.mbox", []string{"box.mbox#1", "box.mbox#2", "box.mbox#3"}, 0},
		{"all.tar.gz", []string{"a/1.eml", "a/box#1", "a/box#2", "a/box#3"}, 0},
		{"md", []string{"cur/1:2,S", "new/2"}, 0},
		{"bad", []string{"good.eml"}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			var names []string
			skipped := 0
			r := Reader{
				Max:  1000,
				Each: func(e Entry) error { names = append(names, e.Name); return nil },
				Skip: func(string, error) { skipped++ },
			}
			if err := r.Walk(filepath.Join(dir, tt.path)); err != nil {
				t.Fatalf("Walk: %v", err)
			}
			if diff := cmp.Diff(tt.names, names); diff != "" || skipped != tt.skipped {
				t.Errorf("Walk (-want +got), %d skipped, want %d:\n%s", skipped, tt.skipped, diff)
			}
		})
	}
}

// The mails of an mbox come out as they went in: without the lines that part
// them, and without the quoting that protects theirs.
func TestMbox(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "box")
	write(t, path, mbox)
	var got []string
	r := Reader{Max: 1000, Each: func(e Entry) error { got = append(got, string(e.Raw)); return nil }}
	if err := r.Walk(path); err != nil {
		t.Fatal(err)
	}
	want := []string{one, "Subject: quoted\n\nFrom the start\n>From twice\n", strings.TrimSuffix(two, "\n")}
	if diff := cmp.Diff(want[:2], got[:2]); diff != "" || strings.TrimSpace(got[2]) != strings.TrimSpace(want[2]) {
		t.Errorf("-want +got:\n%s", cmp.Diff(want, got))
	}
}
