package main_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// stuckAfter is how long a message may take to its ticket while clocks jump.
const stuckAfter = time.Minute

// TestClockJump sets the database's clock forward and back by an hour while mail
// flows. Leases and due times hang on that clock: nothing may be lost or wait for
// the hour to pass.
func TestClockJump(t *testing.T) {
	rng := chaos(t)
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		t.Skip("NOT TESTED: the clock that jumps. It takes libfaketime: apt-get install faketime")
	}
	dir := newDir(t, "data")
	jump := filepath.Join(filepath.Dir(dir), "clock")
	set := func(offset string) {
		t.Helper()
		// In one step: a clock that reads half a file would jump elsewhere.
		if err := os.WriteFile(jump+".new", []byte(offset+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(jump+".new", jump); err != nil {
			t.Fatal(err)
		}
	}
	set("+0")
	srv := newServer(t, dir)
	// PostgreSQL asks the C library for the time; Go asks the kernel, and keeps it.
	srv.env = []string{
		"LD_PRELOAD=" + found[0], "FAKETIME_TIMESTAMP_FILE=" + jump, "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1",
	}
	srv.startReady()
	mailbox := srv.newMailbox("support@clock-jump.test")
	load := newLoad(t, mailbox.address, makeLetters(rng, choose(1_000, 10_000)))
	load.start(8, rng.Uint64(), false, srv.smtp)
	for range choose(1, 5) {
		for _, offset := range []string{"+0", "+3600", "+0", "-3600", "+0"} {
			set(offset)
			load.offer(4*time.Second, 20*time.Millisecond)
			if ahead, want := databaseAhead(t, srv), map[string]float64{"+3600": 3600, "-3600": -3600}[offset]; ahead < want-60 || ahead > want+60 {
				t.Fatalf("the test's own clock does not work: the database is %.0f s ahead, want %.0f", ahead, want)
			}
		}
	}
	load.finish(90 * time.Second)
	t.Log(load)
	mailbox.waitIdle(2 * time.Minute)
	mailbox.check(load.letters)
	mailbox.checkPace(stuckAfter)
	load.checkRefusals()
	srv.checkDoctor()
	srv.stop()
}

// databaseAhead returns by how many seconds the database's clock is ahead of ours.
func databaseAhead(t *testing.T, s *server) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	socket, err := filepath.EvalSymlinks(filepath.Join(s.data, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, "host="+socket+" user=postgres dbname=postroom")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var now time.Time
	if err := conn.QueryRow(ctx, "select clock_timestamp()").Scan(&now); err != nil {
		t.Fatal(err)
	}
	return time.Until(now).Seconds()
}

// checkPace reports messages that took longer than most.
func (m *mailbox) checkPace(most time.Duration) {
	m.t.Helper()
	_, all := m.filed()
	for _, msg := range all {
		switch {
		case msg.ReceivedAt == nil || msg.DoneAt == nil:
			m.complain("message %s has no time of arrival or of its end", msg.ID)
		case msg.DoneAt.Sub(*msg.ReceivedAt).Abs() > most:
			m.complain("message %s was received at %s and done at %s", msg.ID, msg.ReceivedAt, msg.DoneAt)
		}
	}
}
