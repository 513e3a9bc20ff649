package main

import (
	"context"
	"fmt"
	"time"

	"postroom/ingest"
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
	list, err := in.desk.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, w := range list {
		counts := map[string]int{}
		progress := newBar(std.err, 0, "replaying "+w.Name, false)
		n, err := in.pipeline.Replay(ctx, ingest.Replay{
			Workspace: w.ID, From: from, To: to, Apply: c.Apply, Actor: "replay",
			Progress: progress.set,
			Told: func(d ingest.Difference) {
				counts[d.What]++
				state := "applied"
				if !d.Applied {
					state = d.Kept
				}
				fmt.Fprintf(std.out, "  %s %-10s %q -> %q (%s)\n", d.Message.ID, d.What, d.Before, d.After, state)
			},
		})
		progress.done()
		if err != nil {
			return err
		}
		if c.Apply {
			if err := in.quiet(ctx, w); err != nil {
				return err
			}
		}
		fmt.Fprintf(std.out, "%s: %d mails from %s to %s replayed", w.Name, n, from.Format(time.RFC3339), to.Format(time.RFC3339))
		for _, what := range []string{"verdict", "readable", "subject", "sender", "message-id", "ticket"} {
			if counts[what] > 0 {
				fmt.Fprintf(std.out, "; %d would differ by %s", counts[what], what)
			}
		}
		fmt.Fprintln(std.out)
	}
	return nil
}
