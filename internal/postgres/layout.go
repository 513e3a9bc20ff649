package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// socketPathMax is the longest path that a unix socket may have, less the name
// of the server's socket file (/.s.PGSQL.5432).
const socketPathMax = 107 - 14

// A layout is where a cluster's files are and who may touch them.
type layout struct {
	data   string // the server's data directory
	socket string // the directory of its socket
	log    string // the server's log
	lock   string // held by the process that owns the cluster
	bin    string // the directory of initdb and postgres
	owner  *syscall.Credential
	name   string // the operating system's name of the owner
}

// prepareLayout chooses and makes the directories of the cluster below dir.
func prepareLayout(ctx context.Context, dir string) (layout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return layout{}, fmt.Errorf("data directory: %w", err)
	}
	var l layout
	if l.owner, l.name, err = unprivileged(); err != nil {
		return layout{}, err
	}
	home, err := l.home(dir)
	if err != nil {
		return layout{}, err
	}
	l.data = filepath.Join(home, "cluster")
	l.log = filepath.Join(home, "server.log")
	l.socket = home
	l.lock = filepath.Join(dir, "postgres.lock")
	if home != filepath.Join(dir, "postgres") {
		l.lock = filepath.Join(home, "postgres.lock") // a copy of dir leads to this cluster, too
	}
	if len(l.socket) > socketPathMax {
		l.socket = filepath.Join(os.TempDir(), "postroom-"+shortHash(home))
	}
	for _, d := range []string{home, l.socket} {
		if err := l.mkdir(d); err != nil {
			return layout{}, err
		}
	}
	if l.bin, err = findBin(ctx, l.data); err != nil {
		return layout{}, err
	}
	return l, nil
}

// unprivileged returns whom the server runs as: nil, ourselves, unless we are
// root, which PostgreSQL refuses.
func unprivileged() (*syscall.Credential, string, error) {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return nil, "", fmt.Errorf("who runs the database: %w", err)
		}
		return nil, u.Username, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr == nil && gerr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, name, nil
		}
	}
	return nil, "", errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as: make one (adduser --system postgres), or run postroom as another user")
}

// home returns the directory of the server's files: dir/postgres. When the
// server's user cannot pass through dir's parents (a root's home, say), the
// files live under /var/lib/postroom and dir/postgres is a link to them.
func (l layout) home(dir string) (string, error) {
	home := filepath.Join(dir, "postgres")
	if target, err := os.Readlink(home); err == nil {
		// A data directory that was copied without what its link leads to is not an
		// empty installation, which would refuse everybody's mail.
		if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s is a link to %s, where the database was kept, and that is not there: copy it there, too; "+
				"or remove the link to begin with an empty database", home, target)
		}
		return target, nil
	}
	if l.owner == nil {
		return home, nil
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if passable(dir) {
		return home, nil
	}
	if _, err := os.Lstat(home); err == nil {
		return "", fmt.Errorf("the user %s cannot reach %s: a directory above it is closed to others; open it (chmod o+x) or move the data directory", l.name, home)
	}
	target := filepath.Join("/var/lib/postroom", filepath.Base(filepath.Dir(dir))+"-"+shortHash(dir))
	if err := os.MkdirAll(target, 0o755); err != nil {
		return "", fmt.Errorf("database directory: %w", err)
	}
	if err := os.Symlink(target, home); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("database directory: %w", err)
	}
	return target, nil
}

// passable reports whether others may pass through dir and all above it.
func passable(dir string) bool {
	for {
		fi, err := os.Stat(dir)
		if err != nil || fi.Mode().Perm()&0o001 == 0 {
			return false
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		return true
	}
}

// mkdir makes a directory that only the server's user may enter.
func (l layout) mkdir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("database directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("database directory: %w", err)
	}
	if l.owner == nil {
		return nil
	}
	if err := os.Chown(dir, int(l.owner.Uid), int(l.owner.Gid)); err != nil {
		return fmt.Errorf("database directory: %w", err)
	}
	return nil
}

// checkOwner refuses a cluster that its server would refuse, which a copy from
// another machine or by another user often is, with what mends it.
func (l layout) checkOwner() error {
	fi, err := os.Stat(l.data)
	if err != nil {
		return fmt.Errorf("database directory: %w", err)
	}
	uid := uint32(os.Geteuid())
	if l.owner != nil {
		uid = l.owner.Uid
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && st.Uid != uid {
		return fmt.Errorf("the database in %s belongs to user %d, and its server runs as %s: run chown -R %[3]s: %[1]s", l.data, st.Uid, l.name)
	}
	if fi.Mode().Perm()&0o027 != 0 {
		return fmt.Errorf("the database in %s is open to others (mode %04o), which its server refuses: run chmod -R go-rwx %[1]s", l.data, fi.Mode().Perm())
	}
	return nil
}

// superuser is the cluster's own administrator. Only makeDatabase uses it.
func (l layout) superuser() string { return "postgres" }

// initialise makes the cluster where there is none. initdb writes beside the
// final place and is moved there when it has finished, so that a kill in the
// middle leaves nothing that looks like a cluster.
func (l layout) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(l.data, "PG_VERSION")); err == nil {
		return nil
	}
	// A name of its own each time: the initdb of a start that was killed may still
	// be at work, and cleans up behind itself when it is disturbed.
	if old, err := filepath.Glob(l.data + ".new-*"); err == nil {
		for _, dir := range old {
			_ = os.RemoveAll(dir) // what cannot go now goes at the next start
		}
	}
	made := l.data + ".new-" + rand.Text()
	cmd := exec.CommandContext(ctx, filepath.Join(l.bin, "initdb"), "-D", made, "-U", l.superuser(),
		"-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums")
	l.runAsOwner(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the database cluster: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := os.Rename(made, l.data); err != nil {
		_ = os.RemoveAll(made)
		return fmt.Errorf("make the database cluster: %w: %s is there and is no database cluster (it has no file PG_VERSION). "+
			"If it was one, put your backup of it back; if not, move it away", err, l.data)
	}
	return nil
}

// runAsOwner makes cmd run as the server's user, in a process group of its own:
// a Ctrl-C at our terminal is for us to pass on.
func (l layout) runAsOwner(cmd *exec.Cmd) {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: l.owner}
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
}

// logTail returns the end of the server's log, for an error message.
func (l layout) logTail() string {
	b, err := os.ReadFile(l.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "\n")
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
