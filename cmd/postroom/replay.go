package main

import (
	"context"
	"fmt"
	"time"

	"postroom/ingest"
	"postroom/tickets"
)

type replayCmd struct {
	From  moment `help:"Replay mails received from then on: 2026-11-01 or 2026-11-01T08:00:00Z. Default: 24 hours ago." placeholder:"TIME"`
	To    moment `help:"… and before then. Default: now." placeholder:"TIME"`
	Apply bool   `help:"Make it so, where nothing a person did would be undone. Without it nothing is changed."`
}

// A moment is a time on the command line: a day, or a time of RFC 3339.
type moment struct{ time.Time }

// UnmarshalText reads a moment; a day begins at midnight of the local time.
func (m *moment) UnmarshalText(b []byte) (err error) {
	if m.Time, err = time.ParseInLocation(time.DateOnly, string(b), time.Local); err == nil {
		return nil
	}
	if m.Time, err = time.Parse(time.RFC3339, string(b)); err != nil {
		return fmt.Errorf("%q is neither a day (2026-11-01) nor a time (2026-11-01T08:00:00Z)", b)
	}
	return nil
}

// Run replays the period in every workspace.
func (c *replayCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true, works: c.Apply})
	if err != nil {
		return err
	}
	return in.during(ctx, func(ctx context.Context) error { return c.replay(ctx, in, std) })
}

func (c *replayCmd) replay(ctx context.Context, in *instance, std streams) error {
	from, to := c.From.Time, c.To.Time
	if to.IsZero() {
		to = time.Now()
	}
	if from.IsZero() {
		from = to.Add(-24 * time.Hour)
	}
	period := fmt.Sprintf("from %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	if !from.Before(to) {
		return fmt.Errorf("no mail was received %s: the period ends before it begins; give a --from before --to, and before now", period)
	}
	list, err := in.desk.Workspaces(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintf(std.out, "No mail was received %s: there is no workspace yet.\n", period)
	}
	for _, w := range list {
		r := ingest.Replay{Workspace: w.ID, From: from, To: to, Apply: c.Apply, Actor: "replay"}
		if err := in.replayIn(ctx, w, r, std); err != nil {
			return err
		}
	}
	return nil
}

// replayIn runs r in its workspace and prints what it found.
func (in *instance) replayIn(ctx context.Context, w tickets.Workspace, r ingest.Replay, std streams) error {
	counts := map[string]int{}
	progress := newBar(std.err, 0, "replaying "+w.Name, false)
	r.Progress = progress.set
	r.Told = func(d ingest.Difference) {
		counts[d.What]++
		state := "applied"
		if !d.Applied {
			state = d.Kept
		}
		fmt.Fprintf(std.out, "  %s %-10s %q -> %q (%s)\n", d.Message.ID, d.What, d.Before, d.After, state)
	}
	n, err := in.pipeline.Replay(ctx, r)
	progress.done()
	if err == nil && r.Apply {
		err = in.quiet(ctx, w)
	}
	if err != nil {
		return err
	}
	period := fmt.Sprintf("from %s to %s", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	if n == 0 {
		fmt.Fprintf(std.out, "%s: no mail was received %s (what still waits is not replayed)\n", w.Name, period)
		return nil
	}
	fmt.Fprintf(std.out, "%s: %d mails %s replayed", w.Name, n, period)
	for _, what := range []string{"verdict", "readable", "subject", "sender", "message-id", "ticket"} {
		if counts[what] > 0 {
			fmt.Fprintf(std.out, "; %d would differ by %s", counts[what], what)
		}
	}
	fmt.Fprintln(std.out)
	return nil
}
