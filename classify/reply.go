package classify

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
)

// An agent who answers a message takes it for ham. Learning from that costs no click, but it only ever speaks for ham, so it
// is an option that a workspace turns on, and it stops while ham outweighs the spam that people judged.

// replyBalance is how many ham there may be for each spam before replies are no longer learned: beyond it the rarer class
// would drown. MinHam are always welcome.
const replyBalance = 4

// SetLearnReplies turns learning from replies on or off in the caller's transaction.
func (f *Filter) SetLearnReplies(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, on bool) error {
	const set = `
insert into classify_head (workspace_id, learn_replies) values ($1, $2)
on conflict (workspace_id) do update set learn_replies = $2`
	if _, err := tx.Exec(ctx, set, workspace, on); err != nil {
		return fmt.Errorf("learn from replies: %w", err)
	}
	return nil
}

// Replied says that actor has answered a message. If the workspace learns from replies, nobody has judged the message, and
// there is no excess of ham, it is learned as ham; features is only called then. It works in the caller's transaction, which
// must be in the workspace's scope.
func (f *Filter) Replied(ctx context.Context, tx pgx.Tx, workspace, message uuid.UUID, actor string, features func() (Features, error)) (learned bool, err error) {
	const option = `select learn_replies from classify_head where workspace_id = $1`
	on := false
	if err := tx.QueryRow(ctx, option, workspace).Scan(&on); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("learn from replies: %w", err)
	}
	if !on {
		return false, nil
	}
	stands, err := lockAndFind(ctx, tx, workspace, message)
	if err != nil || stands.seq != 0 {
		return false, err
	}
	const balance = `
select count(*) filter (where verdict = 'ham'), count(*) filter (where verdict = 'spam') from classify_event e
where workspace_id = $1 and not exists (
	select from classify_event r where r.workspace_id = e.workspace_id and r.replaces = e.seq)`
	var ham, spam int
	if err := tx.QueryRow(ctx, balance, workspace).Scan(&ham, &spam); err != nil {
		return false, fmt.Errorf("balance of training: %w", err)
	}
	if ham >= MinHam+replyBalance*spam {
		return false, alert.Raise(ctx, tx, workspace, alert.Alert{
			Kind: alert.OneSided, Target: "replies",
			What:   fmt.Sprintf("replies are not learned while there are %d ham and only %d spam", ham, spam),
			Advice: "Judge some spam.",
		})
	}
	fe, err := features()
	if err != nil {
		return false, err
	}
	_, err = f.Train(ctx, tx, workspace, Judgement{MessageID: message, Verdict: Ham, Actor: actor, Source: SourceAuto, Features: fe})
	return err == nil, err
}
