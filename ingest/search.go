package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/ingest/mail"
	"postroom/internal/postgres"
	"postroom/internal/vault"
	"postroom/tickets"
)

// searchBatch is how many messages are made searchable in one transaction.
const searchBatch = 100

// offerIndex keeps a filed message's text at hand for the indexer, as far as
// there is room; without it the text is read back.
func (p *Pipeline) offerIndex(j *job) {
	if j.end.stage != Filed || j.mail == nil {
		return
	}
	select {
	case p.indexing <- &job{workspace: j.workspace, id: j.id, mail: searchable(j.mail, p.limits.SearchText)}:
	default:
	}
}

// searchable is the part of a mail that search needs, and no more of it.
func searchable(m *mail.Mail, most int) *mail.Mail {
	// Cloned: a part of the text would keep the whole of it in memory.
	return &mail.Mail{Subject: strings.Clone(clip(m.Subject, maxSubject)), From: m.From[:min(len(m.From), 10)], Text: strings.Clone(clip(m.Text, most))}
}

// index makes filed messages searchable, soon but never before mail that waits:
// indexing costs the database more than all other stages together.
func (p *Pipeline) index(ctx context.Context) error {
	tick := time.NewTicker(p.limits.Poll)
	defer tick.Stop()
	pc := &pace{at: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for ctx.Err() == nil {
			n, err := p.indexDue(ctx, pc)
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "messages could not be made searchable; trying again", "err", err)
			}
			if n < searchBatch {
				break
			}
		}
	}
}

const searchWaitingSQL = `select workspace_id, oldest from search_waiting($1)`

// indexDue indexes one batch in each workspace that waits and returns the size of
// the largest. Under load it gives way, for a while.
func (p *Pipeline) indexDue(ctx context.Context, pc *pace) (int, error) {
	rows, err := p.db.Query(ctx, searchWaitingSQL, 10*searchBatch)
	if err != nil {
		return 0, err
	}
	type due struct {
		Workspace uuid.UUID `db:"workspace_id"`
		Oldest    time.Time `db:"oldest"`
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
	if err != nil {
		return 0, err
	}
	texts := p.drainIndexing()
	most, failed := 0, error(nil)
	for _, w := range waiting {
		if p.loaded(pc) && time.Since(w.Oldest) < p.limits.SearchWait {
			continue
		}
		n, err := p.indexBatch(ctx, w.Workspace, texts, searchBatch)
		if postgres.Refused(err) {
			n, err = p.indexEach(ctx, w.Workspace, texts)
		}
		if err != nil { // the other workspaces are not to wait for this one
			failed = err
			continue
		}
		most = max(most, n)
	}
	return most, failed
}

// indexEach indexes what is due one by one, because the database refused a batch.
// What it refuses alone is searchable by nothing, and stays on its ticket.
func (p *Pipeline) indexEach(ctx context.Context, workspace uuid.UUID, texts map[uuid.UUID]*mail.Mail) (int, error) {
	for n := range searchBatch {
		done, err := p.indexBatch(ctx, workspace, texts, 1)
		if postgres.Refused(err) {
			slog.WarnContext(ctx, "a message cannot be made searchable", "workspace", workspace, "err", err)
			done, err = p.indexBatch(ctx, workspace, nil, 1)
		}
		if err != nil || done == 0 {
			return n, err
		}
	}
	return searchBatch, nil
}

// busyRate is how many messages a second this process files when it has better to
// do than indexing.
const busyRate = 400

// A pace tells how fast messages were filed since it was last asked.
type pace struct {
	count int64
	at    time.Time
	fast  bool
}

// loaded reports whether mail waits for a worker, or came in fast of late.
func (p *Pipeline) loaded(pc *pace) bool {
	if took := time.Since(pc.at); took > 200*time.Millisecond {
		now := p.filed.Load()
		pc.fast = float64(now-pc.count) > busyRate*took.Seconds()
		pc.count, pc.at = now, time.Now()
	}
	return pc.fast || len(p.jobs) > p.limits.Batch/4
}

func (p *Pipeline) drainIndexing() map[uuid.UUID]*mail.Mail {
	texts := map[uuid.UUID]*mail.Mail{}
	for {
		select {
		case j := <-p.indexing:
			texts[j.id] = j.mail
			continue
		default:
		}
		return texts
	}
}

const (
	searchTakeSQL = `
		with due as materialized (
			select message_id from search_due where workspace_id = $1 order by message_id limit $2 for update skip locked),
		taken as (
			delete from search_due s using due where s.workspace_id = $1 and s.message_id = due.message_id
			returning s.message_id)
		select l.* from taken t
		cross join lateral (
			select m.id, m.raw_hash, m.size from message m where m.workspace_id = $1 and m.id = t.message_id offset 0) l`
	wordsSQL = `
		insert into message_words (workspace_id, message_id, words)
		select $1, w.id, setweight(to_tsvector('simple', w.head), 'A') || to_tsvector('simple', w.body)
		from unnest($2::uuid[], $3::text[], $4::text[]) as w (id, head, body)
		on conflict (workspace_id, message_id) do update set words = excluded.words`
)

// indexBatch indexes up to most messages that are due in one workspace, in one
// transaction: a crash in the middle leaves them due. Without texts it marks them
// as done without a word.
func (p *Pipeline) indexBatch(ctx context.Context, workspace uuid.UUID, texts map[uuid.UUID]*mail.Mail, most int) (int, error) {
	n := 0
	err := p.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, searchTakeSQL, workspace, most)
		if err != nil {
			return err
		}
		var ids []uuid.UUID
		var heads, bodies []string
		var id uuid.UUID
		var hash []byte
		var size int64
		sizes := map[uuid.UUID]int64{}
		hashes := map[uuid.UUID][]byte{}
		if _, err := pgx.ForEachRow(rows, []any{&id, &hash, &size}, func() error {
			ids = append(ids, id)
			sizes[id], hashes[id] = size, hash
			return nil
		}); err != nil {
			return err
		}
		for _, id := range ids {
			m := texts[id]
			if m == nil && texts != nil {
				if m, err = p.readForSearch(ctx, workspace, hashes[id], sizes[id]); err != nil {
					return err
				}
			}
			if m == nil {
				m = &mail.Mail{}
			}
			heads, bodies = append(heads, m.Subject+" "+people(m.From)), append(bodies, m.Text)
		}
		if n = len(ids); n == 0 {
			return nil
		}
		_, err = tx.Exec(ctx, wordsSQL, workspace, ids, heads, bodies)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("index workspace %s: %w", workspace, err)
	}
	p.metrics.indexed.Add(float64(n))
	return n, nil
}

// readForSearch parses a message again for its text. One whose raw mail is gone or
// altered is searchable by nothing; the doctor names it.
func (p *Pipeline) readForSearch(ctx context.Context, workspace uuid.UUID, hash []byte, size int64) (*mail.Mail, error) {
	raw, err := p.raws.get(ctx, workspace, hash, size)
	if errors.Is(err, tickets.ErrNotFound) || errors.Is(err, vault.ErrSealed) {
		slog.WarnContext(ctx, "a message could not be read for search", "workspace", workspace, "err", err)
		return &mail.Mail{}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := mail.Parse(raw, p.limits.Budget)
	if err != nil {
		slog.InfoContext(ctx, "a message is searchable in part", "workspace", workspace, "err", err)
	}
	return searchable(m, p.limits.SearchText), nil
}

func people(list []mail.Address) string {
	s := ""
	for _, a := range list {
		s += " " + a.Name + " " + a.Email
	}
	return clip(s, maxSubject)
}
