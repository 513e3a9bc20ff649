package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/alecthomas/kong"
)

// globals are the flags that every command has.
type globals struct {
	Data     string `help:"Directory for everything that is kept: the private database, the master key, the admin token; ${default} when not given." default:"./data" env:"POSTROOM_DATA" type:"path" placeholder:"DIR"`
	Database string `help:"PostgreSQL to use instead of the private one, as a postgres:// URL." env:"POSTROOM_DATABASE,DATABASE_URL" placeholder:"URL"`
	Key      string `help:"The master key, or several, the first for new data." env:"POSTROOM_KEY" placeholder:"KEY" hidden:""`
	KeyFile  string `help:"File with the master key; default: master.key in the data directory, made on first start." env:"POSTROOM_KEY_FILE" type:"path" placeholder:"FILE"`
	LogLevel string `help:"Least level that is logged: debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"POSTROOM_LOG_LEVEL"`
}

type cli struct {
	globals
	Serve    serveCmd    `cmd:"" help:"Receive mail, carry it to tickets, and answer the API and the pages."`
	Demo     demoCmd     `cmd:"" help:"Serve; on an empty database first send some mails through the SMTP port."`
	Import   importCmd   `cmd:"" help:"Take in mails from files: a mail, a folder, a Maildir, an mbox, or a tar of them."`
	Poll     pollCmd     `cmd:"" help:"Poll one mailbox once by IMAP, in the foreground."`
	Doctor   doctorCmd   `cmd:"" help:"Prove that the ledger balances and name what does not fit."`
	Replay   replayCmd   `cmd:"" help:"Run a period's mails through parser, filter and threading again, and show what would differ."`
	Train    trainCmd    `cmd:"" help:"Teach the filter of an installation by mails from files."`
	Classify classifyCmd `cmd:"" help:"Ask the filter, or measure it."`
	Mail     mailCmd     `cmd:"" help:"Read mail from files, without a database: what Postroom makes of it."`
	Alone    databaseCmd `cmd:"" name:"database" help:"Run the private database alone, for pg_dump, pg_restore and psql."`
	Restored restoredCmd `cmd:"" help:"Go on from an older backup: leave out the ticket numbers that were given since."`
	Key      keyCmd      `cmd:"" help:"Print a new master key, for rotation: put it on the first line of the key file."`
}

// A command is one command line, ready to run.
type command struct{ run func(context.Context) error }

// parse reads a command line. done means that it has been dealt with already:
// help was asked for, or it could not be understood.
func parse(std streams, args []string) (c command, code int, done bool) {
	var line cli
	k, err := kong.New(&line, kong.Name("postroom"),
		kong.Description("Postroom turns a company's support mail into tickets and keeps the spam out."),
		kong.Writers(std.out, std.err), kong.UsageOnError(),
		kong.Exit(func(n int) { code, done = n, true }))
	if err != nil {
		fmt.Fprintf(std.err, "postroom: %v\n", err)
		return c, exitUsage, true
	}
	kctx, err := k.Parse(args)
	if done {
		return c, code, true // help
	}
	if err != nil {
		fmt.Fprintf(std.err, "postroom: %v\nTry: postroom --help\n", err)
		return c, exitUsage, true
	}
	return command{func(ctx context.Context) error {
		setLog(std, line.LogLevel)
		kctx.BindTo(ctx, (*context.Context)(nil))
		kctx.Bind(&line.globals, std)
		return kctx.Run()
	}}, exitOK, false
}

// setLog sends the log as JSON to standard error, floods cut.
func setLog(std streams, level string) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	var h slog.Handler = slog.NewJSONHandler(std.err, &slog.HandlerOptions{Level: l})
	if l > slog.LevelDebug { // who debugs wants all of it
		h = thinned(h)
	}
	slog.SetDefault(slog.New(h))
}

// stopGrace is how long parts have to end once they were told to.
const stopGrace = 8 * time.Second
