package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// stage is where the chaos tests play: one directory with the program in it, that
// the database's own user can pass through.
var stage theatre

type theatre struct {
	once sync.Once
	root string
	err  error
}

// open builds the program, once per test run, and returns the directory.
func (s *theatre) open(t *testing.T) string {
	t.Helper()
	s.once.Do(func() { s.err = s.build() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.root
}

func (s *theatre) build() error {
	dir, err := os.MkdirTemp("", "postroom-chaos-")
	if err != nil {
		return err
	}
	s.root = dir
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "pids"), 0o755); err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return err
	}
	out, err := exec.Command("go", "build", "-o", s.program(), "postroom/cmd/postroom").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build postroom: %w\n%s", err, out)
	}
	return nil
}

func (s *theatre) program() string { return filepath.Join(s.root, "postroom") }

// guardScript outlives the tests: when they have gone, whether by exit, panic or
// kill, it ends the processes they have left, each by its id, and removes the
// files, unless they are to be looked at.
const guardScript = `while kill -0 "$1" 2>/dev/null; do sleep 0.5; done
ours() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF "$2"; }
for f in "$2"/pids/*; do
	p=${f##*/}; if ours "$p" "$2"; then kill -CONT "$p"; kill -KILL "$p"; fi
done 2>/dev/null
for f in "$2"/*/*/postgres/cluster/postmaster.pid "$2"/*/*/*/postgres/cluster/postmaster.pid; do
	p=$(head -n 1 "$f") || continue
	if ours "$p" "$2"; then kill -CONT "$p"; kill -QUIT "$p"; while kill -0 "$p"; do sleep 0.1; done; fi
done 2>/dev/null
for d in "$2"/*/*/; do umount "$d"; done 2>/dev/null
[ -e "$2/keep" ] || rm -rf "$2"`

func (s *theatre) guard() error {
	attr := &os.ProcAttr{Dir: "/", Env: os.Environ(), Sys: &syscall.SysProcAttr{Setsid: true}}
	args := []string{"sh", "-c", guardScript, "sh", strconv.Itoa(os.Getpid()), s.root}
	p, err := os.StartProcess("/bin/sh", args, attr)
	if err != nil {
		return err
	}
	return p.Release()
}

// close keeps the files of tests that failed.
func (s *theatre) close(passed bool) {
	if s.root == "" || passed {
		return
	}
	if err := os.WriteFile(filepath.Join(s.root, "keep"), nil, 0o644); err == nil {
		fmt.Fprintf(os.Stderr, "data and logs of the failed tests are in %s\n", s.root)
	}
}

// newDir makes a data directory for the test. Its files go when the test passes.
func newDir(t *testing.T, name string) string {
	t.Helper()
	base, err := os.MkdirTemp(stage.open(t), strings.ReplaceAll(t.Name(), "/", "-")+"-")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, name)
	for _, d := range []string{base, dir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		// The database's files may lie elsewhere, behind a link.
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			_ = os.RemoveAll(target)
		}
		_ = os.RemoveAll(base)
	})
	return dir
}
