package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// One message of the log may be written this often in that time. Who knocks at a
// door all day long must not fill the disk that the mail is on.
const (
	thinMost = 1000
	thinTime = time.Minute
)

// A thin handler leaves out what is said too often, and says how much that was.
type thin struct {
	slog.Handler
	*heard
}

// heard counts records by what they say. That is a constant of the program, so
// there are few.
type heard struct {
	mu    sync.Mutex
	since time.Time
	count map[string]int
}

func thinned(h slog.Handler) slog.Handler {
	return thin{h, &heard{count: map[string]int{}}}
}

// Handle writes a record, unless there were too many like it in this minute. What
// somebody did who was let in is written always: they are slowed down elsewhere.
func (t thin) Handle(ctx context.Context, r slog.Record) error {
	if known(r) {
		return t.Handler.Handle(ctx, r)
	}
	over, write := t.hear(r)
	for what, n := range over {
		note := slog.NewRecord(r.Time, slog.LevelWarn, "lines of the log were left out", 0)
		note.AddAttrs(slog.String("saying", what), slog.Int("lines", n))
		if err := t.Handler.Handle(ctx, note); err != nil {
			return err
		}
	}
	if !write {
		return nil
	}
	return t.Handler.Handle(ctx, r)
}

// known reports whether a record names who acted.
func known(r slog.Record) (known bool) {
	r.Attrs(func(a slog.Attr) bool {
		known = a.Key == "actor" && a.Value.String() != ""
		return !known
	})
	return known
}

// hear counts a record. At the first of a new minute it also returns what was left
// out in the one before.
func (h *heard) hear(r slog.Record) (over map[string]int, write bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since := r.Time.Sub(h.since); since < 0 || since >= thinTime {
		for what, n := range h.count {
			if n > thinMost {
				if over == nil {
					over = map[string]int{}
				}
				over[what] = n - thinMost
			}
		}
		h.since, h.count = r.Time, map[string]int{}
	}
	h.count[r.Message]++
	return over, h.count[r.Message] <= thinMost
}

// WithAttrs and WithGroup keep counting together what comes by different loggers.
func (t thin) WithAttrs(attrs []slog.Attr) slog.Handler {
	return thin{t.Handler.WithAttrs(attrs), t.heard}
}

func (t thin) WithGroup(name string) slog.Handler { return thin{t.Handler.WithGroup(name), t.heard} }
