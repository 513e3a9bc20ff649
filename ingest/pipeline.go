package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/internal/postgres"
	"postroom/internal/vault"
	"postroom/tickets"
)

var errStopping = errors.New("stopping")

// A Pipeline accepts mail and carries it to its end. Any number of them, in any
// number of processes, may share one database.
type Pipeline struct {
	db      *postgres.DB
	raws    raws
	filter  *classify.Filter
	desk    *tickets.Desk
	limits  Limits
	metrics *Metrics
	works   bool

	commits  *commits
	waiting  gauge // bytes offered and not yet committed
	kept     gauge // bytes kept in memory from their commit to their end
	keptJobs gauge // and their number
	jobs     chan *job
	claimed  atomic.Int64  // of those in jobs, how many came from the table
	wake     chan struct{} // the claimer
	told     chan struct{} // the teller: other processes' claimers
	turns    *turns
	indexing chan *job    // filed messages whose text is at hand
	filed    atomic.Int64 // messages that this process has filed
	pressure pressure
	refusals refusals
	routes   routes
}

// Config is what a pipeline is made of. Every field but Metrics, Disk and Limits
// is needed.
type Config struct {
	DB      *postgres.DB
	Vault   *vault.Vault
	Filter  *classify.Filter
	Desk    *tickets.Desk
	Metrics *Metrics // nil: measured, but shown nowhere
	Limits  Limits   // zero: DefaultLimits
	Works   bool     // carry messages on; else only accept them
	Disk    string   // a path on the disk that must not run full; "" when it is not ours
}

// New returns a pipeline. Accept works while Run does.
func New(c Config) *Pipeline {
	if c.Limits.Workers == 0 {
		c.Limits = DefaultLimits
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	p := &Pipeline{
		db: c.DB, raws: raws{c.DB, c.Vault}, filter: c.Filter, desk: c.Desk,
		limits: c.Limits, metrics: c.Metrics, works: c.Works,
		commits:  newCommits(c.Limits),
		waiting:  gauge{max: c.Limits.WaitingBytes},
		kept:     gauge{max: c.Limits.HandOffBytes},
		keptJobs: gauge{max: int64(c.Limits.HandOff)},
		jobs:     make(chan *job, c.Limits.HandOff+c.Limits.Batch*c.Limits.Workers),
		turns:    newTurns(4*c.Limits.Batch, 2*c.Limits.BatchBytes),
		wake:     make(chan struct{}, 1),
		told:     make(chan struct{}, 1),
		indexing: make(chan *job, 4*c.Limits.Batch),
	}
	p.pressure.disk, p.pressure.limits, p.pressure.looked = c.Disk, c.Limits, make(chan struct{})
	p.routes.db = c.DB
	return p
}

// Run works until ctx ends, then finishes what is in hand and gives the rest of
// its leases back. Doors must have closed before ctx ends: an Accept after that
// is answered ErrBusy.
func (p *Pipeline) Run(ctx context.Context) error {
	parts := []func(context.Context) error{p.watchPressure, p.flushRefusals, p.routes.follow, p.tell}
	if p.works {
		parts = append(parts, p.claim, p.index, p.refreshStatistics, func(ctx context.Context) error {
			return p.db.Listen(ctx, queueChannel, func(string) { p.poke() })
		})
		for range p.limits.Workers {
			parts = append(parts, p.work)
		}
	}
	// Writers go on until all who wait for a commit have their answer.
	var writers errgroup.Group
	outlast := context.WithoutCancel(ctx)
	for range p.limits.Writers {
		writers.Go(func() error { return p.write(outlast) })
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		g.Go(func() error { return part(ctx) })
	}
	g.Go(func() error {
		<-ctx.Done()
		p.commits.close()
		return writers.Wait()
	})
	err := g.Wait()
	p.releaseKept(outlast)
	return err
}

// A job is a message being carried on by this process.
type job struct {
	workspace, id, mailbox uuid.UUID
	sourceKey              string
	receivedAt             time.Time
	envelope               Envelope
	envelopeJSON           json.RawMessage
	size                   int64
	rawHash, contentHash   [32]byte
	attempt                int // the fence
	tries                  int // attempts that count: begun, and neither rested nor given back
	failures               int // attempts that failed
	stage                  Stage
	judged                 classify.Verdict // a person's verdict, "" when there is none
	kept                   bool             // counted in Pipeline.kept
	raw                    []byte           // nil: to be read back
	place                  *Place           // at an IMAP server

	mail    *mail.Mail
	worded  classify.Score // by what the message says
	score   classify.Score // and by whom it is from
	steps   []Step
	decided ending // before filing: held, resting, failed; its stage is "" when filing is to decide
	end     ending // what filing made of it
	trail   []Step // steps, and the last one
}

// An ending is where a job's message is to rest.
type ending struct {
	stage       Stage
	cause       Cause
	reason      string
	ticket      uuid.UUID
	duplicateOf uuid.UUID
}

// reserve decides, before the commit, which messages this process will carry on
// itself: their jobs are born leased to us.
func (p *Pipeline) reserve(batch []*pending) {
	for _, pe := range batch {
		for _, r := range pe.rows {
			j := r.job
			if j.kept || !p.works || j.size > p.limits.KeepBytes || !p.keptJobs.take(1) {
				continue
			}
			if !p.kept.take(j.size) {
				p.keptJobs.give(1)
				continue
			}
			j.kept, j.attempt, j.tries = true, 1, 1
		}
	}
}

// handOn passes committed messages to the workers, or tells whoever works that
// there is something to claim.
func (p *Pipeline) handOn(batch []*pending, stored bool) {
	left := false
	for _, pe := range batch {
		for _, r := range pe.rows {
			switch {
			case r.job.kept && stored:
				p.jobs <- r.job // has room: keptJobs bounds what is in it
			case r.job.kept:
				p.drop(r.job)
			default:
				left = true
			}
		}
	}
	if left && stored {
		p.poke()
	}
}

// drop forgets a job: it has ended, or belongs to someone else by now.
func (p *Pipeline) drop(j *job) {
	if j.kept {
		p.kept.give(j.size)
		p.keptJobs.give(1)
		j.kept = false
	}
}

// poke wakes the claimer: ours, or those of the processes that have one.
func (p *Pipeline) poke() {
	c := p.told
	if p.works {
		c = p.wake
	}
	select {
	case c <- struct{}{}:
	default: // it is awake
	}
}

// tellSQL makes every working process look for due messages.
const tellSQL = `select pg_notify('` + queueChannel + `', '')`

// tell passes on what an accepting process that does not work leaves in the
// table. Notifications are serialised by the database, so they are few.
func (p *Pipeline) tell(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.told:
		}
		if _, err := p.db.Exec(ctx, tellSQL); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "workers could not be told; they look by themselves every second", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// releaseKept gives the leases back of what is still in memory, so that the next
// process need not wait for them to run out.
func (p *Pipeline) releaseKept(ctx context.Context) {
	var rest []*job
	for {
		select {
		case j := <-p.jobs:
			p.drop(j)
			rest = append(rest, j)
			continue
		default:
		}
		break
	}
	if len(rest) == 0 {
		return
	}
	if err := p.release(ctx, rest, 0); err != nil {
		slog.WarnContext(ctx, "leases could not be given back; they run out by themselves", "messages", len(rest), "err", err)
	}
}

// A gauge counts something that must not grow beyond max.
type gauge struct {
	max  int64
	used atomic.Int64
}

// take reserves n if that keeps within the maximum, or if nothing is reserved.
func (g *gauge) take(n int64) bool {
	if used := g.used.Add(n); used > g.max && used != n {
		g.used.Add(-n)
		return false
	}
	return true
}

// roomy reports whether a quarter of it is free.
func (g *gauge) roomy() bool { return 4*g.used.Load() < 3*g.max }

func (g *gauge) give(n int64) { g.used.Add(-n) }
