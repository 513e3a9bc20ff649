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
	// The last word on each message that was judged since, and the last one among those that remain, appended where they differ.
	const restore = `
with touched as materialized (
	select distinct message_id from classify_event where workspace_id = $1 and at > $2 and ($3 = '' or actor = $3)),
now as (
	select distinct on (message_id) message_id, seq, verdict from classify_event
	where workspace_id = $1 and message_id in (select message_id from touched) order by message_id, seq desc),
kept as (
	select distinct on (message_id) message_id, seq, verdict from classify_event
	where workspace_id = $1 and message_id in (select message_id from touched) and not (at > $2 and ($3 = '' or actor = $3))
	order by message_id, seq desc),
differing as materialized (
	select now.message_id, now.seq, now.verdict as was, kept.seq as kept_seq, coalesce(kept.verdict, 'forget') as verdict,
		row_number() over (order by now.seq) as place
	from now left join kept using (message_id) where now.verdict <> coalesce(kept.verdict, 'forget')),
head as (
	update classify_head set seq = seq + (select count(*) from differing) where workspace_id = $1 returning seq),
event as (
	insert into classify_event (workspace_id, seq, message_id, verdict, replaces, actor, source, features)
	select $1, head.seq - (select count(*) from differing) + d.place, d.message_id, d.verdict,
		case when d.was <> 'forget' then d.seq end, $4, 'admin',
		case when d.verdict = 'forget' then '' else
			(select features from classify_event e where e.workspace_id = $1 and e.seq = d.kept_seq) end
	from differing d, head
	returning seq)
select count(*), pg_notify('` + channel + `', $1::uuid::text)::text from event`
	var notified string
	if err := tx.QueryRow(ctx, restore, workspace, r.To, r.Of, r.Actor).Scan(&changed, &notified); err != nil {
		return 0, fmt.Errorf("take judgements back: %w", err)
	}
	return changed, nil
}
