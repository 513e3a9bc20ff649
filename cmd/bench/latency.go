package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// latencies offers mail at steady rates and tells how long it takes to its answer
// and to its ticket.
func (b *bench) latencies(ctx context.Context) (err error) {
	p, err := b.newPostroom(ctx, "latency", "smtp,web,work")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	// The first mails after a start make connections and plans, and are not counted.
	if _, err := b.offerAt(ctx, p, 200, 2); err != nil {
		return err
	}
	for _, offered := range []struct {
		rate int
		goal string
	}{{200, "p99 ≤ 10 ms"}, {1000, "p99 ≤ 100 ms"}} {
		var runs []latency
		for round := range b.Rounds {
			l, err := b.offerAt(ctx, p, offered.rate, b.Seconds)
			if err != nil {
				return err
			}
			say("latency, %d/s offered, round %d of %d: %s", offered.rate, round+1, b.Rounds, l)
			runs = append(runs, l)
		}
		b.report.addLatency(offered.rate, offered.goal, runs)
	}
	return nil
}

// A latency is what mails offered at a steady rate met: the median and the 99th
// percentile.
type latency struct {
	answered [2]time.Duration // from when it was due to its 250
	done     [2]time.Duration // received → filed, by the message's own two times
	visible  [2]time.Duration // received → committed ticket, by the histogram
	cpu      time.Duration    // of each mail
}

func (l latency) String() string {
	return fmt.Sprintf("250 after %s / %s, filed %s / %s, ticket committed %s / %s (p50 / p99), %d µs of CPU",
		ms(l.answered[0]), ms(l.answered[1]), ms(l.done[0]), ms(l.done[1]), ms(l.visible[0]), ms(l.visible[1]), l.cpu.Microseconds())
}

// paceSessions is how many connections share a steady stream: enough that none is
// waited for.
const paceSessions = 64

func (b *bench) offerAt(ctx context.Context, p *postroom, rate, seconds int) (l latency, err error) {
	workspace, to, err := p.mailbox(ctx)
	if err != nil {
		return l, err
	}
	mails := b.bag.take(0, rate*seconds)
	before, err := p.buckets(ctx, "postroom_ticket_seconds")
	if err != nil {
		return l, err
	}
	m, err := startMeter(ctx, p, len(mails))
	if err != nil {
		return l, err
	}
	waited, err := pacer{addr: p.smtp, to: to, rate: rate, sessions: paceSessions}.run(ctx, mails)
	if err != nil {
		return l, err
	}
	if err := until(ctx, "queue empty", p.drained); err != nil {
		return l, err
	}
	r, err := m.rate()
	if err != nil {
		return l, err
	}
	l.cpu = r.cpu
	slices.Sort(waited)
	l.answered = [2]time.Duration{waited[len(waited)/2], waited[len(waited)*99/100]}
	ends, err := p.latency(ctx, workspace)
	if err != nil {
		return l, err
	}
	l.done = [2]time.Duration{ends[0], ends[1]}
	after, err := p.buckets(ctx, "postroom_ticket_seconds")
	if err != nil {
		return l, err
	}
	l.visible = [2]time.Duration{quantile(before, after, 0.5), quantile(before, after, 0.99)}
	return l, p.rest(ctx)
}

// A bucket of a Prometheus histogram counts what took at most so long.
type bucket struct {
	most  float64 // seconds
	count float64
}

// buckets reads a histogram from /metrics, all its series added up.
func (p *postroom) buckets(ctx context.Context, name string) ([]bucket, error) {
	text, err := p.request(ctx, "GET", p.http+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	return parseBuckets(string(text), name)
}

func parseBuckets(text, name string) ([]bucket, error) {
	var list []bucket
	for line := range strings.Lines(text) {
		labels, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if !ok || !strings.HasPrefix(labels, name+"_bucket{") {
			continue
		}
		_, le, _ := strings.Cut(labels, `le="`)
		le, _, _ = strings.Cut(le, `"`)
		most, merr := strconv.ParseFloat(le, 64)
		count, cerr := strconv.ParseFloat(value, 64)
		if err := errors.Join(merr, cerr); err != nil {
			return nil, fmt.Errorf("metric %s: %w", name, err)
		}
		list = append(list, bucket{most, count})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no metric %s", name)
	}
	return list, nil
}

// quantile returns the q-quantile of what a histogram counted between two looks,
// interpolated within its bucket.
func quantile(before, after []bucket, q float64) time.Duration {
	if len(before) != len(after) {
		return 0
	}
	total := after[len(after)-1].count - before[len(before)-1].count
	var from, below float64
	for i := range after {
		n := after[i].count - before[i].count
		if n >= q*total && n > below {
			most := after[i].most
			if most > 1e9 { // the last bucket has no end
				most = from
			}
			return time.Duration((from + (most-from)*(q*total-below)/(n-below)) * float64(time.Second))
		}
		from, below = after[i].most, n
	}
	return 0
}
