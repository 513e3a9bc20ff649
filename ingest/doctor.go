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
	Opened    int64 // raw mails that were opened and had the right hash
	Problems  []Problem
}

// Examination says how thoroughly to look.
type Examination struct {
	Raw      bool                    // open every raw mail and compare its hash
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
	var broken *audit.BrokenError
	r.Audited, err = audit.Verify(ctx, p.db, w.ID)
	if errors.As(err, &broken) {
		r.add(uuid.Nil, "the audit chain is broken: "+broken.Error(), "records were changed outside Postroom; compare with a backup")
	} else if err != nil {
		return r, err
	}
	if e.Raw {
		return r, p.openAll(ctx, &r, e.Progress)
	}
	return r, nil
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
