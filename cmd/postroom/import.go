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

	"github.com/google/uuid"
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
	return in.during(ctx, func(ctx context.Context) error { return c.takeIn(ctx, in, std) })
}

func (c *importCmd) takeIn(ctx context.Context, in *instance, std streams) error {
	to, err := in.mailbox(ctx, c.Mailbox)
	if err != nil {
		return err
	}
	r := intake{to: to, base: filepath.Base(c.Path), session: "import:" + uuid.NewString()}
	start := time.Now()
	err = c.offer(ctx, in, std, &r)
	accepted := time.Since(start)
	var damaged *archive.DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return fmt.Errorf("import %s: %w; %d mails were offered, and importing again takes none of them twice", c.Path, err, r.offered)
	}
	ended, serr := in.settle(ctx, to.workspace, r.session, start, std)
	if serr != nil {
		return errors.Join(err, serr)
	}
	r.report(std, ended, accepted, time.Since(start))
	if err != nil {
		err = fmt.Errorf("import %s: %w; of what is here already none is taken twice", c.Path, err)
	}
	if r.offered == 0 && r.skipped > 0 {
		err = errors.Join(err, fmt.Errorf("import %s: no mail was taken from it; the log says why %d files were skipped", c.Path, r.skipped))
	}
	if r.refused.Load() > 0 {
		err = errors.Join(err, fmt.Errorf("%d mails were refused; the log says why", r.refused.Load()))
	}
	return err
}

// report prints what became of the mails.
func (r *intake) report(std streams, ended map[ingest.Stage]int64, accepted, took time.Duration) {
	var stored int64
	for _, n := range ended {
		stored += n
	}
	taken := r.offered - r.refused.Load()
	fmt.Fprintf(std.out, "%d mails offered to %s: %d stored, %d were here already, %d refused; %d files skipped",
		r.offered, r.to.mailbox.Address, stored, taken-stored, r.refused.Load(), r.skipped)
	if r.skipped > 0 {
		fmt.Fprint(std.out, " (no mail, too large, or links: the log names each)")
	}
	fmt.Fprintln(std.out)
	fmt.Fprintf(std.out, "filed %d, held %d, duplicate %d, failed %d\n",
		ended[ingest.Filed], ended[ingest.Held], ended[ingest.Duplicate], ended[ingest.Failed])
	fmt.Fprintf(std.out, "durable after %.2f s (%.0f messages/s), settled after %.2f s (%.0f messages/s)\n",
		accepted.Seconds(), float64(r.offered)/accepted.Seconds(), took.Seconds(), float64(r.offered)/took.Seconds())
}

// An intake is one run of an import.
type intake struct {
	to      destination
	base    string // name of the archive
	session string // by which its messages are found again
	offered int64
	skipped int64
	refused atomic.Int64
}

// offer passes every mail of the archive to Accept, many at a time.
func (c *importCmd) offer(ctx context.Context, in *instance, std streams, take *intake) error {
	total, err := archive.Size(c.Path)
	if err != nil {
		return err
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
			take.skipped++
			slog.WarnContext(ctx, "skipped", "name", name, "err", err)
		},
		Each: func(e archive.Entry) error {
			size := int64(len(e.Raw))
			if err := room.take(gctx, size); err != nil {
				return err
			}
			take.offered++
			g.Go(func() error {
				defer room.give(size)
				err := in.acceptPatiently(gctx, take.offerOf(e))
				if err == nil || gctx.Err() != nil {
					return err
				}
				take.refused.Add(1)
				slog.ErrorContext(ctx, "a mail was refused", "name", e.Name, "err", err)
				return nil
			})
			return gctx.Err()
		},
	}
	werr := r.Walk(c.Path)
	return errors.Join(g.Wait(), werr)
}

// offerOf names a mail by where it lay and what it says, so that a second import
// of the same archive finds all of it known.
func (r *intake) offerOf(e archive.Entry) ingest.Offer {
	sum := sha256.Sum256(append([]byte(e.Name+"\n"), e.Raw...))
	return ingest.Offer{
		Raw:      e.Raw,
		Envelope: ingest.Envelope{Door: ingest.DoorImport, Session: r.session, File: r.base + "/" + e.Name},
		To: []ingest.Recipient{{
			Workspace: r.to.workspace.ID, Mailbox: r.to.mailbox.ID, Address: r.to.mailbox.Address,
			SourceKey: fmt.Sprintf("import:%s:%x", r.to.mailbox.ID, sum[:16]),
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

// settle waits until no message of a session waits, and returns where they ended.
// Messages in a stage that is paused are left to wait.
func (in *instance) settle(ctx context.Context, w tickets.Workspace, session string, since time.Time, std streams) (map[ingest.Stage]int64, error) {
	for {
		ended, err := in.pipeline.Session(ctx, w.ID, session, since)
		if err != nil {
			return nil, err
		}
		var waiting, resting int64
		for stage, n := range ended {
			switch {
			case stage.Final():
			case in.pipeline.Paused(stage):
				resting += n
			default:
				waiting += n
			}
		}
		if waiting == 0 {
			if resting > 0 {
				fmt.Fprintf(std.err, "%d messages rest in a paused stage\n", resting)
			}
			return ended, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(max(time.Since(since)/20, 10*time.Millisecond), time.Second)): // to count many takes long
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
