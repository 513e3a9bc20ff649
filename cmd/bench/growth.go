package main

import (
	"context"
	"errors"
)

// growthRun is how many messages the smaller installation holds, and how many each
// run adds to either.
const growthRun = 3_000

// growth compares an installation of few messages with one of many: the same mails
// into each, in turn.
func (b *bench) growth(ctx context.Context) (err error) {
	small, err := b.grow(ctx, "growth-small", growthRun)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.stop()) }()
	large, err := b.grow(ctx, "growth-large", b.Stored)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.stop()) }()
	// A tenant who comes late must not pay for those who were there before: what the
	// database knows of its tables says nothing about a new workspace.
	fresh := &grown{postroom: large.postroom}
	turns := []*grown{small, large, fresh}
	rates := make([][]rate, len(turns))
	for round := range b.Rounds {
		mails := b.bag.take(b.Stored+round*growthRun, growthRun)
		if fresh.workspace, fresh.address, err = fresh.mailbox(ctx); err != nil {
			return err
		}
		for i := range turns {
			who := (i + round) % len(turns)
			r, err := b.carry(ctx, turns[who], mails)
			if err != nil {
				return err
			}
			rates[who] = append(rates[who], r)
			say("growth, round %d of %d: %.0f/s, %d µs, %s", round+1, b.Rounds, r.perSecond, r.cpu.Microseconds(),
				[]string{"few stored", "many stored", "many stored, a new workspace"}[who])
		}
	}
	b.report.addGrowth(b.Stored, rates)
	return nil
}

// A grown is a Postroom with one workspace that has messages in it.
type grown struct {
	*postroom
	workspace, address string
}

// grow starts a Postroom and fills one of its workspaces.
func (b *bench) grow(ctx context.Context, name string, n int) (*grown, error) {
	p, err := b.newPostroom(ctx, name, "smtp,web,work")
	if err != nil {
		return nil, err
	}
	g := &grown{postroom: p}
	if g.workspace, g.address, err = p.mailbox(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	const portion = 10_000
	for at := 0; at < n; at += portion {
		err := blast(ctx, p.smtp, g.address, b.bag.take(at, min(portion, n-at)), 16)
		if err == nil {
			err = until(ctx, "queue empty", p.drained)
		}
		if err != nil {
			return nil, errors.Join(err, p.stop())
		}
		say("growth: %d of %d stored", min(at+portion, n), n)
	}
	if err := p.rest(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return g, nil
}

// carry sends mails and returns the rate until all are tickets.
func (b *bench) carry(ctx context.Context, g *grown, mails [][]byte) (rate, error) {
	m, err := startMeter(ctx, g.postroom, len(mails))
	if err != nil {
		return rate{}, err
	}
	if err := blast(ctx, g.smtp, g.address, mails, sessions); err != nil {
		return rate{}, err
	}
	if err := until(ctx, "queue empty", g.drained); err != nil {
		return rate{}, err
	}
	r, err := m.rate()
	if err != nil {
		return r, err
	}
	return r, g.rest(ctx)
}
