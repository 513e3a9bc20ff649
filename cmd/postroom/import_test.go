package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damagedArchive is a tar.gz of n mails whose checksum does not fit.
func damagedArchive(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for i := range n {
		text := fmt.Sprintf("From: Jane <jane@example.org>\nMessage-ID: <%d@example.org>\nSubject: mail %d\n\nHello\n", i, i)
		if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("%d.eml", i), Mode: 0o600, Size: int64(len(text)), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	b.Bytes()[b.Len()-6] ^= 1
	return b.Bytes()
}

// An import that did not take all it was given says so, and how it ended.
func TestImportSays(t *testing.T) {
	t.Parallel()
	data, dir := installed(t), t.TempDir()
	path := func(name string, content []byte) string {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	folder := filepath.Dir(path("folder/1.eml", []byte("From: a@example.org\nSubject: one\n\nHello\n")))
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		path string
		code int
		want []string
	}{
		{path("mails.tar.gz", damagedArchive(t, 5)), exitFailed, []string{
			"5 mails offered to " + firstMailbox + ": 5 stored", "mails.tar.gz is damaged", "invalid checksum", "5 mails were taken from it", "get a whole copy",
		}},
		{path("noise.eml", bytes.Repeat([]byte{0x9a, 1, 0xff}, 2000)), exitFailed, []string{"0 mails offered", "no mail was taken from it"}},
		{folder, exitOK, []string{"1 mails offered", "1 files skipped (no mail, too large, or links"}},
	} {
		out, errs, code := mailRun(t, "", "import", step.path, "--data", data)
		for _, want := range step.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("import %s said %q and %q, want %q in it", step.path, out, errs, want)
			}
		}
		if code != step.code {
			t.Errorf("import %s: exit code %d, want %d", step.path, code, step.code)
		}
	}
}
