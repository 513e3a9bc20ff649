package classify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Return says which judgements to take back: those made after a time, of everybody or of one actor.
type Return struct {
	To    time.Time
	Of    string // actor whose judgements are taken back; "" for everybody's
	Actor string // who takes them back
}

// Return restores what was said of every message before the judgements that r names, in the caller's transaction, and
// returns how many messages it changed. The journal keeps all of it, so a return can be taken back by another. The model then
// holds nothing of what was taken back; but what is restored is learned where the journal now has it, at the end, so its bytes
// are not those of the model at that time (At gives that one).
func (f *Filter) Return(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, r Return) (changed int, err error) {
	if _, err := tx.Exec(ctx, lockHead, workspace); err != nil {
		return 0, fmt.Errorf("take judgements back: %w", err)
	}
	// The last word on each message now, and the last one among those that remain.
	const differing = `
with now as (
	select distinct on (message_id) message_id, seq, verdict, at, actor from classify_event
	where workspace_id = $1 order by message_id, seq desc),
kept as (
	select distinct on (message_id) message_id, verdict, features from classify_event
	where workspace_id = $1 and not (at > $2 and ($3 = '' or actor = $3)) order by message_id, seq desc)
select now.message_id, now.seq, coalesce(kept.verdict, 'forget') as verdict, coalesce(kept.features, '') as features
from now left join kept using (message_id)
where now.verdict <> coalesce(kept.verdict, 'forget')
	and exists (select from classify_event e where e.workspace_id = $1 and e.message_id = now.message_id and e.at > $2 and ($3 = '' or e.actor = $3))
order by now.seq`
	rows, err := tx.Query(ctx, differing, workspace, r.To, r.Of)
	if err != nil {
		return 0, fmt.Errorf("take judgements back: %w", err)
	}
	type was struct {
		MessageID uuid.UUID
		Seq       int64
		Verdict   Verdict
		Features  []byte
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[was])
	if err != nil {
		return 0, fmt.Errorf("take judgements back: %w", err)
	}
	for _, w := range list {
		j := row{Judgement: Judgement{MessageID: w.MessageID, Verdict: w.Verdict, Actor: r.Actor, Source: SourceAdmin}, stored: w.Features}
		j.replaces, err = replaceable(ctx, tx, workspace, w.Seq)
		if err != nil {
			return 0, err
		}
		if w.Verdict == forgotten {
			j.stored = []byte{}
		}
		if _, err := appendRow(ctx, tx, workspace, j); err != nil {
			return 0, fmt.Errorf("take judgement %d back: %w", w.Seq, err)
		}
	}
	return len(list), nil
}

// replaceable is the judgement at seq, or 0 if it takes one back: nothing stands then.
func replaceable(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, seq int64) (int64, error) {
	const stands = `select case when verdict = 'forget' then 0 else seq end from classify_event where workspace_id = $1 and seq = $2`
	err := tx.QueryRow(ctx, stands, workspace, seq).Scan(&seq)
	return seq, err
}
