package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// A filing is one transaction that files messages of one workspace. The
// workspace's audit chain is locked first, so that no other filing runs beside it:
// what it reads of threads and duplicates stays true until it commits.
type filing struct {
	workspace uuid.UUID
	chain     *audit.Chain
	filer     *tickets.Filer
	ours      []*job // in the order of arrival
	known     map[identity]*twins
	elsewhere map[[32]byte][]delivery         // the same content in whichever mailbox
	findings  map[uuid.UUID][]tickets.Finding // message → the evidence that its filing went by
}

// A delivery is a mail as one mailbox received it.
type delivery struct {
	mailbox uuid.UUID
	tickets.Twin
}

// fileBatch decides and writes where each message ends. It goes to the database
// twice, and a third time for messages that may join a ticket.
func (p *Pipeline) fileBatch(ctx context.Context, workspace uuid.UUID, group []*job) error {
	ctx, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	called := false
	err := guarded(ctx, func() error {
		return p.db.InConvoy(ctx, workspace, func(c *postgres.Convoy) (err error) {
			called, err = p.fileIn(ctx, c, workspace, group)
			return err
		})
	})
	if called && err == nil {
		p.poke()
	}
	return err
}

// fileIn is fileBatch within its transaction. It reports whether messages that
// were held are to be claimed again.
func (p *Pipeline) fileIn(ctx context.Context, c *postgres.Convoy, workspace uuid.UUID, group []*job) (called bool, err error) {
	f := begin(c.Batch, p.desk, workspace, group)
	if err := c.Send(ctx); err != nil {
		return false, err
	}
	start := time.Now()
	if err := f.decide(ctx, c); err != nil {
		return false, err
	}
	for _, j := range f.ours {
		j.conclude(time.Since(start), f.findings[j.id])
		if err := j.audit(f.chain); err != nil {
			return false, err
		}
	}
	if err := queueEnds(c.Batch, p.limits, workspace, f.ours); err != nil {
		return false, err
	}
	if called, err = f.queueCalled(c.Batch); err != nil {
		return false, err
	}
	f.chain.Queue(c.Batch)
	return called, nil
}

// The fence: a job is taken away by the holder of its latest attempt, who puts a
// new one in its place for a message that has not come to its end. Whether it holds
// is asked of the row and not of its place, so that a row that somebody changed
// meanwhile is looked at again as it is then. And it is no join: from what a queue
// was when somebody counted it last, the planner concludes that reading all of it
// is cheaper than to look up a hundred.
const takeSQL = `
	delete from job j where ` + heldBy + `
	returning j.message_id, j.attempt`

// heldBy is true of the jobs that the fences $2 (ids) and $3 (attempts) hold.
const heldBy = `j.workspace_id = $1 and j.message_id = any ($2::uuid[])
	and j.attempt = ($3::int[])[array_position($2::uuid[], j.message_id)]`

const knownSQL = `
	select l.* from unnest($2::bytea[]) as d (hash)
	cross join lateral (
		select m.mailbox_id, m.content_hash, m.stage = 'held' and coalesce(m.envelope ->> 'role', '') in ('sent', 'junk'), m.id, m.received_at, m.ticket_id from message m
		where m.workspace_id = $1 and m.content_hash = d.hash and m.stage in ('filed', 'held')
		offset 0) l -- not to be joined otherwise
	order by l.id`

// begin queues all that is asked before anything is decided: the chain's end and
// its lock; which jobs are still ours, for the others belong to someone else by now;
// the messages whose content these repeat; and the threads that they mention.
func begin(b *pgx.Batch, desk *tickets.Desk, workspace uuid.UUID, group []*job) *filing {
	contents := make([][]byte, len(group))
	var arrivals []tickets.Arrival
	for i, j := range group {
		j.end = ending{} // of an earlier try
		contents[i] = j.contentHash[:]
		if j.decided.stage == "" {
			arrivals = append(arrivals, j.arrival())
		}
	}
	f := &filing{
		workspace: workspace, chain: audit.Follow(b, workspace), known: map[identity]*twins{},
		elsewhere: map[[32]byte][]delivery{}, findings: map[uuid.UUID][]tickets.Finding{},
	}
	f.filer = desk.NewFiler(workspace, f.chain)
	queueTake(b, workspace, group, func(j *job) { f.ours = append(f.ours, j) })
	b.Queue(knownSQL, workspace, contents).Query(func(rows pgx.Rows) error {
		var who identity
		var content []byte
		var id uuid.UUID
		var at time.Time
		var ticket *uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&who.mailbox, &content, &who.aside, &id, &at, &ticket}, func() error {
			who.content = [32]byte(content)
			remember(f.known, who, id, at)
			if ticket != nil {
				f.elsewhere[who.content] = append(f.elsewhere[who.content], delivery{who.mailbox, tickets.Twin{Message: id, Ticket: *ticket}})
			}
			return nil
		})
		return err
	})
	f.filer.LookUp(b, arrivals)
	f.askTies(b, group)
	return f
}

// A fence is what a job is held by: its message, and which attempt at it.
type fence struct {
	id      uuid.UUID
	attempt int32
}

// queueTake queues the taking of jobs and tells ours of each that was, in the order
// of arrival.
func queueTake(b *pgx.Batch, workspace uuid.UUID, group []*job, ours func(*job)) {
	inOrder(group)
	ids, attempts := fences(group)
	b.Queue(takeSQL, workspace, ids, attempts).Query(func(rows pgx.Rows) error {
		// A batch may have one message twice: claimed anew while it was in hand.
		taken := make(map[fence]bool, len(group))
		var f fence
		_, err := pgx.ForEachRow(rows, []any{&f.id, &f.attempt}, func() error {
			taken[f] = true
			return nil
		})
		for _, j := range group {
			if f := (fence{j.id, int32(j.attempt)}); taken[f] {
				delete(taken, f)
				ours(j)
			}
		}
		return err
	})
}

// decide settles where each message ends and puts those that are to be filed on
// tickets.
func (f *filing) decide(ctx context.Context, c *postgres.Convoy) error {
	var filed []*job
	var arrivals []tickets.Arrival
	for _, j := range f.ours {
		f.tie(j)
		if j.settle(f.known); j.end.stage == Filed {
			filed = append(filed, j)
		}
	}
	slices.SortStableFunc(filed, func(a, b *job) int { return cmp.Compare(a.rank(), b.rank()) })
	for _, j := range filed {
		arrivals = append(arrivals, f.arrival(j))
	}
	if f.filer.AskParty(c.Batch, arrivals) {
		if err := c.Send(ctx); err != nil {
			return err
		}
	}
	filings, err := f.filer.File(c.Batch, arrivals)
	if err != nil {
		return err
	}
	for i, fi := range filings {
		end := &filed[i].end
		f.findings[filed[i].id] = fi.Findings
		if fi.TicketID == uuid.Nil {
			*end = ending{stage: Held, cause: CauseSent, reason: sentReason}
			continue
		}
		end.ticket, end.reason = fi.TicketID, "joined its ticket: "+string(fi.Evidence)
		if fi.Opened {
			end.reason = fmt.Sprintf("opened ticket %d", fi.Number)
		}
	}
	return nil
}

// arrival is what the desk is told of a message, the same mail in our other
// mailboxes included.
func (f *filing) arrival(j *job) tickets.Arrival {
	a := j.arrival()
	for _, d := range f.elsewhere[j.contentHash] {
		if d.mailbox != j.mailbox {
			a.Twins = append(a.Twins, d.Twin)
		}
	}
	f.elsewhere[j.contentHash] = append(f.elsewhere[j.contentHash], delivery{j.mailbox, tickets.Twin{Message: j.id}})
	return a
}

// conclude ends the message's passport.
func (j *job) conclude(took time.Duration, findings []tickets.Finding) {
	j.trail = append(j.steps[:len(j.steps):len(j.steps)], j.tieStep()...)
	if j.end.stage.Final() {
		detail := j.end.detail()
		if len(findings) > 0 {
			detail["evidence"] = findings
		}
		j.trail = append(j.trail, Step{
			Step: "file", At: time.Now().UTC(), Micros: took.Microseconds(),
			Outcome: string(j.end.stage), Detail: detail,
		})
	}
}
