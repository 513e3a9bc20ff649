package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"postroom/ingest/imappoll"
	"postroom/tickets"
)

type pollCmd struct {
	Mailbox string `arg:"" help:"Address of the mailbox."`
}

// Run polls one mailbox once. It works beside a running serve, as long as that
// does not poll the same mailbox.
func (c *pollCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true, works: true})
	if err != nil {
		return err
	}
	return in.during(ctx, func(ctx context.Context) error { return c.poll(ctx, in, std) })
}

func (c *pollCmd) poll(ctx context.Context, in *instance, std streams) error {
	to, err := in.mailbox(ctx, c.Mailbox)
	if err != nil {
		return err
	}
	start := time.Now()
	progress := newBar(std.err, 0, "polling", false)
	st, err := in.poller.PollOnce(ctx, to.workspace.ID, to.mailbox.ID, func(taken, backlog int64) { progress.set(taken, taken+backlog) })
	progress.done()
	if errors.Is(err, tickets.ErrNotFound) {
		return unpolled(to.mailbox.Address)
	}
	if err != nil {
		return fmt.Errorf("%w; what was taken is safe, and polling again goes on from there", err)
	}
	took := time.Since(start)
	fmt.Fprintf(std.out, "%d mails taken from %s in %.2f s (%.0f messages/s); nothing is left\n",
		st.Taken, to.mailbox.Address, took.Seconds(), float64(st.Taken)/took.Seconds())
	_, err = in.settle(ctx, to.workspace, in.poller.Session(), start, std)
	return err
}

// unpolled is what is said of a mailbox that gets its mail by SMTP only.
func unpolled(address string) error {
	return fmt.Errorf("%s is not polled: no IMAP server is set for it, so there is nothing to poll or to compare it with. "+
		"If it should be, set one (docs/imap.md); postroom doctor without --mailbox examines what came in by SMTP", address)
}

// reconcile compares a mailbox with its server and prints every difference.
func (in *instance) reconcile(ctx context.Context, address string, std streams) error {
	to, err := in.mailbox(ctx, address)
	if err != nil {
		return err
	}
	list, err := in.poller.Reconcile(ctx, to.workspace.ID, to.mailbox.ID)
	if errors.Is(err, tickets.ErrNotFound) {
		return unpolled(to.mailbox.Address)
	}
	if err != nil {
		return err
	}
	differences := 0
	for _, r := range list {
		printReconciliation(std.out, r)
		differences += len(r.Differences)
	}
	if differences > 0 {
		return fmt.Errorf("%w: %d differences between the server and the ledger of %s", errUnwell, differences, to.mailbox.Address)
	}
	return nil
}

func printReconciliation(w io.Writer, r imappoll.Reconciliation) {
	fmt.Fprintf(w, "%s: server %d = ledger %d", r.Folder, r.OnServer, r.InLedger)
	if r.Pending > 0 {
		fmt.Fprintf(w, " + on their way %d", r.Pending)
	}
	fmt.Fprintf(w, " (stored %d, from before %d, set aside %d; deleted there since %d)\n", r.Stored, r.Before, r.SetAside, r.Gone)
	for _, d := range r.Differences {
		fmt.Fprintf(w, "  UID %d: %s\n", d.UID, d.What)
	}
}
