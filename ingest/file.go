package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
	"postroom/internal/postgres"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// finishWithin bounds one filing transaction.
const finishWithin = 30 * time.Second

// sameWithin is how far apart two mails may be received that are the same to the
// last octet and carry neither Message-ID nor Date: a device that reports the
// same words every day means a new event each time.
const sameWithin = time.Hour

// maxSubject bounds a subject on a row, in bytes; the whole is in the raw mail.
const maxSubject = 998

// finish writes where the messages of one workspace end. When the batch as a
// whole cannot be written, each is tried alone, so that one stops nobody.
func (p *Pipeline) finish(ctx context.Context, workspace uuid.UUID, group []*job) {
	start := time.Now()
	err := p.fileBatch(ctx, workspace, group)
	for try := 0; err != nil && p.again(ctx, err, try); try++ {
		err = p.fileBatch(ctx, workspace, group)
	}
	if err == nil {
		p.metrics.stage("file", time.Since(start))
		p.filedNow(group)
		return
	}
	slog.WarnContext(ctx, "a batch could not be filed", "workspace", workspace, "messages", len(group), "err", err)
	if len(group) > 1 && postgres.Refused(err) {
		for _, j := range group {
			p.finish(ctx, workspace, []*job{j})
		}
		return
	}
	for _, j := range group {
		p.failed(j, err)
	}
	if err := p.recordFailures(ctx, workspace, group); err != nil {
		// Not even that could be written: the leases run out and others try.
		slog.ErrorContext(ctx, "failures could not be recorded", "workspace", workspace, "messages", len(group), "err", err)
	}
}

// again reports whether a batch that could not be written is to be tried at once
// again, after a pause: the database is away, or two transactions collided.
// Meanwhile the messages stay ours; given back they would wait out their lease.
func (p *Pipeline) again(ctx context.Context, err error, try int) bool {
	if postgres.Refused(err) || p.commits.closing() {
		return false
	}
	if try >= 5 && p.db.Ping(ctx) == nil {
		return false // the database is there: it is something else
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(min(time.Second, 20*time.Millisecond<<min(try, 6))):
		return true
	}
}

const failSQL = `
	update message m set stage = e.stage, due_at = now() + e.wait, cause = e.cause, reason = e.reason,
		failures = m.failures + 1, trail = m.trail || e.trail::jsonb,
		done_at = case when e.stage = 'failed' then now() end
	from unnest($2::uuid[], $3::int[], $4::text[], $5::interval[], $6::text[], $7::text[], $8::text[])
		as e (id, attempt, stage, wait, cause, reason, trail)
	cross join lateral (
		select x.ctid, x.attempt, x.stage from message x where x.workspace_id = $1 and x.id = e.id for no key update) l
	where m.ctid = l.ctid and l.attempt = e.attempt and l.stage in ('received', 'parsed', 'scored')`

// recordFailures writes failed attempts and nothing else: above all nothing that
// the mail says, which may be what the database refused.
func (p *Pipeline) recordFailures(ctx context.Context, workspace uuid.UUID, group []*job) error {
	ids, attempts := fences(group)
	var stages, causes, reasons, trails []string
	var waits []time.Duration
	for _, j := range group {
		trail, err := json.Marshal(j.steps[len(j.steps)-1:])
		if err != nil {
			return err
		}
		stages, causes = append(stages, string(j.decided.stage)), append(causes, string(j.decided.cause))
		reasons, trails = append(reasons, j.decided.reason), append(trails, mail.Clean(string(trail)))
		waits = append(waits, p.limits.backoff(j.failures))
	}
	return p.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
		chain, err := audit.Open(ctx, tx, workspace)
		if err != nil {
			return err
		}
		for _, j := range group {
			j.end = j.decided
			if err := j.audit(chain); err != nil {
				return err
			}
		}
		b := &pgx.Batch{}
		b.Queue(failSQL, workspace, ids, attempts, stages, waits, causes, reasons, trails)
		chain.Queue(b)
		return tx.SendBatch(ctx, b).Close()
	})
}

func (p *Pipeline) filedNow(group []*job) {
	for _, j := range group {
		if j.end.stage == "" {
			continue // somebody else had it
		}
		p.metrics.ended.WithLabelValues(string(j.end.stage)).Inc()
		if j.end.stage == Filed {
			p.filed.Add(1)
			p.metrics.toTicket.Observe(time.Since(j.receivedAt).Seconds())
		}
	}
}

// fileBatch decides and writes, in one transaction, where each message ends. The
// workspace's audit chain is locked first, so that no filing of the same
// workspace runs beside this one: what it reads of threads and duplicates stays
// true until it commits.
func (p *Pipeline) fileBatch(ctx context.Context, workspace uuid.UUID, group []*job) error {
	ctx, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	return p.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
		chain, err := audit.Open(ctx, tx, workspace)
		if err != nil {
			return err
		}
		ours, known, err := p.fence(ctx, tx, workspace, group)
		if err != nil {
			return err
		}
		start := time.Now()
		for _, j := range ours {
			j.settle(known)
		}
		if err := p.ticketThem(ctx, tx, workspace, chain, ours); err != nil {
			return err
		}
		for _, j := range ours {
			j.trail = j.steps
			if j.end.stage.Final() {
				j.trail = append(j.steps[:len(j.steps):len(j.steps)], Step{
					Step: "file", At: time.Now().UTC(), Micros: time.Since(start).Microseconds(),
					Outcome: string(j.end.stage), Detail: j.end.detail(),
				})
			}
			if err := j.audit(chain); err != nil {
				return err
			}
		}
		b := &pgx.Batch{}
		if err := queueEnds(b, p.limits, workspace, ours); err != nil {
			return err
		}
		chain.Queue(b)
		return tx.SendBatch(ctx, b).Close()
	})
}

// The inner query reaches each row by its primary key. As a plain join, with the
// stage among its conditions, the planner reads all waiting messages for every
// batch, because statistics of a queue say that hardly any wait.
const fenceSQL = `
	select l.id from unnest($2::uuid[], $3::int[]) as d (id, attempt)
	cross join lateral (
		select m.id, m.attempt, m.stage from message m
		where m.workspace_id = $1 and m.id = d.id for no key update) l
	where l.attempt = d.attempt and l.stage in ('received', 'parsed', 'scored')`

const knownSQL = `
	select l.* from unnest($2::bytea[]) as d (hash)
	cross join lateral (
		select m.mailbox_id, m.content_hash, m.id, m.received_at from message m
		where m.workspace_id = $1 and m.content_hash = d.hash and m.stage in ('filed', 'held')
		offset 0) l -- not to be joined otherwise
	order by l.id`

// An identity is what makes two messages one.
type identity struct {
	mailbox uuid.UUID
	content [32]byte
}

// twins are the earlier messages of an identity: the first and the latest.
type twins struct {
	first, last uuid.UUID
	lastAt      time.Time
}

// fence locks the rows of the jobs that are still ours, in the order of arrival,
// and drops the others: someone else has them. It also finds the messages whose
// content the jobs repeat.
func (p *Pipeline) fence(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, group []*job) ([]*job, map[identity]*twins, error) {
	// Rows are always locked in the order of arrival.
	slices.SortFunc(group, func(a, b *job) int { return bytes.Compare(a.id[:], b.id[:]) })
	ids, attempts := fences(group)
	byID, contents := make(map[uuid.UUID]*job, len(group)), make([][]byte, len(group))
	for i, j := range group {
		byID[j.id], contents[i] = j, j.contentHash[:]
	}
	b := &pgx.Batch{}
	var ours []*job
	known := map[identity]*twins{}
	b.Queue(fenceSQL, workspace, ids, attempts).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			ours = append(ours, byID[id])
			return nil
		})
		return err
	})
	b.Queue(knownSQL, workspace, contents).Query(func(rows pgx.Rows) error {
		var box uuid.UUID
		var content []byte
		var id uuid.UUID
		var at time.Time
		_, err := pgx.ForEachRow(rows, []any{&box, &content, &id, &at}, func() error {
			remember(known, identity{box, [32]byte(content)}, id, at)
			return nil
		})
		return err
	})
	return ours, known, tx.SendBatch(ctx, b).Close()
}

// settle decides where a message ends that no earlier stage has ended: it is a
// duplicate, held as spam, or to be filed. It is called again when the
// transaction has to be tried again.
func (j *job) settle(known map[identity]*twins) {
	if j.end = j.decided; j.end.stage != "" {
		return
	}
	who := identity{j.mailbox, j.contentHash}
	t := known[who]
	switch {
	case t != nil && t.first != j.id && j.same(t):
		j.end = ending{stage: Duplicate, duplicateOf: j.twin(t), reason: "the same mail was received before"}
		return
	case j.judged == "" && j.score.Verdict == classify.Spam, j.judged == classify.Spam:
		j.end = ending{stage: Held, cause: CauseSpam, reason: j.score.Reason}
	default:
		j.end = ending{stage: Filed}
	}
	remember(known, who, j.id, j.receivedAt)
}

// remember adds a message to those of its identity; they come oldest first.
func remember(known map[identity]*twins, who identity, id uuid.UUID, at time.Time) {
	t := known[who]
	if t == nil {
		t = &twins{first: id}
		known[who] = t
	}
	t.last, t.lastAt = id, at
}

// anonymous reports whether a mail carries nothing that tells it from another
// with the same words.
func (j *job) anonymous() bool {
	return j.mail == nil || j.mail.MessageID == "" && j.mail.Date.IsZero()
}

// same reports whether a mail with the content of an earlier one is that one
// again. Mail that carries an identity of its own always is.
func (j *job) same(t *twins) bool {
	return !j.anonymous() || j.receivedAt.Sub(t.lastAt).Abs() < sameWithin
}

// twin is the message that this one repeats.
func (j *job) twin(t *twins) uuid.UUID {
	if j.anonymous() {
		return t.last
	}
	return t.first
}

// ticketThem puts the messages that are to be filed on tickets.
func (p *Pipeline) ticketThem(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, chain *audit.Chain, ours []*job) error {
	var filing []*job
	var arrivals []tickets.Arrival
	for _, j := range ours {
		if j.end.stage != Filed {
			continue
		}
		filing = append(filing, j)
		arrivals = append(arrivals, j.arrival())
	}
	filings, err := p.desk.File(ctx, tx, workspace, chain, arrivals)
	if err != nil {
		return err
	}
	for i, f := range filings {
		filing[i].end.ticket = f.TicketID
		filing[i].end.reason = "joined its ticket: " + string(f.Evidence)
		if f.Opened {
			filing[i].end.reason = fmt.Sprintf("opened ticket %d", f.Number)
		}
	}
	return nil
}

func (j *job) arrival() tickets.Arrival {
	from := j.sender()
	from.Email = strings.ToLower(from.Email)
	return tickets.Arrival{
		MessageID: j.id, MailboxID: j.mailbox, At: j.receivedAt, Subject: j.subject(),
		FromName: from.Name, FromEmail: from.Email,
		Others: j.others(), MailID: j.mail.MessageID, InReplyTo: j.mail.InReplyTo, References: j.mail.References,
	}
}

// others are the addresses that a message was sent to besides our own.
func (j *job) others() []string {
	var list []string
	for _, a := range slices.Concat(j.mail.To, j.mail.Cc) {
		email := strings.ToLower(a.Email)
		if email == "" || len(email) > tickets.MaxAddress || strings.ContainsFunc(email, unicode.IsSpace) || strings.EqualFold(email, j.envelope.RcptTo) {
			continue
		}
		if list = append(list, email); len(list) == tickets.MaxOthers {
			break
		}
	}
	return list
}

// sender is whom a message is from, as it says itself; its envelope when it says
// nothing.
func (j *job) sender() mail.Address {
	if j.mail != nil && len(j.mail.From) > 0 {
		return j.mail.From[0]
	}
	return mail.Address{Email: j.envelope.MailFrom}
}

func (j *job) subject() string {
	if j.mail == nil {
		return ""
	}
	return clip(j.mail.Subject, maxSubject)
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

func (e ending) detail() map[string]any {
	d := map[string]any{"reason": e.reason}
	if e.ticket != uuid.Nil {
		d["ticket"] = e.ticket
	}
	if e.duplicateOf != uuid.Nil {
		d["duplicate_of"] = e.duplicateOf
	}
	if e.cause != "" {
		d["cause"] = e.cause
	}
	return d
}

// audit records the endings that the desk does not record itself.
func (j *job) audit(chain *audit.Chain) error {
	action := map[Stage]string{Held: "message.hold", Duplicate: "message.duplicate", Failed: "message.fail"}[j.end.stage]
	if action == "" {
		return nil
	}
	detail := j.end.detail()
	delete(detail, "reason") // it may quote the mail
	return chain.Add(audit.Entry{Actor: "pipeline", Action: action, Target: "message:" + j.id.String(), Detail: detail})
}

// The row's place (ctid) is looked up by its key, one row at a time: the fence has
// locked it, so it stays where it is. Joined by the key directly, the planner
// prefers to read all of the workspace once the table is new to it.
const endSQL = `
	update message m set stage = e.stage, due_at = now() + e.wait, trail = m.trail || e.trail::jsonb,
		subject = e.subject, from_name = e.from_name, from_email = e.from_email, message_id = e.message_id, sent_at = e.sent_at,
		verdict = e.verdict, score = e.score, cause = e.cause, reason = e.reason,
		ticket_id = e.ticket_id, duplicate_of = e.duplicate_of, done_at = e.done_at,
		failures = m.failures + case when e.cause in ('retry', 'error') then 1 else 0 end,
		attempt_base = m.attempt_base + case when e.done_at is null and e.cause is null then 1 else 0 end -- it rested
	from unnest($2::uuid[], $3::text[], $4::interval[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::timestamptz[], $11::text[], $12::float8[], $13::text[], $14::text[], $15::uuid[], $16::uuid[], $17::timestamptz[])
		as e (id, stage, wait, trail, subject, from_name, from_email, message_id, sent_at, verdict, score, cause, reason,
			ticket_id, duplicate_of, done_at)
	cross join lateral (select x.ctid from message x where x.workspace_id = $1 and x.id = e.id offset 0) l
	where m.ctid = l.ctid`

const searchDueSQL = `
	insert into search_due (workspace_id, message_id) select $1, unnest($2::uuid[]) on conflict do nothing`

// endRows are the columns that endSQL writes.
type endRows struct {
	id                                             []uuid.UUID
	stage, trail, subject, fromName, fromEmail, ID []string
	wait                                           []time.Duration
	sentAt, doneAt                                 []*time.Time
	verdict, cause, reason                         []*string
	score                                          []*float64
	ticket, duplicateOf                            []*uuid.UUID
}

// queueEnds adds the statements that write the endings.
func queueEnds(b *pgx.Batch, limits Limits, workspace uuid.UUID, ours []*job) error {
	if len(ours) == 0 {
		return nil
	}
	var r endRows
	var filed []uuid.UUID
	for _, j := range ours {
		if err := r.add(limits, j); err != nil {
			return err
		}
		if j.end.stage == Filed {
			filed = append(filed, j.id)
		}
	}
	b.Queue(endSQL, workspace, r.id, r.stage, r.wait, r.trail, r.subject, r.fromName, r.fromEmail, r.ID,
		r.sentAt, r.verdict, r.score, r.cause, r.reason, r.ticket, r.duplicateOf, r.doneAt)
	if len(filed) > 0 {
		b.Queue(searchDueSQL, workspace, filed)
	}
	return nil
}

func (r *endRows) add(limits Limits, j *job) error {
	trail, err := json.Marshal(j.trail)
	if err != nil {
		return fmt.Errorf("passport of message %s: %w", j.id, err)
	}
	from := j.sender()
	mailID, sentAt := "", (*time.Time)(nil)
	if j.mail != nil {
		mailID = clip(j.mail.MessageID, maxSubject)
		if !j.mail.Date.IsZero() {
			sentAt = &j.mail.Date
		}
	}
	var doneAt *time.Time
	var wait time.Duration
	switch {
	case j.end.stage.Final():
		now := time.Now().UTC()
		doneAt = &now
	case j.end.cause == CauseRetry:
		wait = limits.backoff(j.failures)
	}
	r.id, r.stage, r.wait = append(r.id, j.id), append(r.stage, string(j.end.stage)), append(r.wait, wait)
	r.trail = append(r.trail, mail.Clean(string(trail)))
	r.subject, r.fromName = append(r.subject, j.subject()), append(r.fromName, clip(from.Name, maxSubject))
	r.fromEmail, r.ID = append(r.fromEmail, clip(from.Email, maxSubject)), append(r.ID, mailID)
	r.sentAt, r.doneAt = append(r.sentAt, sentAt), append(r.doneAt, doneAt)
	r.cause, r.reason = append(r.cause, nilIfZero(string(j.end.cause))), append(r.reason, nilIfZero(j.end.reason))
	r.ticket, r.duplicateOf = append(r.ticket, nilIfZero(j.end.ticket)), append(r.duplicateOf, nilIfZero(j.end.duplicateOf))
	r.verdict = append(r.verdict, nilIfZero(string(j.score.Verdict)))
	if j.score.Verdict == "" {
		r.score = append(r.score, nil)
	} else {
		r.score = append(r.score, &j.score.P)
	}
	return nil
}

// nilIfZero turns a zero value into a null.
func nilIfZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
