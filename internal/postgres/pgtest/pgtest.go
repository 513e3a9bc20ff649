// Package pgtest gives each test a database of its own on a real PostgreSQL. One
// throwaway cluster serves all tests of a process; a migrated template is cloned
// for each, so that tests run in parallel and none sees another's rows.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

const (
	dirPrefix = "postroom-pgtest-"
	template  = "postroom" // the database that the cluster makes and migrations fill
)

// New returns a migrated database of its own for the test. It is dropped when the
// test ends.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	cfg := Database(t)
	db, err := postgres.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatalf("connect to the test database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// Database makes a migrated database of its own for the test and returns how to
// reach it, for tests that start whole processes or several pools.
func Database(t testing.TB) postgres.Config {
	t.Helper()
	cl, err := shared()
	if err != nil {
		t.Fatalf("start the test cluster: %v", err)
	}
	name := cl.next()
	ctx := context.WithoutCancel(t.Context())
	if err := cl.exec(ctx, "create database "+name+" template "+template+" owner postroom_owner"); err != nil {
		t.Fatalf("clone the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := cl.exec(ctx, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	swap := func(url string) string { return strings.Replace(url, "/"+template+"?", "/"+name+"?", 1) }
	return postgres.Config{URL: swap(cl.cfg.URL), OwnerURL: swap(cl.cfg.OwnerURL), MaxConns: 10}
}

type cluster struct {
	cfg   postgres.Config
	mu    sync.Mutex // clones are made one at a time: a template must not be in use
	count int
}

func (c *cluster) next() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	return fmt.Sprintf("test_%d", c.count)
}

// exec runs one statement as the cluster's administrator.
func (c *cluster) exec(ctx context.Context, sql string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	admin := strings.Replace(strings.Replace(c.cfg.URL, "/"+template+"?", "/postgres?", 1), "user=postroom_app", "user=postgres", 1)
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// shared starts the cluster once per process. Nobody stops it in so many words:
// a watcher process does when we have gone, whether by exit, panic or kill.
var shared = sync.OnceValues(func() (*cluster, error) {
	sweep()
	dir, err := os.MkdirTemp("", dirPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cl, err := postgres.StartCluster(ctx, postgres.ClusterConfig{
		Dir: dir,
		// Throwaway data needs no fsync; every other setting is the product's.
		Settings: []string{"fsync=off", "shared_buffers=64MB", "max_wal_size=256MB", "min_wal_size=32MB", "max_connections=200"},
	})
	if err != nil {
		return nil, err
	}
	if err := watch(cl.PID(), dir); err != nil {
		return nil, err
	}
	cfg := cl.Config()
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	db.Close()
	return &cluster{cfg: cfg}, nil
})

// watch starts a shell that outlives us, stops the server and removes its files.
func watch(pid int, dir string) error {
	const script = `while kill -0 "$1" 2>/dev/null; do sleep 0.2; done
kill -QUIT "$2" 2>/dev/null; while kill -0 "$2" 2>/dev/null; do sleep 0.1; done; rm -rf "$3"`
	attr := &os.ProcAttr{Dir: "/", Env: os.Environ(), Sys: &syscall.SysProcAttr{Setsid: true}}
	args := []string{"sh", "-c", script, "sh", strconv.Itoa(os.Getpid()), strconv.Itoa(pid), dir}
	p, err := os.StartProcess("/bin/sh", args, attr)
	if err != nil {
		return err
	}
	return p.Release()
}

// sweep removes what runs left behind whose watcher was killed too.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, d := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(d), dirPrefix), "-")
		pid, err := strconv.Atoi(owner)
		fi, serr := os.Stat(d)
		if err != nil || serr != nil || time.Since(fi.ModTime()) < time.Hour || syscall.Kill(pid, 0) == nil {
			continue
		}
		_ = os.RemoveAll(d)
	}
}
