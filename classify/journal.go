package classify

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Judgement is what someone says of a message: ham, spam, or Forget to take back what was said before.
type Judgement struct {
	MessageID uuid.UUID
	Verdict   Verdict // Ham, Spam or Forget
	Actor     string  // who, in the words of the audit
	Source    Source
	Features  Features // may be empty for Forget
}

// A Source says how a judgement came about.
type Source string

// The sources of judgements.
const (
	SourceAgent  Source = "agent"
	SourceAdmin  Source = "admin"
	SourceImport Source = "import"
	SourceAuto   Source = "auto"
)

// ErrJudgement is returned for a judgement that cannot be learned: a verdict or a source that does not exist.
var ErrJudgement = errors.New("not a judgement")

// channel carries the workspace's id whenever its journal or its thresholds change.
const channel = "classify"

// Train appends j to the workspace's journal in the caller's transaction, which must be in the workspace's scope, and
// returns its number. Models learn it after the commit. If the same verdict on the same message stands already, nothing
// is written and its number is returned (0 for Forget); a different one replaces it.
//
// Train holds the workspace's journal until the transaction ends, so others who judge in the same workspace wait.
func (f *Filter) Train(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, j Judgement) (seq int64, err error) {
	if j.Verdict == Unsure {
		return 0, fmt.Errorf("%w: verdict %q", ErrJudgement, j.Verdict)
	}
	features, err := j.stored()
	if err != nil {
		return 0, err
	}
	stands, err := lockAndFind(ctx, tx, workspace, j.MessageID)
	if err != nil {
		return 0, fmt.Errorf("train message %s: %w", j.MessageID, err)
	}
	if stands.verdict == j.Verdict {
		return stands.seq, nil
	}
	seq, err = appendRow(ctx, tx, workspace, row{Judgement: j, replaces: stands.seq, stored: features})
	if err != nil {
		return 0, fmt.Errorf("train message %s: %w", j.MessageID, err)
	}
	if err := disagreement(ctx, tx, workspace, stands, j); err != nil {
		return 0, err
	}
	return seq, nil
}

// TrainAll is Train for many judgements, in one transaction of its own.
func (f *Filter) TrainAll(ctx context.Context, workspace uuid.UUID, list []Judgement) error {
	if len(list) == 0 {
		return nil
	}
	return f.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		for _, j := range list {
			if _, err := f.Train(ctx, tx, workspace, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// stored checks j and returns its features as the journal keeps them.
func (j *Judgement) stored() ([]byte, error) {
	switch j.Source {
	case SourceAgent, SourceAdmin, SourceImport, SourceAuto:
	default:
		return nil, fmt.Errorf("%w: source %q", ErrJudgement, j.Source)
	}
	switch j.Verdict {
	case Forget:
		return []byte{}, nil
	case Ham, Spam:
		return j.Features.MarshalBinary()
	}
	return nil, fmt.Errorf("%w: verdict %q", ErrJudgement, j.Verdict)
}

// standing is the judgement of a message that holds now; the zero value if none does.
type standing struct {
	seq     int64
	verdict Verdict
	actor   string
	source  Source
}

// lockHead also makes the head if it is missing. The statement after it sees all that was committed before the lock.
const lockHead = `
insert into classify_head (workspace_id) values ($1)
on conflict (workspace_id) do update set seq = classify_head.seq`

const findStanding = `
select seq, verdict, actor, source from classify_event
where workspace_id = $1 and message_id = $2
order by seq desc limit 1`

func lockAndFind(ctx context.Context, tx pgx.Tx, workspace, message uuid.UUID) (standing, error) {
	if _, err := tx.Exec(ctx, lockHead, workspace); err != nil {
		return standing{}, err
	}
	var s standing
	err := tx.QueryRow(ctx, findStanding, workspace, message).Scan(&s.seq, &s.verdict, &s.actor, &s.source)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && s.verdict == forgotten {
		return standing{}, nil
	}
	return s, err
}

// forgotten is how the journal writes Forget.
const forgotten Verdict = "forget"

const appendOne = `
with head as (
	update classify_head set seq = seq + 1 where workspace_id = $1 returning seq),
event as (
	insert into classify_event (workspace_id, seq, message_id, verdict, replaces, actor, source, features)
	select $1::uuid, head.seq, $2, $3, nullif($4::bigint, 0), $5, $6, $7 from head
	returning seq)
select seq, pg_notify('` + channel + `', $1::uuid::text)::text from event`

// row is a judgement as it goes into the journal.
type row struct {
	Judgement
	replaces int64 // 0 for nothing
	stored   []byte
}

func appendRow(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, r row) (seq int64, err error) {
	verdict := r.Verdict
	if verdict == Forget {
		verdict = forgotten
	}
	var notified string
	err = tx.QueryRow(ctx, appendOne, workspace, r.MessageID, verdict, r.replaces, r.Actor, r.Source, r.stored).Scan(&seq, &notified)
	return seq, err
}
