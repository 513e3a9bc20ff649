package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/tickets"
)

type trainCmd struct {
	where
	Verdict string   `arg:"" enum:"spam,ham,forget" help:"What they are: spam or ham; forget takes back what was said before."`
	Files   []string `arg:"" help:"Mails (.eml), folders of them, mboxes, or tars." type:"path"`
	Actor   string   `help:"Who says so, for the journal." default:"train"`
}

// trainTogether is how many judgements go into one transaction: others who judge in the workspace wait that long.
const trainTogether = 50

// Run teaches the workspace's filter, beside a running serve or alone. The same mail again changes nothing.
func (c *trainCmd) Run(ctx context.Context, g *globals, std streams) error {
	in, err := open(ctx, g, wants{guest: true})
	if err != nil {
		return err
	}
	err = c.train(ctx, in, std)
	return errors.Join(err, in.close(ctx))
}

func (c *trainCmd) train(ctx context.Context, in *instance, std streams) error {
	w, err := c.find(ctx, in)
	if err != nil {
		return err
	}
	before, err := in.filter.Status(ctx, w.ID)
	if err != nil {
		return err
	}
	var batch []classify.Judgement
	read := 0
	err = eachMail(ctx, c.Files, std, func(name string, raw []byte) error {
		j, err := c.judgement(in, w, raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		read++
		if batch = append(batch, j); len(batch) < trainTogether {
			return nil
		}
		err = in.filter.TrainAll(ctx, w.ID, batch)
		batch = batch[:0]
		return err
	})
	// What was read before an error is judged all the same: saying it again does no harm.
	if err = errors.Join(err, in.filter.TrainAll(ctx, w.ID, batch)); err != nil {
		return err
	}
	after, err := in.filter.Status(ctx, w.ID)
	if err != nil {
		return err
	}
	news := after.Seq - before.Seq
	fmt.Fprintf(std.out, "%s: %d mails read, %d judgements new, %d stood already\n", w.Name, read, news, int64(read)-news)
	fmt.Fprintf(std.out, "the filter has learned %d ham and %d spam", after.Ham, after.Spam)
	if after.NeedHam+after.NeedSpam > 0 {
		fmt.Fprintf(std.out, "; it is unsure of everything until it has %d ham and %d spam more", after.NeedHam, after.NeedSpam)
	}
	fmt.Fprintln(std.out)
	return nil
}

// judgement names a mail from a file by what it says, so that the same mail is judged once.
func (c *trainCmd) judgement(in *instance, w tickets.Workspace, raw []byte) (classify.Judgement, error) {
	sum := mail.ContentHash(raw)
	j := classify.Judgement{
		MessageID: uuid.NewSHA1(w.ID, sum[:]), Actor: c.Actor, Source: classify.SourceImport, Verdict: classify.Verdict(c.Verdict),
	}
	if c.Verdict == "forget" {
		j.Verdict = classify.Forget
		return j, nil
	}
	d, err := readDocument(raw)
	if err != nil {
		return j, err
	}
	j.Features = in.filter.Features(w.ID, d)
	return j, nil
}
