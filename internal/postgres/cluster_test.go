package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clusterDir returns a directory that the server's unprivileged user can enter,
// which those of t.TempDir are not.
func clusterDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postroom-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func startCluster(t *testing.T, dir string, guest bool) *Cluster {
	t.Helper()
	c, err := StartCluster(t.Context(), ClusterConfig{Dir: dir, Guest: guest, Settings: []string{"shared_buffers=32MB"}})
	if err != nil {
		t.Fatalf("StartCluster: %v", err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	return c
}

func stop(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatalf("Stop: %v", err)
	}
}

// A cluster is stopped with us, and found again; one that a killed owner left
// running is adopted, and stopped with the one who adopted it.
func TestClusterLife(t *testing.T) {
	t.Parallel()
	dir := clusterDir(t)
	c := startCluster(t, dir, false)
	first := c.PID()
	if _, err := StartCluster(t.Context(), ClusterConfig{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second owner: %v, want ErrInUse", err)
	}
	guest := startCluster(t, dir, true)
	if !guest.Guest() {
		t.Error("a second process owns the cluster")
	}
	stop(t, guest)
	if err := c.answers(t.Context()); err != nil {
		t.Errorf("the guest's leaving stopped the server: %v", err)
	}
	_ = c.lock.Close() // what a SIGKILL does to us: the lock goes, the server stays
	heir := startCluster(t, dir, false)
	if heir.PID() != first {
		t.Errorf("the heir runs process %d, want %d adopted", heir.PID(), first)
	}
	stop(t, heir)
	if syscall.Kill(first, 0) == nil && !isZombie(first) {
		t.Error("the adopted server still runs")
	}
	stop(t, startCluster(t, dir, false))
}

// A pid file that names some other program is stale, and no reason not to start.
func TestClusterStalePID(t *testing.T) {
	t.Parallel()
	dir := clusterDir(t)
	stop(t, startCluster(t, dir, false))
	file := filepath.Join(dir, "postgres", "cluster", "postmaster.pid")
	stale := fmt.Sprintf("%d\n%s\n1\n5432\n", os.Getpid(), filepath.Dir(file))
	if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	stop(t, startCluster(t, dir, false))
}

// A server that dies is started again, also while its children still hold its
// shared memory.
func TestClusterRestarts(t *testing.T) {
	t.Parallel()
	c := startCluster(t, clusterDir(t), false)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	for range 3 {
		old := c.PID()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); c.PID() == old || c.answers(t.Context()) != nil; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the server was not started again")
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// An initdb that was cut off leaves nothing that looks like a cluster.
func TestClusterHalfMade(t *testing.T) {
	t.Parallel()
	dir := clusterDir(t)
	half := filepath.Join(dir, "postgres", "cluster.new-HALF")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop(t, startCluster(t, dir, false))
}

// What a server would refuse for good is said at once, with what mends it, and
// nothing is tried again and again.
func TestClusterUnfit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(data string) error
		want  string
	}{
		{"open to others", func(data string) error { return os.Chmod(data, 0o755) }, "run chmod -R go-rwx"},
		{"no cluster", func(data string) error { return os.Remove(filepath.Join(data, "PG_VERSION")) }, "has no file PG_VERSION"},
		{"another version", func(data string) error { return os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("9\n"), 0o600) }, "which is not installed"},
		{"another owner", func(data string) error { return os.Chown(data, 1, 1) }, "run chown -R"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "another owner" && os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			dir := clusterDir(t)
			stop(t, startCluster(t, dir, false))
			if err := c.spoil(filepath.Join(dir, "postgres", "cluster")); err != nil {
				t.Fatal(err)
			}
			cluster, err := StartCluster(t.Context(), ClusterConfig{Dir: dir})
			if err == nil {
				stop(t, cluster)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("StartCluster = %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestRunsOn(t *testing.T) {
	t.Parallel()
	const data = "/srv/postroom/postgres/cluster"
	for cmdline, want := range map[string]bool{
		"/usr/lib/postgresql/15/bin/postgres\x00-D\x00" + data + "\x00-k\x00/tmp\x00": true,
		"postgres\x00-D\x00" + data + "/\x00":                                         true, // started by pg_ctl
		"postmaster\x00-D" + data + "\x00":                                            true,
		"postgres\x00-D\x00" + data + "2\x00":                                         false,
		"postgres\x00-D\x00":                                                          false,
		"tail\x00-f\x00" + data + "/log\x00":                                          false,
		"vi\x00-D\x00" + data + "\x00":                                                false,
		"":                                                                            false,
	} {
		if got := runsOn([]byte(cmdline), data); got != want {
			t.Errorf("runsOn(%q) = %v, want %v", cmdline, got, want)
		}
	}
}

// A data directory whose database lies elsewhere is copied: to where that is not,
// and beside the first, where both lead to one database.
func TestClusterLinked(t *testing.T) {
	t.Parallel()
	first, copied, home := clusterDir(t), clusterDir(t), clusterDir(t)
	for _, dir := range []string{first, copied} {
		if err := os.Symlink(home, filepath.Join(dir, "postgres")); err != nil {
			t.Fatal(err)
		}
	}
	c := startCluster(t, first, false)
	if _, err := StartCluster(t.Context(), ClusterConfig{Dir: copied}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second owner by another link: %v, want ErrInUse", err)
	}
	stop(t, c)
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	if _, err := StartCluster(t.Context(), ClusterConfig{Dir: copied}); err == nil || !strings.Contains(err.Error(), "is a link to "+home) {
		t.Errorf("StartCluster without the linked database = %v, want it refused", err)
	}
}
