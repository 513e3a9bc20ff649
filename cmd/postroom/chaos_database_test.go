package main_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestDatabaseStopped takes the database away for a while, while mail comes in:
// once it stands still, once it dies and dies again. Senders wait or are told to
// come back; nobody starts anything by hand.
func TestDatabaseStopped(t *testing.T) {
	away := choose(8*time.Second, 30*time.Second)
	for _, tt := range []struct {
		name string
		take func(s *server, away time.Duration)
	}{
		{"StandsStill", (*server).freezeDatabase},
		{"DiesAgain", (*server).keepDatabaseDead},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rng := chaos(t)
			srv := newServer(t, newDir(t, "data"))
			srv.startReady()
			mailbox := srv.newMailbox("support@database-stopped.test")
			load := newLoad(t, mailbox.address, makeLetters(rng, choose(600, 3_000)))
			load.start(8, rng.Uint64(), false, srv.smtp)
			load.offer(time.Second, 10*time.Millisecond)
			// The rest is offered while the database is away.
			load.offerNow(len(load.letters))
			tt.take(srv, away)
			srv.waitHealthy(time.Minute)
			load.finish(90 * time.Second)
			t.Log(load)
			mailbox.waitIdle(2 * time.Minute)
			mailbox.check(load.letters)
			load.checkRefusals()
			srv.checkDoctor()
			srv.stop()
		})
	}
}

// TestRecycledPID leaves behind what a power cut leaves: the files by which a
// database that is no more says that it runs, with an id that some other process
// has by now.
func TestRecycledPID(t *testing.T) {
	chaos(t)
	srv := newServer(t, newDir(t, "data"))
	srv.startReady()
	pids := srv.database()
	if len(pids) == 0 {
		t.Fatal("no database process was found")
	}
	srv.kill()
	srv.killDatabase()
	for _, pid := range pids {
		waitGone(pid)
	}
	home := filepath.Join(srv.data, "postgres")
	stranger := startStranger(t, home)
	for _, name := range []string{filepath.Join(home, "cluster", "postmaster.pid"), filepath.Join(home, ".s.PGSQL.5432.lock")} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.Replace(b, []byte(strconv.Itoa(pids[0])), []byte(strconv.Itoa(stranger)), 1)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	srv.startReady()
	srv.stop()
}

// startStranger starts a process of the user who owns a directory.
func startStranger(t *testing.T, dir string) (pid int) {
	t.Helper()
	fi, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := fi.Sys().(*syscall.Stat_t)
	cmd := exec.Command("sleep", "300")
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
		cmd.Dir = "/"
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// freezeDatabase stops all processes of the database, and lets them go on.
func (s *server) freezeDatabase(away time.Duration) {
	pids := s.database()
	if len(pids) == 0 {
		s.t.Fatal("no database process was found")
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // a backend may end at any time
	}
	time.Sleep(away)
	s.checkNotReady()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// keepDatabaseDead kills the database and every one that is started in its place.
func (s *server) keepDatabaseDead(away time.Duration) {
	kills := 0
	for end := time.Now().Add(away); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, pid := range s.database() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			kills++
		}
	}
	s.checkNotReady()
	s.t.Logf("%d processes of the database killed", kills)
}

// checkNotReady expects that a load balancer would be told to go elsewhere.
func (s *server) checkNotReady() {
	s.t.Helper()
	if code := s.readyCode(); code == http.StatusOK {
		s.t.Error("/readyz says 200 while the database is away")
	}
}

// waitHealthy waits until the server says that it is ready again.
func (s *server) waitHealthy(within time.Duration) {
	s.t.Helper()
	begun := time.Now()
	for time.Since(begun) < within {
		if s.readyCode() == http.StatusOK {
			s.t.Logf("ready again %.1f s after the database", time.Since(begun).Seconds())
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("/readyz does not say 200 within %s of the database's return", within)
}

// readyCode asks /readyz, 0 when there is no answer.
func (s *server) readyCode() int {
	resp, err := client.Get("http://" + s.http + "/readyz")
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
