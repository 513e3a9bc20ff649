package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestDiskFull fills the disk under the data while mail comes in. Senders must be
// told to come back, and be right to: when there is room again, the server goes on
// by itself.
func TestDiskFull(t *testing.T) {
	rng := chaos(t)
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: the full disk. It takes root to mount a small tmpfs; run the tests as root to see it")
	}
	dir := newDir(t, "disk")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=640m,mode=0755"); err != nil {
		t.Skipf("NOT TESTED: the full disk. A tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the disk: %v", err)
		}
	})
	srv := newServer(t, filepath.Join(dir, "data"))
	srv.log = dir + ".log" // which must not be lost on the full disk
	srv.startReady()
	mailbox := srv.newMailbox("support@disk-full.test")
	load := newLoad(t, mailbox.address, makeLetters(rng, choose(1_000, 10_000)))
	load.start(8, rng.Uint64(), false, srv.smtp)
	load.offer(2*time.Second, 10*time.Millisecond)
	for range choose(1, 5) {
		fillDisk(t, srv, load, filepath.Join(dir, "ballast"))
	}
	load.finish(90 * time.Second)
	t.Log(load)
	mailbox.waitIdle(2 * time.Minute)
	mailbox.check(load.letters)
	load.checkRefusals()
	srv.checkDoctor()
	srv.stop()
}

// fillDisk fills the disk to the last octet, keeps it full for a while under load,
// and makes room again.
func fillDisk(t *testing.T, srv *server, load *load, path string) {
	t.Helper()
	ballast, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	before, answered := load.refusals(), load.answered.Load()
	for end := time.Now().Add(choose(8*time.Second, 20*time.Second)); time.Now().Before(end); {
		if err := fill(ballast); err != nil {
			t.Fatal(err)
		}
		load.offer(200*time.Millisecond, 10*time.Millisecond)
	}
	t.Logf("disk full: %d mails answered 250, %d times 4xx", load.answered.Load()-answered, load.refusals()-before)
	for end := time.Now().Add(30 * time.Second); load.refusals() == before && time.Now().Before(end); {
		load.offer(200*time.Millisecond, 10*time.Millisecond)
	}
	if load.refusals() == before {
		t.Error("the disk is full, and no mail was refused with a 4xx reply")
	}
	if err := errors.Join(ballast.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-srv.done:
		t.Fatal("postroom ended on a full disk")
	default:
	}
	load.offer(2*time.Second, 20*time.Millisecond)
}

// fill appends to a file until nothing more fits on its disk.
func fill(f *os.File) error {
	block := make([]byte, 1<<20)
	for size := len(block); size > 0; {
		n, err := f.Write(block[:size])
		switch {
		case errors.Is(err, syscall.ENOSPC):
			if n == 0 {
				size /= 2
			}
		case err != nil:
			return err
		}
	}
	return nil
}
