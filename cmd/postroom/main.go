// Postroom turns a company's support mail into tickets and keeps the spam out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// gcPercent lets the heap grow to three times what is live before it is collected.
// What is live is small (mails on their way), and collecting took an eighth of
// the CPU at Go's default of 100.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	// Who reads our log may end before us (postroom serve | logger). By default that
	// kills a process at its next line; mail goes on.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	std := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	code := run(ctx, std, os.Args[1:])
	stop()
	os.Exit(code)
}

// stopSignals are those after which everything is put in order before the end. A
// terminal that goes away is one, unless we were told not to mind (nohup).
func stopSignals() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// streams are where a command reads, and where it writes: its result, and what it says on the way.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// Exit codes, the same for every command.
const (
	exitOK     = 0
	exitFailed = 1 // it did not work, or the doctor found something
	exitUsage  = 2 // the command line could not be understood
)

// run executes one command line and returns its exit code.
func run(ctx context.Context, std streams, args []string) int {
	cmd, code, done := parse(std, args)
	if done {
		return code
	}
	err := cmd.run(ctx)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(std.err, "postroom: stopped before it was done: %v\n", err)
		return exitFailed
	}
	if err != nil {
		fmt.Fprintf(std.err, "postroom: %v\n", err)
		return exitFailed
	}
	return exitOK
}
