package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Rest is a stage that somebody has paused: its messages wait, in every workspace.
type Rest struct {
	Stage  Stage     `db:"stage"`
	Reason string    `db:"reason"` // for people
	Actor  string    `db:"actor"`
	At     time.Time `db:"at"`
}

const (
	pauseSQL = `
		insert into paused_stage (stage, reason, actor) values ($1, $2, $3)
		on conflict (stage) do update set reason = excluded.reason, actor = excluded.actor, at = excluded.at`
	resumeSQL = `delete from paused_stage where stage = $1`
	restsSQL  = `select stage, reason, actor, at from paused_stage order by at, stage`
)

// Pause makes messages rest in a waiting stage, in every process, within a
// second. Accept goes on.
func (p *Pipeline) Pause(ctx context.Context, s Stage, actor, reason string) error {
	if _, err := p.db.Exec(ctx, pauseSQL, s, reason, actor); err != nil {
		return fmt.Errorf("pause stage %s: %w", s, err)
	}
	return nil
}

// Resume lets the messages of a paused stage go on.
func (p *Pipeline) Resume(ctx context.Context, s Stage) error {
	if _, err := p.db.Exec(ctx, resumeSQL, s); err != nil {
		return fmt.Errorf("resume stage %s: %w", s, err)
	}
	return nil
}

// Rests returns the stages that are paused now, the one that rests longest first.
func (p *Pipeline) Rests(ctx context.Context) ([]Rest, error) {
	rows, err := p.db.Query(ctx, restsSQL)
	if err != nil {
		return nil, fmt.Errorf("paused stages: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Rest])
}
