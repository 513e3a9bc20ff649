package classify

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// originsBack is how many of the newest judgements are searched for a token: 8 MB of journal, some 30 ms.
const originsBack = 2000

// originsNamed is how many messages are named for each token.
const originsNamed = 3

// An Origin is a message that taught the model a token.
type Origin struct {
	Seq       int64
	MessageID uuid.UUID
	Verdict   Verdict
	Actor     string
}

// Explain is Score with, for each token listed, the newest training messages that have it (Contribution.Origins).
func (f *Filter) Explain(ctx context.Context, workspace uuid.UUID, fe Features) (Score, error) {
	s, err := f.Score(ctx, workspace, fe)
	if err != nil {
		return s, err
	}
	return s, f.Trace(ctx, workspace, &s)
}

// Trace adds to a score of the workspace's filter what Explain adds to Score.
func (f *Filter) Trace(ctx context.Context, workspace uuid.UUID, s *Score) error {
	asked := make(map[uint32]*Contribution, maxContributions)
	for i := range s.Contributions {
		if c := &s.Contributions[i]; c.Kind == KindToken && c.Ham+c.Spam > 0 {
			asked[c.id] = c
		}
	}
	if len(asked) == 0 {
		return nil
	}
	err := f.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error { return originsOf(ctx, tx, workspace, asked) })
	if err != nil {
		return fmt.Errorf("explain score: %w", err)
	}
	return nil
}

func originsOf(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, asked map[uint32]*Contribution) error {
	const newest = `
select seq, message_id, verdict, actor, features from classify_event e
where workspace_id = $1 and verdict <> 'forget' and not exists (
	select from classify_event r where r.workspace_id = e.workspace_id and r.replaces = e.seq)
order by seq desc limit $2`
	rows, err := tx.Query(ctx, newest, workspace, originsBack)
	if err != nil {
		return err
	}
	var o Origin
	var stored []byte
	_, err = pgx.ForEachRow(rows, []any{&o.Seq, &o.MessageID, &o.Verdict, &o.Actor, &stored}, func() error {
		var fe Features
		if fe.UnmarshalBinary(stored) != nil {
			return nil // the model does without it too, and has said so
		}
		for id, c := range asked {
			if _, has := slices.BinarySearch(fe.words, id); has && len(c.Origins) < originsNamed {
				c.Origins = append(c.Origins, o)
			}
		}
		return nil
	})
	return err
}
