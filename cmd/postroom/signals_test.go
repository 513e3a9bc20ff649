package main_test

import (
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// Whoever stops the server, and however, its database is stopped with it.
func TestStopSignals(t *testing.T) {
	// Whoever runs the tests may ignore it (nohup): a child would do the same, as it should.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	srv := newServer(t, newDir(t, "data"))
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP, os.Interrupt} {
		srv.startReady()
		srv.stopBy(sig)
		if pids := srv.database(); len(pids) > 0 {
			t.Errorf("after %v the database still runs: %v", sig, pids)
		}
	}
}

// The program that reads the log ends. The server goes on, and stops as ever.
func TestLogReaderGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(t, newDir(t, "data"), "--log-level", "debug")
	srv.stderr = w
	go func() { // as little as any reader
		_, _ = r.Read(make([]byte, 1))
		_ = r.Close()
	}()
	srv.startReady()
	for range 3 {
		answer, err := http.Get("http://" + srv.http + "/api/v1/workspaces") // a line of the log
		if err != nil {
			t.Fatalf("the server ended with its log: %v", err)
		}
		_ = answer.Body.Close()
	}
	srv.stop()
	_ = w.Close()
}
