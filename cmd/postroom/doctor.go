package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"postroom/ingest"
	"postroom/tickets/audit"
)

type doctorCmd struct {
	Raw     bool         `help:"Also open every raw mail and compare its hash; takes a while."`
	Head    []audit.Head `help:"The end of an audit chain as doctor printed it earlier: find out whether all up to there is what it was then." placeholder:"N:HASH"`
	Mailbox string       `help:"Compare only this mailbox with its IMAP server, UID by UID." placeholder:"ADDRESS"`
}

var errUnwell = errors.New("not all is well")

// Run examines every workspace. It works beside a running serve or alone.
func (c *doctorCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true})
	if err != nil {
		return err
	}
	if c.Mailbox != "" {
		err = in.reconcile(ctx, c.Mailbox, std)
	} else {
		err = c.examine(ctx, in, std)
	}
	return errors.Join(err, in.close(ctx))
}

func (c *doctorCmd) examine(ctx context.Context, in *instance, std streams) error {
	list, err := in.desk.Workspaces(ctx)
	if err != nil {
		return err
	}
	refused, err := in.pipeline.Refusals(ctx, time.Time{})
	if err != nil {
		return err
	}
	problems := 0
	var accepted int64
	var met []audit.Head
	for _, w := range list {
		bar := newBar(std.err, 0, "opening raw mail of "+w.Name, !c.Raw)
		r, err := in.pipeline.Examine(ctx, w, ingest.Examination{Raw: c.Raw, Heads: c.Head, Progress: bar.set})
		bar.done()
		if err != nil {
			return err
		}
		printReport(std.out, r, c.Raw)
		problems += len(r.Problems)
		accepted += r.Ledger.Accepted
		met = append(met, r.Met...)
	}
	problems += c.printMissed(std.out, met)
	printRefused(std.out, refused, accepted)
	if problems > 0 {
		return fmt.Errorf("%w: %d problems in %d workspaces", errUnwell, problems, len(list))
	}
	fmt.Fprintf(std.out, "\nAll is well: %d workspaces, every ledger balances.\n", len(list))
	return nil
}

func printReport(w io.Writer, r ingest.Report, raw bool) {
	l := r.Ledger
	waiting := l.Waiting[ingest.Received] + l.Waiting[ingest.Parsed] + l.Waiting[ingest.Scored]
	fmt.Fprintf(w, "%s (%s)\n", r.Workspace.Name, r.Workspace.ID)
	fmt.Fprintf(w, "  accepted %d = stored %d = filed %d + held %d + duplicate %d + failed %d + waiting %d\n",
		l.Accepted, l.Stored, l.Filed, l.Held, l.Duplicate, l.Failed, waiting)
	fmt.Fprintf(w, "  tickets %d, audit records that hold %d", l.Tickets, r.Audited)
	if r.Head.Hash != nil {
		fmt.Fprintf(w, ", head %s", r.Head)
	}
	fmt.Fprintln(w)
	if raw {
		fmt.Fprintf(w, "  raw mails opened %d of %d\n", r.Opened, l.Stored)
	}
	for _, p := range r.Problems {
		what := p.What
		if p.Message != uuid.Nil {
			what = fmt.Sprintf("%s: %s", p.Message, p.What)
		}
		fmt.Fprintf(w, "  PROBLEM %s\n          %s\n", what, p.Advice)
	}
}

// printMissed names the heads that no chain goes through, and counts them.
func (c *doctorCmd) printMissed(w io.Writer, met []audit.Head) (missed int) {
	for _, h := range c.Head {
		if !slices.ContainsFunc(met, func(m audit.Head) bool { return m.String() == h.String() }) {
			missed++
			fmt.Fprintf(w, "  PROBLEM no audit chain goes through %s\n          records were rewritten since it was noted, or an older backup was restored; compare with a backup\n", h)
		}
	}
	return missed
}

func printRefused(w io.Writer, refused []ingest.Refused, accepted int64) {
	var sum int64
	for _, r := range refused {
		sum += r.Count
	}
	fmt.Fprintf(w, "\noffered %d = accepted %d + refused %d\n", accepted+sum, accepted, sum)
	for _, r := range refused {
		fmt.Fprintf(w, "  refused at %s, %s: %d\n", r.Door, r.Cause, r.Count)
	}
}
