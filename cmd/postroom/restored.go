package main

import (
	"context"
	"errors"
	"fmt"
)

type restoredCmd struct {
	Skip int64 `help:"How many ticket numbers to leave out: more than were given since the backup was made; ${default} when not given." default:"10000" placeholder:"N"`
}

// Run makes every workspace ready to go on from an older backup: no ticket gets a
// number that somebody was told for another one, and the record says what happened.
func (c *restoredCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true})
	if err != nil {
		return err
	}
	return errors.Join(c.skip(ctx, in, std), in.close(ctx))
}

func (c *restoredCmd) skip(ctx context.Context, in *instance, std streams) error {
	list, err := in.desk.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, w := range list {
		last, err := in.desk.SkipNumbers(ctx, w.ID, "operator", c.Skip)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s (%s): the next ticket is %d or higher; the audit chain says that a backup was restored\n", w.Name, w.ID, last+1)
	}
	if len(list) == 0 {
		fmt.Fprintln(std.out, "There is no workspace, so there is nothing to do.")
	}
	return nil
}
