package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	searchRate  = 200 // mails a second meanwhile
	searchEvery = searchRate
	foundWithin = time.Minute
)

// search asks, while mail comes in, how long the latest one takes to be found.
func (b *bench) search(ctx context.Context) (err error) {
	p, err := b.newPostroom(ctx, "search", "smtp,web,work")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var medians, worst []time.Duration
	for round := range b.Rounds {
		took, err := b.findLatest(ctx, p)
		if err != nil {
			return err
		}
		slices.Sort(took)
		say("search, round %d of %d: found after %s, at worst %s", round+1, b.Rounds, ms(median(took)), ms(took[len(took)-1]))
		medians, worst = append(medians, median(took)), append(worst, took[len(took)-1])
		if err := p.rest(ctx); err != nil {
			return err
		}
	}
	b.report.figure(fmt.Sprintf("250 → found by ?q=, %d/s offered", searchRate),
		fmt.Sprintf("p50 %.1f s, worst %.1f s", median(medians).Seconds(), median(worst).Seconds()), "≤ 5 s")
	return nil
}

// findLatest offers mail and looks for one of every second's.
func (b *bench) findLatest(ctx context.Context, p *postroom) ([]time.Duration, error) {
	workspace, to, err := p.mailbox(ctx)
	if err != nil {
		return nil, err
	}
	mails := b.bag.take(0, searchRate*b.Seconds)
	words := map[int]string{}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i := searchEvery / 2; i < len(mails); i += searchEvery {
		words[i] = fmt.Sprintf("rareword%x", rng.Uint64())
		mails[i] = onTheLine(fmt.Appendf(nil,
			"From: Customer <customer@sender.test>\nSubject: Question\nMessage-ID: <%s@bench.test>\n\nWhere is my %s?\n", words[i], words[i]))
	}
	took := make(chan time.Duration, len(words))
	g, gctx := errgroup.WithContext(ctx)
	pace := pacer{addr: p.smtp, to: to, rate: searchRate, sessions: paceSessions, answered: func(i int, at time.Time) {
		if word := words[i]; word != "" {
			g.Go(func() error {
				err := p.find(gctx, workspace, word)
				took <- time.Since(at)
				return err
			})
		}
	}}
	_, err = pace.run(ctx, mails)
	if err := errors.Join(err, g.Wait()); err != nil {
		return nil, err
	}
	close(took)
	var list []time.Duration
	for d := range took {
		list = append(list, d)
	}
	return list, nil
}

// find returns when a search for the word finds a message.
func (p *postroom) find(ctx context.Context, workspace, word string) error {
	path := "/workspaces/" + workspace + "/messages?q=" + url.QueryEscape(word)
	for end := time.Now().Add(foundWithin); time.Now().Before(end); {
		var page struct{ Data []struct{ ID string } }
		if err := p.call(ctx, "GET", path, nil, &page); err != nil {
			return err
		}
		if len(page.Data) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("a filed mail is not found after %s", foundWithin)
}
