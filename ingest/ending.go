package ingest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/ingest/mail"
	"postroom/tickets/audit"
)

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

// The row's place (ctid) is looked up by its key, one row at a time: whoever changes
// a message holds the chain's lock, so it stays where it is. Joined by the key
// directly, the planner prefers to read all of the workspace once the table is new
// to it. A message whose row was missed would wait for ever, for its job is gone:
// then nothing is written.
const endSQL = `
	with written as (update message m set stage = e.stage, attempt = e.attempt, trail = m.trail || e.trail::jsonb,
		subject = e.subject, from_name = e.from_name, from_email = e.from_email, message_id = e.message_id, sent_at = e.sent_at,
		verdict = e.verdict, score = e.score, cause = e.cause, reason = e.reason,
		ticket_id = e.ticket_id, duplicate_of = e.duplicate_of, done_at = e.done_at
	from unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::timestamptz[], $11::text[], $12::float8[], $13::text[], $14::text[], $15::uuid[], $16::uuid[], $17::timestamptz[])
		as e (id, stage, attempt, trail, subject, from_name, from_email, message_id, sent_at, verdict, score, cause, reason,
			ticket_id, duplicate_of, done_at)
	cross join lateral (select x.ctid from message x where x.workspace_id = $1 and x.id = e.id offset 0) l
	where m.ctid = l.ctid returning 1)
	select all_rows(count(*), cardinality($2)) from written`

const searchDueSQL = `
	insert into search_due (workspace_id, message_id) select $1, unnest($2::uuid[]) on conflict do nothing`

// endRows are the columns that endSQL writes.
type endRows struct {
	id                                             []uuid.UUID
	stage, trail, subject, fromName, fromEmail, ID []string
	attempt                                        []int32
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
	var waiting []*job
	for _, j := range ours {
		if err := r.add(j); err != nil {
			return err
		}
		if j.end.stage == Filed {
			filed = append(filed, j.id)
		}
		if !j.end.stage.Final() {
			waiting = append(waiting, j)
		}
	}
	b.Queue(endSQL, workspace, r.id, r.stage, r.attempt, r.trail, r.subject, r.fromName, r.fromEmail, r.ID,
		r.sentAt, r.verdict, r.score, r.cause, r.reason, r.ticket, r.duplicateOf, r.doneAt)
	if len(filed) > 0 {
		b.Queue(searchDueSQL, workspace, filed)
	}
	queueJobs(b, limits, workspace, waiting)
	return nil
}

const jobSQL = `
	insert into job (workspace_id, message_id, stage, received_at, due_at, attempt, attempt_base, failures)
	select $1, j.id, j.stage, j.received_at, now() + j.wait, j.attempt, j.attempt_base, j.failures
	from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::interval[], $6::int[], $7::int[], $8::int[])
		as j (id, stage, received_at, wait, attempt, attempt_base, failures)`

// queueJobs puts jobs back whose messages wait on: for another attempt, or because
// a stage is paused.
func queueJobs(b *pgx.Batch, limits Limits, workspace uuid.UUID, waiting []*job) {
	if len(waiting) == 0 {
		return
	}
	n := len(waiting)
	ids, stages, receivedAt, waits := make([]uuid.UUID, n), make([]string, n), make([]time.Time, n), make([]time.Duration, n)
	attempts, bases, failures := make([]int32, n), make([]int32, n), make([]int32, n)
	for i, j := range waiting {
		ids[i], stages[i], receivedAt[i] = j.id, string(j.end.stage), j.receivedAt
		attempts[i], bases[i], failures[i] = int32(j.attempt), int32(j.attempt-j.tries), int32(j.failures)
		if j.end.cause == CauseRetry {
			waits[i] = limits.backoff(j.failures)
		} else {
			bases[i]++ // to rest is no attempt
		}
	}
	b.Queue(jobSQL, workspace, ids, stages, receivedAt, waits, attempts, bases, failures)
}

func (r *endRows) add(j *job) error {
	trail, err := json.Marshal(append([]Step{}, j.trail...)) // none are "[]": "null" would be kept as a step
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
	if j.end.stage.Final() {
		now := time.Now().UTC()
		doneAt = &now
	}
	r.id, r.stage, r.attempt = append(r.id, j.id), append(r.stage, string(j.end.stage)), append(r.attempt, int32(j.attempt))
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
