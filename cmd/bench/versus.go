package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// A contestant receives mail by SMTP and carries it on.
type contestant interface {
	name() string
	address() string
	mailbox(ctx context.Context) (workspace, address string, err error)
	cpu() (all, database time.Duration, err error)
	drained(ctx context.Context) (bool, error)
	wal(ctx context.Context) (int64, error)
}

// A receiver is a Postroom that only receives: nobody works on its queue.
type receiver struct{ *postroom }

func (r receiver) name() string                          { return "Postroom, receiving alone" }
func (r receiver) drained(context.Context) (bool, error) { return true, nil }

// A rate is mails a second, and the CPU time that each cost.
type rate struct {
	perSecond float64
	cpu       time.Duration
}

// A trial is what one load did to one contestant.
type trial struct {
	accepted rate          // until the last 250
	carried  rate          // until the queue was empty
	database time.Duration // the database's part in the CPU time of a mail
	wal      float64       // bytes of the database's log for each mail
}

// trials of one load, in the order of the rounds.
type trials struct{ postroom, postfix, receiver []trial }

// anyLoad reports whether a load's name was asked for.
func (b *bench) anyLoad() bool {
	for _, l := range loads {
		if b.only.MatchString(l.name) {
			return true
		}
	}
	return false
}

// chosen returns the loads that were asked for: all when none was.
func (b *bench) chosen() []load {
	var list []load
	for _, l := range loads {
		if l.size == 0 && !b.bag.real() {
			continue
		}
		if b.only.MatchString(l.name) || !b.anyLoad() {
			list = append(list, l)
		}
	}
	return list
}

// versus sends each load to Postroom, to Postfix, and to a Postroom that only
// receives, in turn.
func (b *bench) versus(ctx context.Context) (err error) {
	if _, err := need("smtp-source"); err != nil {
		return err
	}
	ours, err := b.newPostroom(ctx, "versus", "smtp,web,work")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	theirs, err := b.newPostfix(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.stop()) }()
	// Only after some thousand mails do both have as many processes, connections and
	// caches as they will have.
	say("warming up")
	for _, who := range []contestant{ours, theirs} {
		if _, err := b.try(ctx, who, loads[0]); err != nil {
			return err
		}
	}
	results := map[string]*trials{}
	for round := range b.Rounds {
		if err := b.round(ctx, round, ours, theirs, results); err != nil {
			return err
		}
	}
	b.report.addVersus(b.chosen(), results)
	return nil
}

// round sends every load once to everyone. Who goes first changes.
func (b *bench) round(ctx context.Context, round int, ours *postroom, theirs *postfix, results map[string]*trials) (err error) {
	// A queue that nobody works on grows; each round has a new one.
	alone, err := b.newPostroom(ctx, fmt.Sprintf("receiving-%d", round), "smtp,web")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alone.stop()) }()
	for _, l := range b.chosen() {
		say("round %d of %d: %s", round+1, b.Rounds, l.name)
		if results[l.name] == nil {
			results[l.name] = &trials{}
		}
		r := results[l.name]
		turns := []struct {
			who contestant
			to  *[]trial
		}{{ours, &r.postroom}, {theirs, &r.postfix}, {receiver{alone}, &r.receiver}}
		for i := range turns {
			turn := turns[(i+round)%len(turns)]
			t, err := b.try(ctx, turn.who, l)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", l.name, turn.who.name(), err)
			}
			*turn.to = append(*turn.to, t)
			say("  %-26s accepted %5.0f/s at %4d µs, carried on %5.0f/s at %4d µs", turn.who.name(),
				t.accepted.perSecond, t.accepted.cpu.Microseconds(), t.carried.perSecond, t.carried.cpu.Microseconds())
			if err := ours.rest(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// A meter measures a contestant from its making on.
type meter struct {
	who      contestant
	count    int
	start    time.Time
	cpu      time.Duration
	database time.Duration
	wal      int64
}

func startMeter(ctx context.Context, who contestant, count int) (m meter, err error) {
	syscall.Sync() // what earlier runs left to be written is not this one's
	m = meter{who: who, count: count}
	if m.wal, err = who.wal(ctx); err != nil {
		return m, err
	}
	m.cpu, m.database, err = who.cpu()
	m.start = time.Now()
	return m, err
}

// rate returns what was reached until now.
func (m meter) rate() (rate, error) {
	took := time.Since(m.start)
	cpu, _, err := m.who.cpu()
	return rate{float64(m.count) / took.Seconds(), (cpu - m.cpu) / time.Duration(m.count)}, err
}

// inDatabase returns what each mail has cost the database until now: CPU time, and
// bytes of its log.
func (m meter) inDatabase(ctx context.Context) (cpu time.Duration, wal float64, err error) {
	_, used, err := m.who.cpu()
	if err != nil {
		return 0, 0, err
	}
	end, err := m.who.wal(ctx)
	return (used - m.database) / time.Duration(m.count), float64(end-m.wal) / float64(m.count), err
}

// try sends one load to one contestant.
func (b *bench) try(ctx context.Context, who contestant, l load) (t trial, err error) {
	workspace, to, err := who.mailbox(ctx)
	if err != nil {
		return t, err
	}
	count, send := b.sending(who.address(), to, l)
	m, err := startMeter(ctx, who, count)
	if err != nil {
		return t, err
	}
	if err := send(ctx); err != nil {
		return t, err
	}
	if t.accepted, err = m.rate(); err != nil {
		return t, err
	}
	if err := until(ctx, "queue empty", who.drained); err != nil {
		return t, err
	}
	if t.carried, err = m.rate(); err != nil {
		return t, err
	}
	if t.database, t.wal, err = m.inDatabase(ctx); err != nil {
		return t, err
	}
	return t, b.verify(ctx, who, workspace, count)
}

// verify makes sure that a rate was not reached by losing mail.
func (b *bench) verify(ctx context.Context, who contestant, workspace string, count int) error {
	p, ok := who.(*postroom)
	if !ok {
		return nil
	}
	ends, err := p.ends(ctx, workspace)
	if err != nil {
		return err
	}
	if sum := ends["filed"] + ends["duplicate"] + ends["held"]; sum != count {
		return fmt.Errorf("%d mails were sent and %d have ended well: %v", count, sum, ends)
	}
	return nil
}

// sending returns how many mails a load has, and what sends them.
func (b *bench) sending(addr, to string, l load) (int, func(context.Context) error) {
	if l.size > 0 {
		return b.Count, func(ctx context.Context) error { return source(ctx, addr, to, l, b.Count) }
	}
	mails := b.bag.take(0, min(b.Count, len(b.bag.mails)))
	return len(mails), func(ctx context.Context) error { return blast(ctx, addr, to, mails, sessions) }
}
