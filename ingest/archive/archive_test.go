package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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

func gz(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarOf(t *testing.T, files [][2]string) string {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
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
	return b.String()
}

func tarGz(t *testing.T, files [][2]string) string {
	t.Helper()
	return gz(t, tarOf(t, files))
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

// Nothing is taken for mail that is none, wherever it lies, and nothing is read
// through links but what was named. What is passed over is told.
func TestNoMail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	noise := strings.Repeat("\x9a\x01k\xff\n", 1000)
	late := "\x80 what a broken sender left here\n" + one
	write(t, dir+"/outside/secret", one)
	write(t, dir+"/in/1.eml", one)
	write(t, dir+"/in/late.eml", late)
	write(t, dir+"/in/noise", noise)
	write(t, dir+"/in/noise.eml", noise)
	write(t, dir+"/in/noise.gz", gz(t, noise))
	write(t, dir+"/in/text.eml", strings.Repeat("\u00e4", headSize)) // a character cut at the end of the head
	write(t, dir+"/in/odd.eml", "x"+strings.Repeat("\u00e4", headSize))
	write(t, dir+"/in/bom", "\ufeff"+one)
	write(t, dir+"/all.tar", tarOf(t, [][2]string{{"README", "Hello\n"}, {"noise.eml", noise}, {"late.eml", late}, {"1", one}}))
	for link, to := range map[string]string{
		"in/link.eml": "../outside/secret", "in/folder": "../outside", "in/nowhere": "nowhere", "file": "in/1.eml", "all": "in", "inner": "in/link.eml",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(dir+"/in/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	inside := []string{"1.eml", "bom", "late.eml", "odd.eml", "text.eml"}
	skipped := []string{"folder", "link.eml", "noise", "noise.eml", "noise.gz", "nowhere", "pipe"}
	tests := []struct {
		path           string
		names, skipped []string
	}{
		{"in", inside, skipped},
		{"all", inside, skipped},
		{"file", []string{"file"}, nil},
		{"inner", []string{"inner"}, nil},
		{"in/noise", nil, []string{"noise"}},
		{"in/noise.eml", nil, []string{"noise.eml"}},
		{"in/noise.gz", nil, []string{"noise.gz"}},
		{"all.tar", []string{"late.eml", "1"}, []string{"README", "noise.eml"}},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			var names, skipped []string
			r := Reader{
				Max:  1 << 20,
				Each: func(e Entry) error { names = append(names, e.Name); return nil },
				Skip: func(name string, _ error) { skipped = append(skipped, name) },
			}
			if err := r.Walk(filepath.Join(dir, tt.path)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.names, names) + cmp.Diff(tt.skipped, skipped); diff != "" {
				t.Errorf("taken and skipped (-want +got):\n%s", diff)
			}
			if _, err := Size(filepath.Join(dir, tt.path)); err != nil {
				t.Errorf("Size: %v", err)
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

// An archive that is not whole says so, wherever it is broken, and how many mails
// came out of it; the rest of its folder is read all the same.
func TestDamaged(t *testing.T) {
	t.Parallel()
	whole := tarGz(t, [][2]string{{"1.eml", one}, {"box", mbox}})
	plain := tarOf(t, [][2]string{{"1.eml", one}, {"2.eml", strings.Repeat(two, 50)}})
	flip := func(s string, at int) string { return s[:at] + string(s[at]^0x10) + s[at+1:] }
	tests := []struct {
		name, text string
		taken      int // -1: it is whole
	}{
		{"whole", whole, -1},
		{"zeros behind it, as tapes leave them", whole + strings.Repeat("\x00", 5000), -1},
		{"two members", gz(t, plain[:700]) + gz(t, plain[700:]), -1},
		{"a large last record", gz(t, plain+strings.Repeat("\x00", 1<<20)), -1},
		{"checksum", flip(whole, len(whole)-6), 4},
		{"length", flip(whole, len(whole)-2), 4},
		{"no checksum", whole[:len(whole)-8], 4},
		{"half", gz(t, plain)[:60], 0},
		{"other data behind it", whole + "more", 4},
		{"a second tar behind the first", gz(t, plain+plain), 2},
		{"tar cut off", plain[:1200], 1},
		{"header of the second mail", flip(plain, 1024+10), 1},
		{"checksum of one mail", flip(gz(t, one), len(gz(t, one))-6), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir+"/a", tt.text)
			write(t, dir+"/b.eml", one)
			for path, others := range map[string]int{dir + "/a": 0, dir: 1} {
				got := 0
				err := Reader{Max: 1 << 20, Each: func(Entry) error { got++; return nil }}.Walk(path)
				var damaged *DamagedError
				switch {
				case !errors.As(err, &damaged) && (tt.taken >= 0 || err != nil):
					t.Errorf("Walk(%s) = %v, want a DamagedError: %v", path, err, tt.taken >= 0)
				case damaged != nil && (damaged.Taken != tt.taken || got != tt.taken+others):
					t.Errorf("Walk(%s) = %v, and %d mails in all, want %d taken from it", path, err, got, tt.taken)
				}
			}
		})
	}
}

// A file of a tar that is stored in an uncommon way is a file all the same, and
// what is none is named.
func TestUncommonTarMembers(t *testing.T) {
	t.Parallel()
	const raw = "Subject: x\n\ny\n"
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "a.eml", Typeflag: tar.TypeReg, Size: int64(len(raw))}, {Name: "b.eml", Typeflag: tar.TypeCont, Size: int64(len(raw))},
		{Name: "dir/", Typeflag: tar.TypeDir}, {Name: "d.eml", Typeflag: tar.TypeFifo}, {Name: "e.eml", Typeflag: 'Z', Size: int64(len(raw))},
	} {
		h.Mode = 0o600
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(raw)[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "mails.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a.eml": "mail", "b.eml": "mail", "d.eml": errNoFile.Error(), "e.eml": errNoFile.Error()}
	if diff := cmp.Diff(want, became(t, path)); diff != "" {
		t.Errorf("became of the files (-want +got):\n%s", diff)
	}
	// A mail with a long run of NULs, as GNU tar stores it when told to save room.
	sparse := filepath.Join(dir, "f.eml")
	if err := errors.Join(os.WriteFile(sparse, []byte(raw), 0o600), os.Truncate(sparse, 4<<20)); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "sparse.tar")
	if out, err := exec.Command("tar", "--format=gnu", "-S", "-cf", path, "-C", dir, "f.eml").CombinedOutput(); err != nil {
		t.Skipf("no GNU tar: %v %s", err, out)
	}
	if diff := cmp.Diff(map[string]string{"f.eml": "mail"}, became(t, path)); diff != "" {
		t.Errorf("became of a sparse file (-want +got):\n%s", diff)
	}
}

// became walks an archive and says what became of each file in it.
func became(t *testing.T, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	r := Reader{
		Max:  8 << 20,
		Each: func(e Entry) error { files[e.Name] = "mail"; return nil },
		Skip: func(name string, err error) { files[name] = err.Error() },
	}
	if err := r.Walk(path); err != nil {
		t.Fatal(err)
	}
	return files
}
