package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A flood of one message is cut, others come through, and the next minute says how
// much was left out.
func TestThin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(thinned(slog.NewJSONHandler(&out, nil)))
		for range 5 * thinMost {
			log.With("peer", "x").Warn("sign-in failed")
		}
		for range 2 * thinMost {
			log.Info("request", "actor", "anna")
			log.Info("request", "actor", "")
		}
		if n := strings.Count(out.String(), "anna"); n != 2*thinMost {
			t.Errorf("%d lines of what a known person did, want %d", n, 2*thinMost)
		}
		if n := strings.Count(out.String(), `"actor":""`); n != thinMost {
			t.Errorf("%d lines of what strangers did, want %d", n, thinMost)
		}
		log.Error("the disk is full")
		if n := strings.Count(out.String(), "sign-in failed"); n != thinMost {
			t.Errorf("%d lines of a flood, want %d", n, thinMost)
		}
		if !strings.Contains(out.String(), "the disk is full") {
			t.Error("another message was drowned")
		}
		out.Reset()
		time.Sleep(thinTime)
		log.Warn("sign-in failed")
		if want := `"saying":"sign-in failed","lines":4000`; !strings.Contains(out.String(), want) || strings.Count(out.String(), "\n") != 3 {
			t.Errorf("the next minute says %q, want %q before its own line", out.String(), want)
		}
	})
}
