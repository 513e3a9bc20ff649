package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets"
	"postroom/tickets/audit"
)

// A Problem is something that the doctor found, in words.
type Problem struct {
	Workspace uuid.UUID
	Message   uuid.UUID // zero when it is not about one message
	What      string
	Advice    string
}

// A Report is what the doctor saw of one workspace.
type Report struct {
	Workspace tickets.Workspace
	Ledger    Ledger
	Audited   int64 // records in the audit chain that hold
	Head      audit.Head
	Met       []audit.Head // of those given, what the chain goes through
	Opened    int64        // raw mails that were opened and had the right hash
	Problems  []Problem
}

// Examination says how thoroughly to look.
type Examination struct {
	Raw      bool                    // open every raw mail and compare its hash
	Heads    []audit.Head            // ends of audit chains that were noted earlier
	Progress func(done, total int64) // told of every raw mail; nil when nobody watches
}

// Examine proves a workspace's ledger against the database and names what does
// not fit. It changes nothing.
func (p *Pipeline) Examine(ctx context.Context, w tickets.Workspace, e Examination) (Report, error) {
	r := Report{Workspace: w}
	var err error
	if r.Ledger, err = p.Ledger(ctx, w.ID); err != nil {
		return r, err
	}
	if !r.Ledger.Balances() {
		r.add(uuid.Nil, fmt.Sprintf("the ledger does not balance: %d accepted, %d stored", r.Ledger.Accepted, r.Ledger.Stored),
			"compare with the latest backup: rows were removed or added by hand")
	}
	for _, c := range checks {
		if err := p.check(ctx, &r, c); err != nil {
			return r, fmt.Errorf("examine workspace %s: %s: %w", w.ID, c.what, err)
		}
	}
	if err := p.examineAudit(ctx, &r, e.Heads); err != nil {
		return r, err
	}
	if e.Raw {
		return r, p.openAll(ctx, &r, e.Progress)
	}
	return r, nil
}

// examineAudit verifies the chain, and looks for the heads that were noted earlier.
func (p *Pipeline) examineAudit(ctx context.Context, r *Report, heads []audit.Head) error {
	var broken *audit.BrokenError
	var err error
	r.Audited, err = audit.Verify(ctx, p.db, r.Workspace.ID)
	if errors.As(err, &broken) {
		r.add(uuid.Nil, "the audit chain is broken: "+broken.Error(), "records were changed outside Postroom; compare with a backup")
		return nil
	}
	if err != nil {
		return err
	}
	if r.Head, err = audit.HeadOf(ctx, p.db, r.Workspace.ID); err != nil {
		return err
	}
	for _, h := range heads {
		has, err := audit.Has(ctx, p.db, r.Workspace.ID, h)
		if err != nil {
			return err
		}
		if has {
			r.Met = append(r.Met, h)
		}
	}
	return nil
}

func (r *Report) add(message uuid.UUID, what, advice string) {
	r.Problems = append(r.Problems, Problem{r.Workspace.ID, message, what, advice})
}

// A check is a query that returns the ids of messages with one problem, at most
// a hundred of them.
type check struct{ sql, what, advice string }

var checks = []check{
	{
		`select m.id from message m where m.workspace_id = $1
			and not exists (select from blob b where b.workspace_id = $1 and b.hash = m.raw_hash and b.chunk = 0) limit 100`,
		"its raw mail is missing", "restore the table blob from a backup",
	},
	{
		`select m.id from message m where m.workspace_id = $1 and m.stage = 'filed'
			and not exists (select from post p where p.workspace_id = $1 and p.ticket_id = m.ticket_id and p.message_id = m.id and not p.hidden) limit 100`,
		"it is filed, but not to be seen on its ticket", "retry it, or judge it ham again",
	},
	{
		`select p.message_id from post p join message m on m.workspace_id = $1 and m.id = p.message_id
			where p.workspace_id = $1 and not p.hidden and m.stage <> 'filed' limit 100`,
		"it is to be seen on a ticket, but not filed", "judge it again as what it is",
	},
	{
		`select p.message_id from post p where p.workspace_id = $1 group by p.message_id having count(*) > 1 limit 100`,
		"it is on more than one ticket", "report this: it should be impossible",
	},
	{
		`select m.id from message m where m.workspace_id = $1 and m.stage = 'duplicate'
			and not exists (select from message o where o.workspace_id = $1 and o.id = m.duplicate_of) limit 100`,
		"the message that it repeats is missing", "restore from a backup",
	},
	{
		`select m.id from message m where m.workspace_id = $1 and m.ticket_id is not null
			and not exists (select from ticket t where t.workspace_id = $1 and t.id = m.ticket_id) limit 100`,
		"its ticket is missing", "restore from a backup",
	},
	{
		// Where a message ended is in the record, too: in the words of who filed,
		// ended, judged, replayed or retried it last.
		`with told as (
			select a.seq, a.action, a.detail::jsonb as detail,
				case when a.action like 'message.%' then substr(a.target, 9) else a.detail::jsonb ->> 'message' end as id
			from audit a where a.workspace_id = $1 and (a.action in ('ticket.open', 'ticket.join') or a.action like 'message.%')),
		last as (
			select distinct on (id) id, case action when 'ticket.open' then 'filed' when 'ticket.join' then 'filed' when 'message.hold' then 'held'
				when 'message.duplicate' then 'duplicate' when 'message.fail' then 'failed' else coalesce(detail ->> 'to', 'received') end as stage
			from told where action <> 'message.replay' or detail ? 'to' order by id, seq desc)
		select m.id from message m left join last l on l.id = m.id::text
			where m.workspace_id = $1 and m.stage in ('filed', 'held', 'duplicate', 'failed') and l.stage is distinct from m.stage limit 100`,
		"where it ended is not what the audit chain says", "it was changed outside Postroom: compare with a backup, or judge it as what it is",
	},
	{
		`with last as (
			select distinct on (a.target) a.target, nullif(a.detail::jsonb ->> 'verdict', '') as verdict from audit a
			where a.workspace_id = $1 and a.action like 'message.%' and a.detail::jsonb ? 'verdict' order by a.target, a.seq desc)
		select m.id from message m left join last l on l.target = 'message:' || m.id
			where m.workspace_id = $1 and l.verdict is distinct from m.judged limit 100`,
		"what a person said of it is not what the audit chain says", "it was changed outside Postroom: judge it again",
	},
	{
		`select m.id from message m where m.workspace_id = $1 and m.judged in ('ham', 'spam')
			and not exists (select from classify_event e where e.workspace_id = $1 and e.message_id = m.id and e.verdict = m.judged) limit 100`,
		"a person judged it, and the filter's journal does not say so", "restore the tables classify_event and classify_head from a backup",
	},
	{
		// The zero id: it is about no single message.
		`select '00000000-0000-0000-0000-000000000000'::uuid
			from (select count(*) as n, coalesce(max(seq), 0) as last from classify_event where workspace_id = $1) e
			left join classify_head h on h.workspace_id = $1 where e.n <> e.last or e.last <> coalesce(h.seq, 0)`,
		"the filter's journal has gaps or was cut off", "the filter no longer knows all that it was taught: restore the tables classify_event and classify_head from a backup",
	},
	{
		`select t.id from ticket t where t.workspace_id = $1 and t.messages <>
			(select count(*) from post p where p.workspace_id = $1 and p.ticket_id = t.id and not p.hidden) limit 100`,
		"a ticket counts its messages wrong", "report this: it should be impossible",
	},
	{
		`select m.id from message m where m.workspace_id = $1 and m.stage in ('received', 'parsed', 'scored')
			and not exists (select from job j where j.workspace_id = $1 and j.message_id = m.id and j.stage = m.stage) limit 100`,
		"it waits, and no job will carry it on", "report this: it should be impossible",
	},
	{
		`select j.message_id from job j where j.workspace_id = $1
			and not exists (select from message m where m.workspace_id = $1 and m.id = j.message_id and m.stage = j.stage) limit 100`,
		"it has a job, and does not wait for one", "report this: it should be impossible",
	},
	{
		`select m.id from message m where m.workspace_id = $1 and m.stage in ('received', 'parsed', 'scored')
			and m.received_at < now() - interval '10 minutes' limit 100`,
		"it waits for more than ten minutes", "see its passport; is serve running, or a stage paused?",
	},
}

func (p *Pipeline) check(ctx context.Context, r *Report, c check) error {
	return p.db.InWorkspace(ctx, r.Workspace.ID, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, c.sql, r.Workspace.ID)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		for _, id := range ids {
			r.add(id, c.what, c.advice)
		}
		return err
	})
}

const rawsSQL = `
	select id, raw_hash, size from message where workspace_id = $1 and id > $2 order by id limit 500`

// openAll opens every raw mail of the workspace.
func (p *Pipeline) openAll(ctx context.Context, r *Report, progress func(done, total int64)) error {
	after := uuid.Nil
	var done int64
	for {
		type rawRef struct {
			ID   uuid.UUID `db:"id"`
			Hash []byte    `db:"raw_hash"`
			Size int64     `db:"size"`
		}
		var page []rawRef
		err := p.db.InWorkspace(ctx, r.Workspace.ID, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, rawsSQL, r.Workspace.ID, after)
			if err != nil {
				return err
			}
			page, err = pgx.CollectRows(rows, pgx.RowToStructByName[rawRef])
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, m := range page {
			if _, err := p.raws.get(ctx, r.Workspace.ID, m.Hash, m.Size); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				r.add(m.ID, "its raw mail cannot be opened: "+plain(err), "restore the table blob from a backup; was the master key changed?")
			} else {
				r.Opened++
			}
			if done++; progress != nil {
				progress(done, r.Ledger.Stored)
			}
		}
		after = page[len(page)-1].ID
	}
}
