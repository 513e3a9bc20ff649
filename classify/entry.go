package classify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Entry is one row of a workspace's journal, for people.
type Entry struct {
	Seq       int64
	MessageID uuid.UUID // of a file that was learned it names no message
	Verdict   Verdict   // Ham, Spam or Forget
	Replaces  *int64    // the judgement that stood until then
	Actor     string
	Source    Source
	At        time.Time
	Stands    bool // no later judgement of the message replaces it, and it takes none back
}

// A JournalQuery asks for a page of a workspace's journal.
type JournalQuery struct {
	Actor   string     // "" for everybody
	Message *uuid.UUID // nil for all messages
	Before  int64      // the last number of the page before; 0 for the first page
	Limit   int
}

// Journal lists judgements, newest first.
func (f *Filter) Journal(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, q JournalQuery) ([]Entry, error) {
	const list = `
select seq, message_id, case verdict when 'forget' then '' else verdict end as verdict, replaces, actor, source, at,
	verdict <> 'forget' and not exists (
		select from classify_event r where r.workspace_id = e.workspace_id and r.replaces = e.seq) as stands
from classify_event e
where workspace_id = $1 and ($2 = '' or actor = $2) and ($3::uuid is null or message_id = $3) and ($4::bigint = 0 or seq < $4)
order by seq desc limit $5`
	rows, err := tx.Query(ctx, list, workspace, q.Actor, q.Message, q.Before, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("training journal: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
	if err != nil {
		return nil, fmt.Errorf("training journal: %w", err)
	}
	return entries, nil
}
