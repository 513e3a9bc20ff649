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

// searchBatch is how many messages are made searchable in one transaction. A large
// one would make the commits beside it wait for its log.
const searchBatch = 40

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

// An indexer makes filed messages searchable, soon but never before mail that
// waits: indexing costs the database more than all other stages together.
type indexer struct {
	*Pipeline
	texts map[uuid.UUID]*mail.Mail // at hand; what is not is read back
	pace  pace
}

// searchPause is how long an indexer waits for company once a message is due.
const searchPause = 100 * time.Millisecond

// index runs the indexer until ctx ends.
func (p *Pipeline) index(ctx context.Context) error {
	tick := time.NewTicker(p.limits.Poll)
	defer tick.Stop()
	x := &indexer{Pipeline: p, texts: map[uuid.UUID]*mail.Mail{}, pace: pace{at: time.Now()}}
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-p.indexing:
			x.texts[j.id] = j.mail
			select {
			case <-ctx.Done():
			case <-time.After(searchPause):
			}
		case <-tick.C:
		}
		for ctx.Err() == nil {
			n, err := x.due(ctx)
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

// due indexes one batch in each workspace that waits and returns the size of the
// largest. Under load it gives way, for a while.
func (x *indexer) due(ctx context.Context) (int, error) {
	x.collect()
	rows, err := x.db.Query(ctx, searchWaitingSQL, 10*searchBatch)
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
	most, failed := 0, error(nil)
	for _, w := range waiting {
		if x.loaded(&x.pace) && time.Since(w.Oldest) < x.limits.SearchWait {
			continue
		}
		n, err := x.batch(ctx, w.Workspace, searchBatch, true)
		if postgres.Refused(err) {
			n, err = x.each(ctx, w.Workspace)
		}
		if err != nil { // the other workspaces are not to wait for this one
			failed = err
			continue
		}
		most = max(most, n)
	}
	return most, failed
}

// collect takes the texts that were offered. When more are at hand than will be
// wanted soon, they are forgotten.
func (x *indexer) collect() {
	if len(x.texts) > 2*cap(x.indexing) {
		clear(x.texts)
	}
	for {
		select {
		case j := <-x.indexing:
			x.texts[j.id] = j.mail
			continue
		default:
		}
		return
	}
}

// each indexes what is due one by one, because the database refused a batch. What
// it refuses alone is searchable by nothing, and stays on its ticket.
func (x *indexer) each(ctx context.Context, workspace uuid.UUID) (int, error) {
	for n := range searchBatch {
		done, err := x.batch(ctx, workspace, 1, true)
		if postgres.Refused(err) {
			slog.WarnContext(ctx, "a message cannot be made searchable", "workspace", workspace, "err", err)
			done, err = x.batch(ctx, workspace, 1, false)
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

const (
	searchTakeSQL = `
		with due as materialized (
			select ctid from search_due where workspace_id = $1 order by message_id limit $2 for update skip locked),
		taken as (
			delete from search_due s using due where s.ctid = due.ctid -- by its place: nobody moves what is locked
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

// hastySQL makes a commit return before it is on the disk. A crash may undo it as a
// whole: the messages are then due again.
const hastySQL = `select set_config('synchronous_commit', 'off', true)`

// A dueText is a message that is to be made searchable.
type dueText struct {
	ID   uuid.UUID `db:"id"`
	Hash []byte    `db:"raw_hash"`
	Size int64     `db:"size"`
}

// batch indexes up to most messages that are due in one workspace, in one
// transaction: a crash in the middle leaves them due. Without words it marks them
// as done.
func (x *indexer) batch(ctx context.Context, workspace uuid.UUID, most int, words bool) (int, error) {
	var due []dueText
	err := x.db.InConvoy(ctx, workspace, func(c *postgres.Convoy) error {
		c.Batch.Queue(hastySQL)
		c.Batch.Queue(searchTakeSQL, workspace, most).Query(func(rows pgx.Rows) (err error) {
			due, err = pgx.CollectRows(rows, pgx.RowToStructByName[dueText])
			return err
		})
		if err := c.Send(ctx); err != nil || len(due) == 0 {
			return err
		}
		if words {
			if err := x.readMissing(ctx, workspace, due); err != nil {
				return err
			}
		}
		n := len(due)
		ids, heads, bodies := make([]uuid.UUID, n), make([]string, n), make([]string, n)
		for i, d := range due {
			ids[i] = d.ID
			if m := x.texts[d.ID]; m != nil && words {
				heads[i], bodies[i] = m.Subject+" "+people(m.From), m.Text
			}
		}
		c.Batch.Queue(wordsSQL, workspace, ids, heads, bodies)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("index workspace %s: %w", workspace, err)
	}
	for _, d := range due {
		delete(x.texts, d.ID)
	}
	x.metrics.indexed.Add(float64(len(due)))
	return len(due), nil
}

// readMissing reads back the texts that are not at hand. Mail whose raw bytes are
// gone or altered is searchable by nothing; the doctor names it.
func (x *indexer) readMissing(ctx context.Context, workspace uuid.UUID, due []dueText) error {
	sizes := map[[32]byte]int64{}
	for _, d := range due {
		if x.texts[d.ID] == nil && chunks(int(d.Size)) == 1 {
			sizes[[32]byte(d.Hash)] = d.Size
		}
	}
	var small map[[32]byte][]byte
	if len(sizes) > 0 {
		var err error
		if small, err = x.raws.getSmall(ctx, workspace, sizes); err != nil {
			return err
		}
	}
	for _, d := range due {
		if x.texts[d.ID] != nil {
			continue
		}
		raw := small[[32]byte(d.Hash)]
		if raw == nil {
			var err error
			raw, err = x.raws.get(ctx, workspace, d.Hash, d.Size)
			if errors.Is(err, tickets.ErrNotFound) || errors.Is(err, vault.ErrSealed) {
				slog.WarnContext(ctx, "a message could not be read for search", "workspace", workspace, "message", d.ID, "err", err)
				continue
			}
			if err != nil {
				return err
			}
		}
		m, err := mail.Parse(raw, x.limits.Budget)
		if err != nil {
			slog.InfoContext(ctx, "a message is searchable in part", "workspace", workspace, "message", d.ID, "err", err)
		}
		x.texts[d.ID] = searchable(m, x.limits.SearchText)
	}
	return nil
}

func people(list []mail.Address) string {
	s := ""
	for _, a := range list {
		s += " " + a.Name + " " + a.Email
	}
	return clip(s, maxSubject)
}
