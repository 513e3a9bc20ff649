package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const adminToken = "chaos-admin-token-0123456789abcdef"

// How long a server may take to be ready (crash recovery of its database
// included) and to stop.
const (
	readyWithin = 90 * time.Second
	stopWithin  = 30 * time.Second
)

// A server is a `postroom serve` that can be killed and started again on the same
// data and the same ports.
type server struct {
	t          *testing.T
	data, log  string
	smtp, http string
	args, env  []string // besides those that every server has
	stderr     *os.File // where its log goes; nil: to the file log

	cmd   *exec.Cmd
	ready chan struct{} // closed at the ready line
	done  chan struct{} // closed when the process has ended
}

// newServer prepares a server on a data directory. It is stopped at the end of the
// test, whatever its state.
func newServer(t *testing.T, data string, args ...string) *server {
	t.Helper()
	stage.open(t)
	s := &server{t: t, data: data, log: data + ".log", smtp: freeAddr(t), http: freeAddr(t), args: args}
	t.Cleanup(s.cleanUp)
	return s
}

var ports = struct {
	sync.Mutex
	taken map[int]bool
}{taken: map[int]bool{}}

// freeAddr returns an address to listen on, outside the range from which clients
// get theirs: while a server is down, a client that tries to reach it must not be
// given its port.
func freeAddr(t *testing.T) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		addr := "127.0.0.1:" + strconv.Itoa(port)
		l, err := net.Listen("tcp", addr)
		if err != nil || ports.taken[port] {
			continue
		}
		ports.taken[port] = true
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("no free port between 10000 and 30000")
	return ""
}

// start starts the process and does not wait for it.
func (s *server) start() {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.data, "--smtp", s.smtp, "--http", s.http, "--admin-token", adminToken}, s.args...)
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	s.ready, s.done = make(chan struct{}), make(chan struct{})
	s.cmd = exec.Command(stage.program(), args...)
	s.cmd.Env = s.environment()
	s.cmd.Stderr = log
	if s.stderr != nil {
		s.cmd.Stderr = s.stderr
	}
	s.cmd.WaitDelay = 2 * time.Second
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go s.follow(s.cmd, out, s.ready, s.done)
}

// follow reads what a process prints until it ends. Its id is noted meanwhile, for
// whoever must end it in our place.
func (s *server) follow(cmd *exec.Cmd, out io.Reader, ready, done chan<- struct{}) {
	defer close(done)
	pidFile := filepath.Join(stage.root, "pids", strconv.Itoa(cmd.Process.Pid))
	if err := os.WriteFile(pidFile, nil, 0o644); err != nil {
		s.t.Error(err)
	}
	lines := bufio.NewScanner(out)
	for said := false; lines.Scan(); {
		if !said && strings.HasPrefix(lines.Text(), "postroom ready ") {
			said = true
			close(ready)
		}
	}
	_ = cmd.Wait() // killed as often as not
	_ = os.Remove(pidFile)
}

// environment is ours without what would lead the server to another database.
func (s *server) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "POSTROOM_") || strings.HasPrefix(v, "DATABASE_URL=")
	})
	return append(env, s.env...)
}

func (s *server) startReady() {
	s.t.Helper()
	s.start()
	s.waitReady()
}

// waitReady waits for the ready line.
func (s *server) waitReady() {
	s.t.Helper()
	select {
	case <-s.ready:
	case <-s.done:
		s.t.Fatalf("postroom ended before it was ready: %v", s.cmd.ProcessState)
	case <-time.After(readyWithin):
		s.t.Fatalf("postroom is not ready after %s", readyWithin)
	}
}

// kill ends the process without a chance to tidy up.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // gone already is as good
	<-s.done
}

// stop ends the process as an operator does, and expects a clean end.
func (s *server) stop() {
	s.t.Helper()
	s.stopBy(os.Interrupt)
}

func (s *server) stopBy(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Errorf("stop postroom: %v", err)
	}
	select {
	case <-s.done:
	case <-time.After(stopWithin):
		s.t.Errorf("postroom has not stopped after %s", stopWithin)
		s.kill()
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("postroom stopped with code %d", code)
	}
}

// cleanUp leaves no process behind.
func (s *server) cleanUp() {
	if s.cmd != nil {
		s.kill()
	}
	pids := s.database()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGCONT)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, pid := range pids {
		waitGone(pid)
	}
	if s.t.Failed() {
		s.t.Logf("the log of %s ends:\n%s", s.data, s.logTail())
	}
}

func waitGone(pid int) {
	for range 500 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// database returns the ids of the embedded database's processes, the postmaster
// first; none when it does not run.
func (s *server) database() []int {
	cluster := filepath.Join(s.data, "postgres", "cluster")
	b, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 {
		return nil
	}
	// A file left by a dead server may name a stranger's process.
	real, err := filepath.EvalSymlinks(cluster)
	if err != nil {
		return nil
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !bytes.Contains(cmdline, []byte(real)) {
		return nil
	}
	return append([]int{pid}, children(pid)...)
}

// children returns the ids of a process's direct children.
func children(parent int) []int {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state ppid …", and the name may hold anything.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killDatabase kills the postmaster; its children see that it is gone and end.
func (s *server) killDatabase() {
	if pids := s.database(); len(pids) > 0 {
		_ = syscall.Kill(pids[0], syscall.SIGKILL)
	}
}

// checkDoctor has `postroom doctor` examine the data, every raw mail included.
func (s *server) checkDoctor() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	args := []string{"doctor", "--raw", "--data", s.data}
	for i, a := range s.args {
		if a == "--database" {
			args = append(args, a, s.args[i+1])
		}
	}
	cmd := exec.CommandContext(ctx, stage.program(), args...)
	cmd.Env = s.environment()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		s.t.Errorf("doctor exits with %d:\n%s", exit.ExitCode(), out)
	case err != nil:
		s.t.Errorf("doctor: %v", err)
	default:
		s.t.Logf("doctor: %s", lastLine(out))
	}
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// logTail returns the end of the log, without the requests that were answered.
func (s *server) logTail() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, `"msg":"request"`) })
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}
