package vault

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func keyFile(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeyFileModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o640, 0o604, 0o660, 0o644, 0o610, 0o666} {
		t.Run(mode.String(), func(t *testing.T) {
			path := keyFile(t, NewKey()+"\n", mode)
			for _, opt := range []Source{{KeyFile: path}, {Default: path}} {
				_, created, err := LoadMaster(opt)
				private := mode&0o077 == 0
				if private != (err == nil) || created {
					t.Errorf("LoadMaster = created %v, %v", created, err)
				}
				if !private && !strings.Contains(err.Error(), "chmod 600 "+path) {
					t.Errorf("LoadMaster = %v, want it to say chmod 600", err)
				}
			}
		})
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	dir, file, line := t.TempDir(), NewKey(), NewKey()
	path, empty := keyFile(t, file+"\n", 0o600), keyFile(t, "\n", 0o600)
	missing := filepath.Join(dir, "missing")
	tests := []struct {
		name   string
		source Source
		want   string // in the error; none when empty
		key    string
	}{
		{name: "key before default", source: Source{Key: line, Default: missing}, key: line},
		{name: "file before default", source: Source{KeyFile: path, Default: missing}, key: file},
		{name: "default that is there", source: Source{Default: path}, key: file},
		{name: "both", source: Source{Key: line, KeyFile: path}, want: "both set"},
		{name: "none", source: Source{}, want: "set POSTROOM_KEY"},
		{name: "bad key", source: Source{Key: "hunter2"}, want: "POSTROOM_KEY: line 1"},
		{name: "no such file", source: Source{KeyFile: missing}, want: "correct POSTROOM_KEY_FILE"},
		{name: "directory", source: Source{KeyFile: dir}, want: "is a directory"},
		{name: "empty file", source: Source{KeyFile: empty}, want: empty + ": it holds no key"},
		{name: "empty default", source: Source{Default: empty}, want: "holds no key"},
		{name: "huge file", source: Source{KeyFile: keyFile(t, strings.Repeat("#\n", maxKeyText), 0o600)}, want: "no key file"},
		{name: "lost key", source: Source{Default: missing, Sealed: true}, want: missing + ": no such file or directory: the database holds data sealed"},
		{name: "key of sealed data", source: Source{Default: path, Sealed: true}, key: file},
		{name: "no data directory", source: Source{Default: missing + "/key"}, want: "must exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, created, err := LoadMaster(tt.source)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || m != nil {
					t.Fatalf("LoadMaster = %v, %v, want %q in the error", m, err, tt.want)
				}
				return
			}
			if err != nil || created || m.ID() != newMaster(t, tt.key).ID() {
				t.Fatalf("LoadMaster = %v, created %v, %v", m, created, err)
			}
		})
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files were made where none should be: %v, %v", left, err)
	}
}

func TestConcurrentFirstStart(t *testing.T) {
	t.Parallel()
	for range 20 {
		dir := t.TempDir()
		path := filepath.Join(dir, "key")
		ids := make([]string, 8)
		var makers atomic.Int32
		var g sync.WaitGroup
		for i := range ids {
			g.Go(func() {
				m, created, err := LoadMaster(Source{Default: path})
				if err != nil {
					t.Error(err)
					return
				}
				if ids[i] = m.ID(); created {
					makers.Add(1)
				}
			})
		}
		g.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("first starts have different keys: %v", ids)
			}
		}
		if n := makers.Load(); n != 1 {
			t.Fatalf("%d say they made the key, want 1", n)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Fatalf("left in the directory: %v, %v, want the key file alone", left, err)
		}
		if info, err := left[0].Info(); err != nil || info.Mode() != 0o600 {
			t.Fatalf("mode %v, %v, want 0600", info.Mode(), err)
		}
	}
}
