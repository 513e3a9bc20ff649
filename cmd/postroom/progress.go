package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A bar shows how far a long task is. Where nobody watches (no terminal) it says
// nothing.
type bar struct{ *progressbar.ProgressBar }

func newBar(w io.Writer, total int64, what string, hidden bool) bar {
	if f, ok := w.(*os.File); hidden || !ok || !term.IsTerminal(int(f.Fd())) {
		return bar{progressbar.DefaultBytesSilent(total)}
	}
	return bar{progressbar.NewOptions64(total,
		progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(w),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())}
}

// set moves the bar; what cannot be drawn does not matter.
func (b bar) set(now, total int64) {
	if b.GetMax64() != total {
		b.ChangeMax64(total)
	}
	_ = b.Set64(now)
}

func (b bar) done() { _ = b.Finish() }
