// Postroom turns a company's support mail into tickets and keeps the spam out.
package main

import (
	"context"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	std := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	code := run(ctx, std, os.Args[1:])
	stop()
	os.Exit(code)
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
	if err := cmd.run(ctx); err != nil {
		fmt.Fprintf(std.err, "postroom: %v\n", err)
		return exitFailed
	}
	return exitOK
}
