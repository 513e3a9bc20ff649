// Bench measures Postroom beside Postfix on the machine at hand and prints one
// table: rates with their ratios, and the CPU time that each mail cost.
//
// Both receive the same mails from the same sender, in turn, into files on the
// same disk. What a rate is worth depends on the machine and on who else uses it;
// the ratios and the CPU time tell more.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/alecthomas/kong"
)

type options struct {
	Rounds   int    `help:"Runs of each measurement; the table shows medians." default:"3"`
	Count    int    `help:"Mails in each run." default:"6000"`
	Only     string `help:"Measure only what this regular expression matches: versus, latency, search, memory, import, growth, or a row of versus." placeholder:"REGEXP"`
	Growth   bool   `help:"Also fill an installation with many messages and compare it with one of few. Takes some ten minutes."`
	Stored   int    `help:"How many messages --growth fills in." default:"300000"`
	Seconds  int    `help:"How long mail is offered for latencies." default:"15"`
	Postroom string `help:"The program to measure. Default: it is built." type:"existingfile" placeholder:"BINARY"`
	Markdown string `help:"Also write the table to this file." type:"path" placeholder:"FILE"`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("bench"), kong.Description("Measure Postroom beside Postfix on this machine."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// A bench is one session of measuring.
type bench struct {
	options
	only    *regexp.Regexp
	dir     string // temporary, open to the database's user
	program string
	bag     *mailbag
	report  report
}

func run(ctx context.Context, o options) (err error) {
	b := &bench{options: o}
	if b.only, err = regexp.Compile(o.Only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "postroom-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	if b.bag, err = openMailbag(); err != nil {
		return err
	}
	b.report.facts = machineFacts(ctx)
	b.report.facts = append(b.report.facts, b.bag.origin)
	err = b.measure(ctx)
	// What was measured before something went wrong is worth seeing.
	b.report.print(os.Stdout)
	if o.Markdown != "" && err == nil {
		err = b.report.save(o.Markdown)
	}
	return err
}

// measure runs all experiments that were asked for.
func (b *bench) measure(ctx context.Context) error {
	for _, e := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"versus", b.versus},
		{"latency", b.latencies},
		{"search", b.search},
		{"memory", b.memory},
		{"import", b.imports},
		{"growth", b.growth},
	} {
		asked := b.only.MatchString(e.name) || e.name == "versus" && b.anyLoad()
		if !asked || e.name == "growth" && !b.Growth {
			continue
		}
		if err := e.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

// build makes the program, unless one was given.
func (b *bench) build(ctx context.Context) error {
	if b.program = b.Postroom; b.program != "" {
		return nil
	}
	b.program = filepath.Join(b.dir, "postroom")
	say("building postroom")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", b.program, "postroom/cmd/postroom").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build postroom: %w\n%s", err, out)
	}
	return nil
}

// say tells on the way what is being done.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
