package mail

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// corpora returns the folder of the real mail that conformance is measured on, or skips the test.
func corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("POSTROOM_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpora at %s: set POSTROOM_CORPORA to run this test", dir)
	}
	return dir
}

// eachMail calls fn with every message of the corpora.
func eachMail(t testing.TB, dir string, fn func(name string, raw []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case strings.HasSuffix(path, ".tar.gz"):
			return eachArchived(path, fn)
		case isMailFile(path):
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fn(strings.TrimPrefix(path, dir+"/"), raw)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isMailFile(path string) bool {
	switch filepath.Ext(path) {
	case ".eml", ".msg", ".raw", ".golden", ".txt":
		return true
	default:
		return false
	}
}

func eachArchived(path string, fn func(name string, raw []byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		fn(h.Name, raw)
	}
}

func TestParseCorpora(t *testing.T) {
	t.Parallel()
	n, defects := 0, map[string]int{}
	eachMail(t, corpora(t), func(name string, raw []byte) {
		m, err := Parse(raw, Budget{})
		if err != nil {
			t.Errorf("Parse(%s): %v", name, err)
		}
		if problem := unsound(m); problem != "" {
			t.Errorf("Parse(%s): %s", name, problem)
		}
		n++
		for _, d := range m.Defects {
			defects[d.Kind]++
		}
	})
	t.Logf("%d messages, defects: %v", n, defects)
}

// unsound returns what in m breaks the promises of this package, or "".
func unsound(m *Mail) string {
	texts := []string{m.Subject, m.MessageID, m.Text, m.HTML, m.Automatic.Kind, m.Automatic.Original}
	texts = slices.Concat(texts, m.InReplyTo, m.References)
	for _, a := range slices.Concat(m.From, m.Sender, m.ReplyTo, m.To, m.Cc) {
		texts = append(texts, a.Name, a.Email)
	}
	for _, f := range m.Header {
		texts = append(texts, f.Name, f.Value)
	}
	for _, d := range m.Defects {
		texts = append(texts, d.Kind, d.Detail)
	}
	for _, r := range m.Automatic.Recipients {
		texts = append(texts, r.Address, r.Status, r.ReplyCode, r.Reason, r.Diagnostic)
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		texts = append(texts, p.ContentType, p.Charset, p.Filename, p.Disposition, p.ContentID)
		h := sha256.New()
		if n, err := io.Copy(h, p.Open()); err != nil || n != p.Size || [32]byte(h.Sum(nil)) != p.SHA256 {
			return fmt.Sprintf("part %d: Open gives %d bytes, Size is %d, error %v", i, n, p.Size, err)
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return fmt.Sprintf("%.100q is not clean", s)
		}
	}
	return ""
}
