package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postroom/ingest"
	"postroom/ingest/archive"
	"postroom/tickets"
)

type importCmd struct {
	Path    string `arg:"" help:"A mail (.eml), a folder of mails, a Maildir, an mbox, or a tar or tar.gz of them." type:"path"`
	Mailbox string `help:"Address of the mailbox that receives them. Needed when there are several; when there is none, one is made." env:"POSTROOM_MAILBOX" placeholder:"ADDRESS"`
}

// importAtOnce is how many mails are offered at the same time: enough for group
// commits, few enough to be small.
const importAtOnce = 64

// importBytes bounds the mails being offered at the same time.
const importBytes = 64 << 20

// firstMailbox is made for an import into an empty installation.
const firstMailbox = "support@localhost"

// Run takes the mails in. It works beside a running serve, which then carries
// them on, or alone, and then carries them on itself until none waits.
func (c *importCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true, works: true})
	if err != nil {
		return err
	}
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	var behind errgroup.Group
	behind.Go(func() error { return in.pipeline.Run(inner) })
	behind.Go(func() error { return in.filter.Run(inner) })
	if in.cluster != nil {
		behind.Go(func() error { return in.cluster.Run(inner) })
	}
	err = c.takeIn(ctx, in, std)
	stop()
	return errors.Join(err, behind.Wait(), in.close(ctx))
}

func (c *importCmd) takeIn(ctx context.Context, in *instance, std streams) error {
	to, err := in.mailbox(ctx, c.Mailbox)
	if err != nil {
		return err
	}
	before, err := in.pipeline.Ledger(ctx, to.workspace.ID)
	if err != nil {
		return err
	}
	start := time.Now()
	offered, skipped, err := c.offer(ctx, in, std, to)
	accepted := time.Since(start)
	if err != nil {
		return fmt.Errorf("import %s: %w; %d mails were taken in, and importing again takes none of them twice", c.Path, err, offered)
	}
	after, err := in.settle(ctx, to.workspace, std)
	if err != nil {
		return err
	}
	took := time.Since(start)
	stored := after.Stored - before.Stored
	fmt.Fprintf(std.out, "%d mails offered to %s, %d stored (%d were here already), %d skipped\n",
		offered, to.mailbox.Address, stored, offered-stored, skipped)
	fmt.Fprintf(std.out, "filed %d, held %d, duplicate %d, failed %d; tickets opened %d\n",
		after.Filed-before.Filed, after.Held-before.Held, after.Duplicate-before.Duplicate, after.Failed-before.Failed, after.Tickets-before.Tickets)
	fmt.Fprintf(std.out, "durable after %.2f s (%.0f messages/s), settled after %.2f s (%.0f messages/s)\n",
		accepted.Seconds(), float64(offered)/accepted.Seconds(), took.Seconds(), float64(offered)/took.Seconds())
	return nil
}

// offer passes every mail of the archive to Accept, many at a time.
func (c *importCmd) offer(ctx context.Context, in *instance, std streams, to destination) (offered, skipped int64, err error) {
	total, err := archive.Size(c.Path)
	if err != nil {
		return 0, 0, err
	}
	progress := newBar(std.err, total, "importing", false)
	defer progress.done()
	var read atomic.Int64
	room := newRoom(importBytes)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(importAtOnce)
	r := archive.Reader{
		Max:  ingest.DefaultLimits.MessageBytes,
		Read: func(n int64) { progress.set(read.Add(n), total) },
		Skip: func(name string, err error) {
			skipped++
			slog.WarnContext(ctx, "skipped", "name", name, "err", err)
		},
		Each: func(e archive.Entry) error {
			size := int64(len(e.Raw))
			if err := room.take(gctx, size); err != nil {
				return err
			}
			offered++
			g.Go(func() error {
				defer room.give(size)
				return in.acceptPatiently(gctx, c.offerOf(e, to))
			})
			return gctx.Err()
		},
	}
	werr := r.Walk(c.Path)
	return offered, skipped, errors.Join(g.Wait(), werr)
}

// offerOf names a mail by where it lay and what it says, so that a second import
// of the same archive finds all of it known.
func (c *importCmd) offerOf(e archive.Entry, to destination) ingest.Offer {
	sum := sha256.Sum256(e.Raw)
	return ingest.Offer{
		Raw:      e.Raw,
		Envelope: ingest.Envelope{Door: ingest.DoorImport, Session: filepath.Base(c.Path) + "/" + e.Name},
		To: []ingest.Recipient{{
			Workspace: to.workspace.ID, Mailbox: to.mailbox.ID, Address: to.mailbox.Address,
			SourceKey: fmt.Sprintf("import:%s:%s:%x", to.mailbox.ID, e.Name, sum[:8]),
		}},
	}
}

// acceptPatiently offers a mail until it is taken: a file can wait.
func (in *instance) acceptPatiently(ctx context.Context, o ingest.Offer) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := in.pipeline.Accept(ctx, o)
		if !errors.Is(err, ingest.ErrBusy) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// settle waits until none of the workspace's messages waits.
func (in *instance) settle(ctx context.Context, w tickets.Workspace, std streams) (ingest.Ledger, error) {
	told := false
	for {
		l, err := in.pipeline.Ledger(ctx, w.ID)
		if err != nil {
			return l, err
		}
		waiting := l.Waiting[ingest.Received] + l.Waiting[ingest.Parsed] + l.Waiting[ingest.Scored]
		if waiting == 0 {
			return l, nil
		}
		if !told && in.guest() {
			told = true
			fmt.Fprintf(std.err, "all is stored; %d messages wait for the running process\n", waiting)
		}
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// A destination is a mailbox and whose it is.
type destination struct {
	workspace tickets.Workspace
	mailbox   tickets.Mailbox
}

// mailbox finds the mailbox with that address, or the only one there is, or makes
// the first.
func (in *instance) mailbox(ctx context.Context, address string) (destination, error) {
	workspaces, err := in.desk.Workspaces(ctx)
	if err != nil {
		return destination{}, err
	}
	var all []destination
	for _, w := range workspaces {
		boxes, err := in.desk.Mailboxes(ctx, w.ID)
		if err != nil {
			return destination{}, err
		}
		for _, m := range boxes {
			if address == "" || m.Address == address {
				all = append(all, destination{w, m})
			}
		}
	}
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return destination{}, fmt.Errorf("there are %d mailboxes: name one with --mailbox, such as %s", len(all), all[0].mailbox.Address)
	case address != "":
		return destination{}, fmt.Errorf("there is no mailbox %s", address)
	}
	return in.firstMailbox(ctx, workspaces)
}

func (in *instance) firstMailbox(ctx context.Context, workspaces []tickets.Workspace) (destination, error) {
	var d destination
	var err error
	if len(workspaces) > 0 {
		d.workspace = workspaces[0]
	} else if d.workspace, err = in.desk.CreateWorkspace(ctx, "import", "Default"); err != nil {
		return d, err
	}
	d.mailbox, err = in.desk.CreateMailbox(ctx, d.workspace.ID, "import", firstMailbox, "Support")
	return d, err
}
