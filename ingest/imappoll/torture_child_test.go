package imappoll_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"postroom/ingest/imappoll"
	"postroom/internal/postgres"
	"postroom/oauthgmail"
)

type childConfig struct {
	DB     postgres.Config
	Key    string
	Limits imappoll.Limits
}

// startChild starts a process that polls and carries mail on.
func (w *world) startChild() {
	w.t.Helper()
	c, err := json.Marshal(childConfig{w.cfg, w.key, w.limits})
	if err != nil {
		w.t.Fatal(err)
	}
	w.child = exec.Command(os.Args[0], "-test.run=^TestTortureChild$", "-test.count=1")
	w.child.Env = append(os.Environ(), "POSTROOM_IMAP_CHILD="+string(c))
	w.child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: 0}
	if os.Getenv("POSTROOM_VERBOSE") != "" {
		w.child.Stdout, w.child.Stderr = os.Stderr, os.Stderr
	}
	if err := w.child.Start(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) killChild() {
	_ = w.child.Process.Kill()
	_ = w.child.Wait()
}

// TestTortureChild is the process that TestTorture starts.
func TestTortureChild(t *testing.T) {
	env := os.Getenv("POSTROOM_IMAP_CHILD")
	if env == "" {
		t.Skip("started by TestTorture")
	}
	slog.SetLogLoggerLevel(slog.LevelWarn)
	var c childConfig
	if err := json.Unmarshal([]byte(env), &c); err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { // a parent that has gone takes its child along
		for os.Getppid() != 1 {
			time.Sleep(time.Second)
		}
		os.Exit(1)
	}()
	db, v, _, pipe := assemble(t, c.DB, c.Key)
	tokens := oauthgmail.New(oauthgmail.Config{DB: db, Vault: v})
	poller := imappoll.New(imappoll.Config{DB: db, Vault: v, Pipeline: pipe, Tokens: tokens, Limits: c.Limits})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pipe.Run(gctx) })
	g.Go(func() error { return poller.Run(gctx) })
	g.Go(func() error { return tokens.Run(gctx) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}
