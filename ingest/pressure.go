package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// lookEvery is how often the pressure gauges are read.
const lookEvery = time.Second

// clockStep is how far the database's clock may drift from ours within a look
// before we take it that somebody set it.
const clockStep = 10 * time.Second

// pressure knows whether more mail may come in, and which stages rest.
type pressure struct {
	limits Limits
	disk   string

	mu     sync.RWMutex
	why    string // "" when mail may come in
	rest   map[Stage]bool
	depths []Depth
	at     time.Time // of the last successful look
	offset time.Duration
	known  bool          // offset is
	looked chan struct{} // closed by the first successful look
}

// Depth is how many messages of all workspaces wait in a stage.
type Depth struct {
	Stage   Stage      `db:"stage"`
	Waiting int64      `db:"waiting"`
	Due     int64      `db:"due"`
	Oldest  *time.Time `db:"oldest"` // when the one that waits longest was received
}

// busy returns why no mail may come in now, "" when it may.
func (pr *pressure) busy() string {
	pr.mu.RLock()
	defer pr.mu.RUnlock()
	return pr.why
}

func (pr *pressure) paused(s Stage) bool {
	pr.mu.RLock()
	defer pr.mu.RUnlock()
	return pr.rest[s]
}

// Busy returns why mail is not accepted at the moment, "" when it is.
func (p *Pipeline) Busy() string { return p.pressure.busy() }

// Paused reports whether a stage rested at the last look.
func (p *Pipeline) Paused(s Stage) bool { return p.pressure.paused(s) }

// Depths returns how many messages waited in each stage at the last look, and
// when that was.
func (p *Pipeline) Depths() ([]Depth, time.Time) {
	p.pressure.mu.RLock()
	defer p.pressure.mu.RUnlock()
	return p.pressure.depths, p.pressure.at
}

// watchPressure reads the gauges every second until ctx ends.
func (p *Pipeline) watchPressure(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		p.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

const (
	statisticsSQL = `select refresh_statistics()`

	depthSQL  = `select stage, waiting, due, oldest from queue_depth()`
	pausedSQL = `select stage from paused_stage`
	clockSQL  = `select clock_timestamp()`
)

// look reads all gauges once.
func (p *Pipeline) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	depths, rest, clock, err := p.readGauges(ctx)
	pr := &p.pressure
	before := pr.busy()
	var waiting int64
	for _, d := range depths {
		waiting += d.Waiting
	}
	why := ""
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return // we are stopping
	case err != nil:
		why = "database_away"
	case waiting > p.limits.QueueLong:
		why = "queue_long"
	case pr.diskLow():
		why = "disk_low"
	}
	if why != before {
		slog.WarnContext(ctx, "back-pressure", "was", before, "is", why, "waiting", waiting, "err", err)
	}
	stepped := pr.update(why, depths, rest, clock, err == nil)
	if stepped {
		slog.WarnContext(ctx, "the database's clock was set; leases are given free")
		if _, err := p.ReleaseLeases(ctx); err != nil {
			slog.WarnContext(ctx, "leases could not be given free", "err", err)
		}
		p.poke()
	}
	if err == nil {
		p.metrics.depths(depths)
	}
}

// refreshStatistics keeps the planner's statistics in step with tables that grow
// fast, until ctx ends.
func (p *Pipeline) refreshStatistics(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := p.db.Exec(ctx, statisticsSQL); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "statistics could not be refreshed; queries may be slow", "err", err)
		}
	}
}

func (p *Pipeline) readGauges(ctx context.Context) (depths []Depth, rest map[Stage]bool, clock time.Time, err error) {
	b := &pgx.Batch{}
	b.Queue(depthSQL).Query(func(rows pgx.Rows) error {
		var err error
		depths, err = pgx.CollectRows(rows, pgx.RowToStructByName[Depth])
		return err
	})
	b.Queue(pausedSQL).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowTo[Stage])
		rest = map[Stage]bool{}
		for _, s := range list {
			rest[s] = true
		}
		return err
	})
	b.Queue(clockSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&clock) })
	err = p.db.Across(ctx, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
	return depths, rest, clock, err
}

// started anchors the monotonic clock, which nobody can set.
var started = time.Now()

// update stores a look and reports whether the database's clock was set back or
// forward since the one before: due times would then lie wrong.
func (pr *pressure) update(why string, depths []Depth, rest map[Stage]bool, clock time.Time, ok bool) (stepped bool) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.why = why
	if !ok {
		return false
	}
	offset := clock.Sub(started.Round(0)) - time.Since(started)
	if !pr.known {
		close(pr.looked)
	}
	stepped = pr.known && (offset-pr.offset).Abs() > clockStep
	pr.depths, pr.rest, pr.at, pr.offset, pr.known = depths, rest, time.Now(), offset, true
	return stepped
}

// diskLow reports whether the disk is nearly full.
func (pr *pressure) diskLow() bool {
	if pr.disk == "" {
		return false
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(pr.disk, &st); err != nil {
		return false
	}
	// On a small disk the reserve is an eighth of it.
	return int64(st.Bavail)*int64(st.Bsize) < min(pr.limits.DiskLow, int64(st.Blocks)*int64(st.Bsize)/8)
}
