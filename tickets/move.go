package tickets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// The kinds of a Move.
const (
	Merge = "merge" // all messages of the source, whose number leads to the target since
	Split = "split" // some messages of the source, for which the target was opened
)

// A Move is messages put from one ticket on another. It can be undone.
type Move struct {
	ID       uuid.UUID   `db:"id"`
	Kind     string      `db:"kind"`
	Source   uuid.UUID   `db:"source_id"`
	Target   uuid.UUID   `db:"target_id"`
	Actor    string      `db:"actor"` // "pipeline" when the mail itself brought two tickets together
	At       time.Time   `db:"at"`
	UndoneAt *time.Time  `db:"undone_at"`
	Messages []uuid.UUID `db:"messages"`
}

const moveColumns = `
	v.id, v.kind, v.source_id, v.target_id, v.actor, v.at, v.undone_at,
	array(select d.message_id from ticket_moved d where d.workspace_id = v.workspace_id and d.move_id = v.id order by 1) as messages`

const (
	moveSQL  = `select ` + moveColumns + ` from ticket_move v where v.workspace_id = $1 and v.id = $2`
	movesSQL = `
		select ` + moveColumns + ` from ticket_move v
		where v.workspace_id = $1 and (v.source_id = $2 or v.target_id = $2) and v.id > $3 order by v.id limit $4`
)

// Move returns one move, or ErrNotFound.
func (d *Desk) Move(ctx context.Context, workspace, id uuid.UUID) (Move, error) {
	m, err := one[Move](ctx, d, workspace, moveSQL, workspace, id)
	if err != nil {
		return Move{}, fmt.Errorf("move %s: %w", id, err)
	}
	return m, nil
}

// Moves lists what was moved from or to a ticket, oldest first, those behind after.
func (d *Desk) Moves(ctx context.Context, workspace, ticket, after uuid.UUID, limit int) ([]Move, error) {
	list, err := many[Move](ctx, d, workspace, movesSQL, workspace, ticket, after, limit)
	if err != nil {
		return nil, fmt.Errorf("moves of ticket %s: %w", ticket, err)
	}
	return list, nil
}

// readMove reads one row of a move; none is ErrNotFound.
func readMove(ctx context.Context, tx pgx.Tx, sql string, args ...any) (Move, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return Move{}, err
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Move])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return m, err
}

// standing is how a ticket stands when it is about to be changed.
type standing struct {
	ID      uuid.UUID  `db:"id"`
	Number  int64      `db:"number"`
	Mailbox uuid.UUID  `db:"mailbox_id"`
	Into    *uuid.UUID `db:"merged_into"`
	Root    uuid.UUID  `db:"root"`
}

const standingSQL = `
	select id, number, mailbox_id, merged_into, ticket_root(workspace_id, id) as root from ticket where workspace_id = $1 and id = $2`

func readStanding(ctx context.Context, tx pgx.Tx, workspace, id uuid.UUID) (standing, error) {
	rows, err := tx.Query(ctx, standingSQL, workspace, id)
	if err != nil {
		return standing{}, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[standing])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return s, err
}

// change runs fn in a transaction that holds the workspace's chain, so that
// nothing is filed or moved beside it, if the desk's precondition holds, and writes
// what fn added to the chain.
func (d *Desk) change(ctx context.Context, workspace uuid.UUID, fn func(tx pgx.Tx, chain *audit.Chain, b *pgx.Batch) error) error {
	return d.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
		chain, err := audit.Open(ctx, tx, workspace)
		if err != nil {
			return err
		}
		if err := d.only.hold(ctx, tx, workspace); err != nil {
			return err
		}
		b := &pgx.Batch{}
		if err := fn(tx, chain, b); err != nil {
			return err
		}
		chain.Queue(b)
		return tx.SendBatch(ctx, b).Close()
	})
}

const noteMoveSQL = `
	insert into ticket_move (workspace_id, id, kind, source_id, target_id, actor, at) values ($1, $2, $3, $4, $5, $6, now())`

// shiftSQL puts messages of one ticket ($2) on another ($3): all, or those of $4.
// Rows are reached by their place (ctid), which was looked up by their key.
const shiftSQL = `
	with l as materialized (
		select p.ctid as place, p.message_id, p.hidden, p.at, p.evidence, p.weight from post p
		where p.workspace_id = $1 and p.ticket_id = $2 and ($4::uuid[] is null or p.message_id = any ($4))),
	noted as (
		insert into ticket_moved (workspace_id, move_id, message_id, evidence, weight)
		select $1, $5::uuid, l.message_id, l.evidence, l.weight from l where $5::uuid is not null),
	moved as (
		update post p set ticket_id = $3,
			evidence = coalesce($6::text, u.evidence, p.evidence), weight = coalesce($7::smallint, u.weight, p.weight)
		from l left join lateral (
			select d.evidence, d.weight from ticket_moved d
			where d.workspace_id = $1 and d.move_id = $8::uuid and d.message_id = l.message_id offset 0) u on true
		where p.ctid = l.place),
	told as (
		update message m set ticket_id = $3
		from l cross join lateral (select x.ctid from message x where x.workspace_id = $1 and x.id = l.message_id offset 0) k
		where m.ctid = k.ctid),
	source as (
		update ticket t set messages = t.messages - (select count(*) from l where not l.hidden)
		where t.workspace_id = $1 and t.id = $2)
	update ticket t set messages = t.messages + (select count(*) from l where not l.hidden),
		updated_at = greatest(t.updated_at, (select max(l.at) from l where not l.hidden))
	where t.workspace_id = $1 and t.id = $3`

// move is what queueMove does.
type move struct {
	id             uuid.UUID
	kind           string
	source, target uuid.UUID
	actor          string
	messages       []uuid.UUID // nil: all
}

// queueMove adds the statements that move messages and keep a record for undoing.
func queueMove(b *pgx.Batch, workspace uuid.UUID, m move) {
	var evidence *Evidence
	var weight *int16
	if m.kind == Split {
		e, w := Moved, int16(weights[Moved])
		evidence, weight = &e, &w
	}
	b.Queue(noteMoveSQL, workspace, m.id, m.kind, m.source, m.target, m.actor)
	b.Queue(shiftSQL, workspace, m.source, m.target, m.messages, m.id, evidence, weight, nil)
	if m.kind == Merge {
		b.Queue(redirectSQL, workspace, m.source, m.target)
	}
}

// A ticket that someone is to act on stays one; a machine's report is no reason to.
const redirectSQL = `
	with source as (
		update ticket set merged_into = $3 where workspace_id = $1 and id = $2 returning status, waits)
	update ticket t set status = case when s.status = 'open' and s.waits <> 'report' then 'open' else t.status end
	from source s where t.workspace_id = $1 and t.id = $3`

const (
	awaySQL = `
		select exists (
			select from unnest($3::uuid[]) as q (id)
			where not exists (select from post p where p.workspace_id = $1 and p.ticket_id = $2 and p.message_id = q.id))`
	// Whatever else was done with a ticket that a split has opened.
	sinceSQL = `
		select exists (select from ticket_move v
			where v.workspace_id = $1 and (v.source_id = $2 or v.target_id = $2) and v.id <> $3 and v.undone_at is null)`
	undoneSQL = `update ticket_move set undone_at = now() where workspace_id = $1 and id = $2`
	asideSQL  = `update ticket set merged_into = null where workspace_id = $1 and id = $2`
	apartSQL  = `update ticket set apart = true where workspace_id = $1 and id = any ($2)`
)

// Undo puts messages back where they were before a move: what was merged gets
// its own messages again, and what was split off comes back with all that
// followed it. Undoing twice changes nothing the second time. It is ErrConflict
// while what was moved, or the ticket that it was moved to, was moved on since,
// or a ticket that was split off had another merged into it or split off it: that
// has to be undone first.
func (d *Desk) Undo(ctx context.Context, workspace uuid.UUID, actor string, id uuid.UUID) (Move, error) {
	err := d.change(ctx, workspace, func(tx pgx.Tx, chain *audit.Chain, b *pgx.Batch) error {
		m, err := readMove(ctx, tx, moveSQL, workspace, id)
		if err != nil || m.UndoneAt != nil {
			return err
		}
		source, err := readStanding(ctx, tx, workspace, m.Source)
		if err != nil {
			return err
		}
		target, err := readStanding(ctx, tx, workspace, m.Target)
		if err != nil {
			return err
		}
		var away bool
		if err := tx.QueryRow(ctx, awaySQL, workspace, m.Target, m.Messages).Scan(&away); err != nil {
			return err
		}
		if m.Kind == Split && !away {
			if err := tx.QueryRow(ctx, sinceSQL, workspace, m.Target, m.ID).Scan(&away); err != nil {
				return err
			}
		}
		if away || target.Into != nil || m.Kind == Split && source.Into != nil {
			return &ConflictError{"What was moved, or the ticket that it was moved to or from, was moved on since. Undo the later move first; the moves of both tickets name it."}
		}
		if m.Kind == Merge {
			b.Queue(asideSQL, workspace, m.Source)
			b.Queue(shiftSQL, workspace, m.Target, m.Source, append([]uuid.UUID{}, m.Messages...), nil, nil, nil, nil)
		} else {
			b.Queue(shiftSQL, workspace, m.Target, m.Source, nil, nil, nil, nil, m.ID)
			b.Queue(redirectSQL, workspace, m.Target, m.Source)
		}
		b.Queue(apartSQL, workspace, []uuid.UUID{m.Source, m.Target})
		b.Queue(undoneSQL, workspace, id)
		return chain.Add(audit.Entry{
			Actor: actor, Action: "ticket.undo_" + m.Kind, Target: "ticket:" + m.Source.String(),
			Detail: map[string]any{"move": m.ID, "other": m.Target},
		})
	})
	if err != nil {
		return Move{}, fmt.Errorf("undo move %s: %w", id, err)
	}
	return d.Move(ctx, workspace, id)
}
