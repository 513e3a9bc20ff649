package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	adminToken  = "bench-admin-token-0123456789abcdef"
	readyWithin = time.Minute
	stopWithin  = 20 * time.Second
	idleWithin  = 10 * time.Minute
)

// A postroom is a running `postroom serve` with its embedded database.
type postroom struct {
	data, log  string
	smtp, http string
	cmd        *exec.Cmd
	ended      chan struct{}
	db         *pgx.Conn // the administrator's, to measure by
	rooms      int       // workspaces made
}

// newPostroom starts a server on a data directory below b.dir, new or known, and
// returns when it is ready. The caller stops it.
func (b *bench) newPostroom(ctx context.Context, name, parts string) (*postroom, error) {
	p := &postroom{data: filepath.Join(b.dir, name), ended: make(chan struct{})}
	p.log = p.data + ".log"
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(b.program, "serve", "--data", p.data, "--smtp", "127.0.0.1:0", "--lmtp", "off", "--http", "127.0.0.1:0",
		"--parts", parts, "--admin-token", adminToken, "--log-level", "warn")
	p.cmd.Env = environment()
	p.cmd.Stderr = log
	// A Ctrl-C at our terminal is for us to pass on.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start postroom: %w", err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "postroom ready "); ok {
				ready <- rest
			}
		}
		_ = p.cmd.Wait() // how it ended is told by its log
	}()
	if err := p.begin(ctx, ready); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// environment is ours without what would lead the server to another database.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "POSTROOM_") || strings.HasPrefix(v, "DATABASE_URL=")
	})
}

// begin waits for the ready line and connects to the database.
func (p *postroom) begin(ctx context.Context, ready <-chan string) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return fmt.Errorf("postroom ended before it was ready:\n%s", p.logTail())
	case <-time.After(readyWithin):
		return fmt.Errorf("postroom is not ready after %s:\n%s", readyWithin, p.logTail())
	case line := <-ready:
		for field := range strings.FieldsSeq(line) {
			switch key, value, _ := strings.Cut(field, "="); key {
			case "smtp":
				p.smtp = value
			case "http":
				p.http = value
			}
		}
	}
	socket, err := filepath.EvalSymlinks(filepath.Join(p.data, "postgres"))
	if err != nil {
		return err
	}
	if p.db, err = pgx.Connect(ctx, "host="+socket+" user=postgres dbname=postroom"); err != nil {
		return err
	}
	return p.settle(ctx)
}

func (p *postroom) logTail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// stop ends the server and its database.
func (p *postroom) stop() error {
	if p.db != nil {
		_ = p.db.Close(context.Background()) // the server ends it anyway
	}
	postmaster := p.postmaster()
	_ = p.cmd.Process.Signal(os.Interrupt) // ended already is as good
	select {
	case <-p.ended:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if postmaster == 0 || waitGone(postmaster, time.Second) {
		return nil
	}
	if err := syscall.Kill(postmaster, syscall.SIGQUIT); err == nil && !waitGone(postmaster, stopWithin) {
		return fmt.Errorf("the database, process %d, does not end", postmaster)
	}
	return nil
}

// postmaster returns the process id of the database, 0 when it does not run.
func (p *postroom) postmaster() int {
	cluster, err := filepath.EvalSymlinks(filepath.Join(p.data, "postgres", "cluster"))
	if err != nil {
		return 0
	}
	line := firstLine(filepath.Join(cluster, "postmaster.pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !bytes.Contains(cmdline, []byte(cluster)) {
		return 0
	}
	return pid
}

func (p *postroom) name() string    { return "Postroom" }
func (p *postroom) address() string { return p.smtp }

// cpu returns the CPU time of the server with its database, and of the latter.
func (p *postroom) cpu() (all, database time.Duration, err error) {
	if database, err = cpuTime(p.postmaster()); err != nil {
		return 0, 0, err
	}
	server, err := readStat(strconv.Itoa(p.cmd.Process.Pid))
	return server.own + database, database, err
}

// mailbox makes a workspace with one mailbox and returns the workspace's id and
// the mailbox's address. Mails that were sent to an earlier one are new to it.
func (p *postroom) mailbox(ctx context.Context) (workspace, address string, err error) {
	p.rooms++
	address = fmt.Sprintf("support@room%d.test", p.rooms)
	var made struct{ ID string }
	if err := p.call(ctx, "POST", "/workspaces", map[string]string{"name": "Bench"}, &made); err != nil {
		return "", "", err
	}
	workspace = made.ID
	err = p.call(ctx, "POST", "/workspaces/"+workspace+"/mailboxes", map[string]string{"address": address}, &made)
	return workspace, address, err
}

// call asks the API.
func (p *postroom) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	answer, err := p.request(ctx, method, p.http+"/api/v1"+path, &body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (p *postroom) request(ctx context.Context, method, address string, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, address, resp.Status, answer)
	}
	return answer, err
}
