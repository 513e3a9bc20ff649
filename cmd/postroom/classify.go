package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/archive"
	"postroom/tickets"
)

type classifyCmd struct {
	Score scoreCmd `cmd:"" help:"Say of mails in files what the filter of an installation holds them for."`
	Eval  evalCmd  `cmd:"" help:"Measure the filter on labelled mail: score each message, then let it learn. Needs no database."`
}

// A where names the workspace whose filter is asked or taught.
type where struct {
	Workspace string `help:"Workspace by name or id. Needed when there are several." env:"POSTROOM_WORKSPACE" placeholder:"NAME"`
}

// find returns the workspace, which may be left out when there is only one.
func (w where) find(ctx context.Context, in *instance) (tickets.Workspace, error) {
	list, err := in.desk.Workspaces(ctx)
	if err != nil {
		return tickets.Workspace{}, err
	}
	for _, found := range list {
		if w.Workspace == found.Name || w.Workspace == found.ID.String() || w.Workspace == "" && len(list) == 1 {
			return found, nil
		}
	}
	switch {
	case len(list) == 0:
		return tickets.Workspace{}, errors.New("there is no workspace yet: serve, import or demo makes the first")
	case w.Workspace == "":
		return tickets.Workspace{}, fmt.Errorf("there are %d workspaces: name one with --workspace, such as %q", len(list), list[0].Name)
	}
	return tickets.Workspace{}, fmt.Errorf("there is no workspace %q", w.Workspace)
}

type scoreCmd struct {
	where
	Files   []string `arg:"" help:"Mails (.eml), folders of them, mboxes, or tars." type:"path"`
	Explain bool     `help:"Also say what speaks for and against: contributions that add up to the score's log-odds."`
}

// Run scores the files by the workspace's filter as it is now; nothing is changed.
func (c *scoreCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true})
	if err != nil {
		return err
	}
	err = c.score(ctx, in, std)
	return errors.Join(err, in.close(ctx))
}

func (c *scoreCmd) score(ctx context.Context, in *instance, std streams) error {
	w, err := c.find(ctx, in)
	if err != nil {
		return err
	}
	return eachMail(ctx, c.Files, std, func(name string, raw []byte) error {
		d, err := readDocument(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s, err := in.filter.Score(ctx, w.ID, in.filter.Features(w.ID, d))
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s %s %.6f (%s)\n", name, s.Verdict, s.P, s.Reason)
		if c.Explain {
			explain(std.out, s)
		}
		return nil
	})
}

// explain prints contributions and their sum.
func explain(w io.Writer, s classify.Score) {
	fmt.Fprintf(w, "  %9s  %6s %6s\n", "log-odds", "ham", "spam")
	sum := 0.0
	for _, c := range s.Contributions {
		sum += c.LogOdds
		switch c.Kind {
		case classify.KindToken:
			fmt.Fprintf(w, "  %+9.4f  %6d %6d  %s\n", c.LogOdds, c.Ham, c.Spam, c.Token)
		case classify.KindSignal:
			fmt.Fprintf(w, "  %+9.4f  %6s %6s  %s (needs no training)\n", c.LogOdds, "", "", c.Token)
		default:
			fmt.Fprintf(w, "  %+9.4f  %6s %6s  (%s)\n", c.LogOdds, "", "", kindText[c.Kind])
		}
	}
	fmt.Fprintf(w, "  %+9.4f  = log-odds of %.6f\n", sum, s.P)
}

var kindText = map[classify.Kind]string{
	classify.KindBaseline: "a mail without any evidence", classify.KindPatterns: "patterns of four characters, together",
	classify.KindRest: "all other words and traits",
}

// eachMail calls do for every mail in files; what is no mail is named and passed over. Where nothing is a mail, it fails.
func eachMail(ctx context.Context, files []string, std streams, do func(name string, raw []byte) error) error {
	total, err := sizes(files)
	if err != nil {
		return err
	}
	progress := newBar(std.err, total, "reading", false)
	defer progress.done()
	var read int64
	found := 0
	r := archive.Reader{
		Max:  ingest.DefaultLimits.MessageBytes,
		Read: func(n int64) { read += n; progress.set(read, total) },
		Skip: func(name string, err error) { fmt.Fprintf(std.err, "%s: passed over: %v\n", name, err) },
		Each: func(e archive.Entry) error {
			found++
			return errors.Join(do(e.Name, e.Raw), ctx.Err())
		},
	}
	for _, file := range files {
		if err := r.Walk(file); err != nil {
			return err
		}
	}
	if found == 0 {
		return errors.New("there is no mail in these files")
	}
	return nil
}

func sizes(files []string) (total int64, err error) {
	for _, file := range files {
		n, err := archive.Size(file)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
