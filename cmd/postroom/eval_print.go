package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"postroom/classify"
)

// print writes one line for each figure and one column for each track.
func (e *evaluation) print(w io.Writer) {
	measures := make([]classify.Measures, len(e.tracks))
	row := func(name string, cell func(i int, t *track) string) {
		fmt.Fprintf(w, "%-34s", name)
		for i, t := range e.tracks {
			fmt.Fprintf(w, "  %-26s", cell(i, t))
		}
		fmt.Fprintln(w)
	}
	for i, t := range e.tracks {
		measures[i] = classify.Measure(t.run)
	}
	fmt.Fprintf(w, "%d messages, %d ham and %d spam; each scored before it was learned\n", e.read, measures[0].Ham, measures[0].Spam)
	row("", func(_ int, t *track) string { return t.name })
	row("(1-ROCA)% (95 % interval)", func(i int, t *track) string {
		low, high := classify.Interval(t.run, classify.Resamples)
		return fmt.Sprintf("%s (%s-%s)", figure(measures[i].ROCA), figure(low), figure(high))
	})
	row("lam%", func(i int, _ *track) string { return fmt.Sprintf("%.3f", measures[i].LAM) })
	row("sm% at hm = 0.1 %", func(i int, _ *track) string { return fmt.Sprintf("%.2f", measures[i].MissAt) })
	row("ham called spam", func(i int, _ *track) string { return share(measures[i].HamCalledSpam, measures[i].Ham) })
	row("spam called ham", func(i int, _ *track) string { return share(measures[i].SpamCalledHam, measures[i].Spam) })
	row("unsure", func(i int, _ *track) string {
		return share(measures[i].Unsure, measures[i].Ham+measures[i].Spam)
	})
	row("expected calibration error", func(i int, _ *track) string { return fmt.Sprintf("%.4f", measures[i].ECE) })
	for i, part := range classify.LearningCurve(e.tracks[0].run) {
		row(fmt.Sprintf("(1-ROCA)%%, messages %d-%d", part.From, part.To), func(_ int, t *track) string {
			return figure(classify.LearningCurve(t.run)[i].ROCA)
		})
	}
	row("µs per score, features and all", func(_ int, t *track) string {
		return fmt.Sprintf("%.0f = %.0f + %.0f", micros(t.extracting+t.scoring, e.read), micros(t.extracting, e.read), micros(t.scoring, e.read))
	})
	row("µs per training", func(_ int, t *track) string { return fmt.Sprintf("%.0f", micros(t.learning, t.learned)) })
	row("µs to learn anew while young", func(_ int, t *track) string {
		return fmt.Sprintf("%.0f, %d times", micros(t.relearning, t.relearned), t.relearned)
	})
	row("model in memory, stored", func(_ int, t *track) string {
		memory, stored := t.trial.Size()
		return fmt.Sprintf("%.2f MB, %.2f MB", float64(memory)/1e6, float64(stored)/1e6)
	})
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "reading the MIME: %.0f µs per message; memory of the process: %.0f MB\n", micros(e.parsing, e.read), float64(m.Sys)/1e6)
}

// figure is a percentage with the digits that mean something; - where a stretch has one class only.
func figure(f float64) string {
	if math.IsNaN(f) {
		return "-"
	}
	return fmt.Sprintf("%.4f", f)
}

func share(n, of int) string {
	if of == 0 {
		return "none"
	}
	return fmt.Sprintf("%d of %d (%.2f %%)", n, of, 100*float64(n)/float64(of))
}

func micros(d time.Duration, n int) float64 {
	return float64(d.Nanoseconds()) / 1e3 / float64(max(n, 1))
}
