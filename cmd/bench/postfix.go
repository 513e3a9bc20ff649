package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A postfix is an instance of Postfix of its own in a folder: it accepts mail for
// everyone, makes each durable as Postfix always does, and delivers it to nowhere.
type postfix struct {
	dir    string
	addr   string
	master int
	queues []*os.File
}

// Name lookups would measure the resolver. All else that costs time is Postfix's
// default.
const postfixMain = `compatibility_level = 3.7
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log/mail.log
maillog_file_prefixes = %[1]s
syslog_name = postroom-bench
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = bench.test
mynetworks = 127.0.0.0/8
mydestination =
relay_domains =
local_recipient_maps =
alias_maps =
alias_database =
default_transport = discard
relay_transport = discard
local_transport = discard
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
message_size_limit = 67108864
`

const postfixMaster = `%[1]s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// newPostfix starts the instance and returns when it answers. The caller stops it.
func (b *bench) newPostfix(ctx context.Context) (*postfix, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("it takes root to start a Postfix: run the bench as root, or with --only latency, search, memory or import")
	}
	program, err := need("postfix")
	if err != nil {
		return nil, err
	}
	p := &postfix{dir: filepath.Join(b.dir, "postfix")}
	if p.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if err := p.configure(); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, program, "-c", p.dir, "start").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("start Postfix: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := p.begin(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// configure writes the two files and makes the folders.
func (p *postfix) configure() error {
	for _, d := range []string{"", "queue", "data", "log"} {
		if err := os.MkdirAll(filepath.Join(p.dir, d), 0o755); err != nil {
			return err
		}
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		return fmt.Errorf("%w: apt-get install postfix", err)
	}
	uid, uerr := strconv.Atoi(owner.Uid)
	gid, gerr := strconv.Atoi(owner.Gid)
	if err := errors.Join(uerr, gerr, os.Chown(filepath.Join(p.dir, "data"), uid, gid)); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(p.dir, "main.cf"), fmt.Appendf(nil, postfixMain, p.dir), 0o644),
		os.WriteFile(filepath.Join(p.dir, "master.cf"), fmt.Appendf(nil, postfixMaster, p.addr), 0o644))
}

// begin waits until the instance answers, and opens its queues.
func (p *postfix) begin(ctx context.Context) error {
	err := until(ctx, "Postfix answers", func(ctx context.Context) (bool, error) {
		conn, err := net.DialTimeout("tcp", p.addr, time.Second)
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
	if err != nil {
		return err
	}
	if p.master = p.pid(); p.master == 0 {
		return errors.New("the Postfix master has not left its process id")
	}
	for _, q := range []string{"maildrop", "incoming", "active", "deferred"} {
		f, err := os.Open(filepath.Join(p.dir, "queue", q))
		if err != nil {
			return err
		}
		p.queues = append(p.queues, f)
	}
	return nil
}

func (p *postfix) pid() int {
	pid, _ := strconv.Atoi(strings.TrimSpace(firstLine(filepath.Join(p.dir, "queue", "pid", "master.pid"))))
	return pid
}

// stop ends the master, which ends all others.
func (p *postfix) stop() error {
	for _, q := range p.queues {
		_ = q.Close()
	}
	pid := p.pid()
	if pid <= 1 || syscall.Kill(pid, syscall.SIGTERM) != nil || waitGone(pid, stopWithin) {
		return nil
	}
	return fmt.Errorf("the Postfix master, process %d, does not end", pid)
}

func (p *postfix) name() string    { return "Postfix" }
func (p *postfix) address() string { return p.addr }

func (p *postfix) cpu() (all, database time.Duration, err error) {
	all, err = cpuTime(p.master)
	return all, 0, err
}

func (p *postfix) wal(context.Context) (int64, error) { return 0, nil } // it has no database

// mailbox returns an address; any will do.
func (p *postfix) mailbox(context.Context) (workspace, address string, err error) {
	return "", "support@room.test", nil
}

// drained reports whether no mail is in any queue.
func (p *postfix) drained(context.Context) (bool, error) {
	for _, q := range p.queues {
		if _, err := q.Seek(0, 0); err != nil {
			return false, err
		}
		names, err := q.Readdirnames(64)
		if err != nil && len(names) > 0 {
			return false, err
		}
		for _, n := range names {
			// The folders that a hashed queue is split into have names of one letter.
			if len(n) > 1 {
				return false, nil
			}
		}
	}
	return true, nil
}
