package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A report is what the session has found.
type report struct {
	facts   []string
	versus  [][]string // rows of the table that compares
	figures [][]string // rows of what Postroom does alone
}

var (
	versusHead  = []string{"", "Postroom /s", "CPU µs", "Postfix /s", "CPU µs", "rate ×", "CPU ×", "goal ×"}
	figuresHead = []string{"Postroom alone", "figure", "goal"}
)

// addVersus adds the rows of the loads: accepting, accepting alone, carrying on.
func (r *report) addVersus(list []load, results map[string]*trials) {
	accepted := func(t trial) rate { return t.accepted }
	carried := func(t trial) rate { return t.carried }
	for _, l := range list {
		t := results[l.name]
		r.compare("accept, "+l.name, each(t.postroom, accepted), each(t.postfix, accepted), l.acceptGoal)
		r.compare("accept, nothing else running, "+l.name, each(t.receiver, accepted), each(t.postfix, accepted), l.acceptGoal)
	}
	for _, l := range list {
		t := results[l.name]
		r.compare("until every mail is a ticket / the queue is empty, "+l.name, each(t.postroom, carried), each(t.postfix, carried), l.ticketGoal)
	}
	for _, l := range list {
		t := results[l.name]
		all := median(each(t.postroom, func(t trial) time.Duration { return t.carried.cpu }))
		database := median(each(t.postroom, func(t trial) time.Duration { return t.database }))
		r.figure("CPU of each mail until its ticket, "+l.name,
			fmt.Sprintf("%d µs in the server, %d in the database", (all-database).Microseconds(), database.Microseconds()), "")
		wal := func(t trial) float64 { return t.wal / 1024 }
		r.figure("WAL of each mail until its ticket, "+l.name, fmt.Sprintf("%.1f KiB", median(each(t.postroom, wal))), "")
		r.figure("WAL of each mail accepted, "+l.name, fmt.Sprintf("%.1f KiB", median(each(t.receiver, wal))), "")
	}
}

func (r *report) compare(name string, ours, theirs []rate, goal string) {
	perSecond := func(x rate) float64 { return x.perSecond }
	micros := func(x rate) float64 { return float64(x.cpu.Microseconds()) }
	o, t := median(each(ours, perSecond)), median(each(theirs, perSecond))
	oc, tc := median(each(ours, micros)), median(each(theirs, micros))
	r.versus = append(r.versus, []string{
		name, spread(each(ours, perSecond)), fmt.Sprintf("%.0f", oc), spread(each(theirs, perSecond)), fmt.Sprintf("%.0f", tc),
		fmt.Sprintf("%.1f", o/t), fmt.Sprintf("%.1f", tc/oc), goal,
	})
}

func (r *report) figure(name, value, goal string) {
	r.figures = append(r.figures, []string{name, value, goal})
}

// addLatency adds one rate's rows.
func (r *report) addLatency(rate int, goal string, runs []latency) {
	row := func(name string, of func(latency) [2]time.Duration, goal string) {
		p50 := each(runs, func(l latency) time.Duration { return of(l)[0] })
		p99 := each(runs, func(l latency) time.Duration { return of(l)[1] })
		r.figure(fmt.Sprintf("%d/s offered, %s", rate, name), fmt.Sprintf("p50 %s, p99 %s", ms(median(p50)), ms(median(p99))), goal)
	}
	row("received → filed", func(l latency) [2]time.Duration { return l.done }, goal)
	row("received → ticket committed, by the histogram", func(l latency) [2]time.Duration { return l.visible }, goal)
	row("due → answered 250, at the sender", func(l latency) [2]time.Duration { return l.answered }, "")
	cpu := median(each(runs, func(l latency) time.Duration { return l.cpu }))
	r.figure(fmt.Sprintf("%d/s offered, CPU of each mail", rate), fmt.Sprintf("%d µs", cpu.Microseconds()), "")
}

// addGrowth adds the rows of installations with few messages, with many, and of a
// new workspace in the latter.
func (r *report) addGrowth(stored int, rates [][]rate) {
	perSecond := func(x rate) float64 { return x.perSecond }
	few := median(each(rates[0], perSecond))
	for i, name := range []string{
		fmt.Sprintf("%d stored", growthRun), fmt.Sprintf("%d stored", stored), fmt.Sprintf("%d stored, a new workspace", stored),
	} {
		list := each(rates[i], perSecond)
		cpu := median(each(rates[i], func(x rate) time.Duration { return x.cpu }))
		r.figure("tickets/s, "+name,
			fmt.Sprintf("%s/s, %.0f %%, %d µs of CPU each", spread(list), 100*median(list)/few, cpu.Microseconds()), "≥ 90 %")
	}
}

func each[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = f(a)
	}
	return out
}

// median of an even number is the lower of the two in the middle.
func median[T float64 | int64 | time.Duration](list []T) T {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)-1)/2]
}

// spread shows a median, and between which runs it lies.
func spread(list []float64) string {
	if len(list) < 2 {
		return fmt.Sprintf("%.0f", median(list))
	}
	return fmt.Sprintf("%.0f (%.0f–%.0f)", median(list), slices.Min(list), slices.Max(list))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// print writes the tables in Markdown, aligned to be read as they are.
func (r *report) print(w io.Writer) {
	for _, f := range r.facts {
		fmt.Fprintf(w, "- %s\n", f)
	}
	printTable(w, versusHead, r.versus)
	printTable(w, figuresHead, r.figures)
}

func printTable(w io.Writer, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(row []string) {
		for i, cell := range row {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(w, "|")
	}
	fmt.Fprintln(w)
	line(head)
	line(each(widths, func(n int) string { return strings.Repeat("-", n) }))
	for _, row := range rows {
		line(row)
	}
}

// save writes the report to a file.
func (r *report) save(path string) error {
	var b strings.Builder
	r.print(&b)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
