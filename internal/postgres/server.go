package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settings of every cluster of ours. Durability stays at PostgreSQL's defaults
// (fsync, full_page_writes, synchronous_commit on); these size it for one
// machine and keep checkpoints and page images from dominating the log.
var settings = []string{
	"listen_addresses=",
	"unix_socket_permissions=0700",
	"max_connections=100",
	"checkpoint_timeout=15min",
	"autovacuum_naptime=5s", // new words are merged into search's index between two naps
	"random_page_cost=1.1",  // solid-state disks
	"jit=off",
	"log_timezone=UTC",
	"timezone=UTC",
	"log_min_messages=warning",
	"idle_in_transaction_session_timeout=5min", // a client that died silently must not hold locks
	"tcp_user_timeout=30s",
}

// walSettings lets the log grow to 4 GB between checkpoints where the disk is
// large: the fewer checkpoints, the fewer whole pages are logged. On a small disk
// it takes no more than a sixteenth, so that the log is not what fills it. A quarter
// of its files is kept when few were needed of late: to make one anew, 16 MB of
// zeros, takes some 15 ms, and until then nobody commits.
func walSettings(dir string) []string {
	const most, least = 4096, 64 // MB
	mb := int64(most)
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err == nil {
		mb = min(most, max(least, int64(st.Blocks)*int64(st.Bsize)>>20/16))
	}
	return []string{fmt.Sprintf("max_wal_size=%dMB", mb), fmt.Sprintf("min_wal_size=%dMB", max(32, mb/4))}
}

// walCompression is for page images, which a large installation logs most of. lz4
// costs a fraction of pglz, where the server was built with it.
func (l layout) walCompression() string {
	const lz4 = "wal_compression=lz4"
	cmd := exec.Command(filepath.Join(l.bin, "postgres"), "-D", l.data, "-C", "wal_compression", "-c", lz4)
	l.runAsOwner(cmd)
	if cmd.Run() == nil {
		return lz4
	}
	return "wal_compression=pglz"
}

// A server is a running postmaster, our child or adopted.
type server struct {
	pid  int
	done chan struct{} // closed when our child has been waited for; nil when adopted
}

// launch starts a postmaster on the layout's cluster.
func (l layout) launch(extra []string) (*server, error) {
	args := []string{"-D", l.data, "-k", l.socket}
	for _, s := range slices.Concat(settings, bufferSettings(), walSettings(l.data), []string{l.walCompression()}, extra) {
		args = append(args, "-c", s)
	}
	log, err := os.OpenFile(l.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database log: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(filepath.Join(l.bin, "postgres"), args...)
	l.runAsOwner(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the database server: %w", err)
	}
	s := &server{pid: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log; that it ended is what we need
		close(s.done)
	}()
	return s, nil
}

// adopt returns the postmaster that runs on the layout's cluster, nil when there
// is none. A pid file that a dead server left behind is removed when its pid
// belongs to some other program by now, which PostgreSQL itself cannot tell.
func (l layout) adopt() (*server, error) {
	for _, file := range []string{filepath.Join(l.data, "postmaster.pid"), filepath.Join(l.socket, ".s.PGSQL.5432.lock")} {
		b, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("database pid file: %w", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err == nil && pid > 0 && l.isPostmaster(pid) {
			return &server{pid: pid}, nil
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("stale database pid file: %w", err)
		}
	}
	return nil, nil
}

// isPostmaster reports whether process pid is a server on our cluster.
func (l layout) isPostmaster(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	args, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if errors.Is(err, os.ErrNotExist) {
		// No such process, or a system without /proc: there the live pid must do.
		_, err := os.Stat("/proc/self")
		return err != nil
	}
	return err == nil && runsOn(args, l.data)
}

// runsOn reports whether a command line, as /proc has it, is that of a server on the
// cluster in data. That it names the directory is not enough: whoever edits, copies
// or follows a file in there names it, too.
func runsOn(cmdline []byte, data string) bool {
	args := strings.Split(string(cmdline), "\x00")
	if base := filepath.Base(args[0]); base != "postgres" && base != "postmaster" {
		return false
	}
	for i, arg := range args[1:] {
		if arg == "-D"+data || arg == "-D" && i+2 < len(args) && filepath.Clean(args[i+2]) == data {
			return true
		}
	}
	return false
}

// alive reports whether the postmaster still runs.
func (s *server) alive() bool {
	if s.done != nil {
		select {
		case <-s.done:
			return false
		default:
			return true
		}
	}
	return syscall.Kill(s.pid, 0) == nil && !isZombie(s.pid)
}

// isZombie: an adopted server may be the child of a parent that does not reap.
func isZombie(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, ok := bytes.Cut(b, []byte(") "))
	return ok && bytes.HasPrefix(after, []byte("Z"))
}

func (s *server) signal(sig syscall.Signal) error { return syscall.Kill(s.pid, sig) }

// waitGone reports whether the server ended before ctx did.
func (s *server) waitGone(ctx context.Context) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.alive() {
		select {
		case <-ctx.Done():
			return !s.alive()
		case <-tick.C:
		}
	}
	return true
}

// lockFile takes an exclusive lock on a file, made if absent. The system
// releases it when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}
