package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"postroom/classify"
	"postroom/internal/trec"
)

type evalCmd struct {
	Index    string   `required:"" help:"A line \"spam path\" or \"ham path\" for each message, in the order of arrival." type:"existingfile" placeholder:"FILE"`
	Root     string   `help:"Folder, tar or tar.gz that the paths lie in. Default: the folder of the index, or the only tar in it." type:"path" placeholder:"DIR|TAR"`
	Feedback feedback `help:"Which labels are learned: all; delayed=N messages late; partial=P of them; first=N of them and then none. Several with commas." default:"all" placeholder:"all|delayed=N|partial=P|first=N"`
	Noise    float64  `help:"Share of the labels that are learned wrong." placeholder:"P"`
	Headers  string   `help:"Measure with all headers, with those that a forwarder leaves (stripped), or both." enum:"both,all,stripped" default:"both" placeholder:"both|all|stripped"`
	Scores   string   `help:"Also write a line \"path label score\" for each message, of the first measurement; a score is the probability of spam." type:"path" placeholder:"FILE"`
}

// A feedback is classify.Feedback on the command line.
type feedback struct{ classify.Feedback }

// UnmarshalText reads terms such as "partial=0.1", with commas between them.
func (f *feedback) UnmarshalText(b []byte) error {
	for term := range strings.SplitSeq(string(b), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(term), "=")
		ok := false
		switch name {
		case "all":
			ok = value == ""
		case "delayed":
			f.Delay, ok = natural(value)
		case "first":
			f.First, ok = natural(value)
		case "partial":
			share, err := strconv.ParseFloat(value, 64)
			f.Share, ok = share, err == nil && 0 < share && share <= 1
		}
		if !ok {
			return fmt.Errorf("feedback %q is none of all, delayed=N, first=N (N from 1), partial=P (P above 0 and at most 1)", term)
		}
	}
	return nil
}

// natural reads a number from 1.
func natural(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0
}

// A track is one measurement of a stream: by all headers, or by those that a forwarder leaves.
type track struct {
	name     string
	stripped bool
	trial    classify.Trial
	course   *classify.Course
	run      []classify.Scored

	extracting, scoring, learning, relearning time.Duration
	learned, relearned                        int
}

// evalSecret keys the features. Another one would give other collisions of hashes, and figures within the interval.
const evalSecret = "evaluation"

// Run measures; it needs no installation.
func (c *evalCmd) Run(ctx context.Context, std streams) error {
	if !(0 <= c.Noise && c.Noise < 1) {
		return fmt.Errorf("--noise %v: a share is from 0 to below 1", c.Noise)
	}
	items, err := trec.ReadIndex(c.Index)
	if err != nil {
		return err
	}
	unpacking := newBar(std.err, 0, "unpacking", false)
	source, err := trec.Open(c.Index, c.Root, items, unpacking.set)
	unpacking.done()
	if err != nil {
		return err
	}
	e := evaluation{items: items, source: source, extractor: classify.New(nil, classify.Config{Secret: []byte(evalSecret)})}
	e.addTracks(c)
	err = errors.Join(c.measure(ctx, &e, std), source.Close())
	if err != nil {
		return err
	}
	e.print(std.out)
	return nil
}

// An evaluation is one pass over an index.
type evaluation struct {
	items     []trec.Item
	source    *trec.Source
	extractor *classify.Filter
	tracks    []*track
	parsing   time.Duration
	read      int
	missing   int
}

func (e *evaluation) addTracks(c *evalCmd) {
	f := c.Feedback.Feedback
	f.Noise = c.Noise
	if c.Headers != "stripped" {
		e.tracks = append(e.tracks, &track{name: "all headers"})
	}
	if c.Headers != "all" {
		e.tracks = append(e.tracks, &track{name: "stripped", stripped: true})
	}
	for _, t := range e.tracks {
		t.course = t.trial.Course(f)
		t.run = make([]classify.Scored, 0, len(e.items))
	}
}

// missingNamed is how many missing messages are named one by one.
const missingNamed = 5

func (c *evalCmd) measure(ctx context.Context, e *evaluation, std streams) error {
	scores, err := createScores(c.Scores)
	if err != nil {
		return err
	}
	progress := newBar(std.err, int64(len(e.items)), "messages", false)
	for i, item := range e.items {
		if err = errors.Join(e.next(item, scores, std.err), ctx.Err()); err != nil {
			break
		}
		progress.set(int64(i+1), int64(len(e.items)))
	}
	progress.done()
	if err = errors.Join(err, scores.close()); err != nil {
		return err
	}
	if e.missing > 0 {
		fmt.Fprintf(std.err, "postroom: %d of the %d messages of %s were not found and are left out\n", e.missing, len(e.items), c.Index)
	}
	if e.read == 0 {
		return fmt.Errorf("none of the messages of %s was found: say with --root where they are", c.Index)
	}
	return nil
}

// next reads one message and measures it; one that is missing is left out.
func (e *evaluation) next(item trec.Item, scores *scoreFile, complaints io.Writer) error {
	raw, err := e.source.Read(item)
	if errors.Is(err, fs.ErrNotExist) {
		if e.missing++; e.missing <= missingNamed {
			fmt.Fprintf(complaints, "postroom: left out: %v\n", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	return e.take(item, raw, scores)
}

// take puts one message through every track.
func (e *evaluation) take(item trec.Item, raw []byte, scores *scoreFile) error {
	start := time.Now()
	d, err := readDocument(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", item.Path, err)
	}
	e.parsing += time.Since(start)
	e.read++
	for i, t := range e.tracks {
		shown := d
		if t.stripped {
			shown = d.Stripped()
		}
		s := t.take(e.extractor, shown, item.Spam)
		if i == 0 {
			scores.add(item, s.P)
		}
	}
	return nil
}

func (t *track) take(extractor *classify.Filter, d classify.Document, spam bool) classify.Score {
	start := time.Now()
	if t.trial.Settle() {
		t.relearned++
		t.relearning += time.Since(start)
		start = time.Now()
	}
	fe := extractor.Features(uuid.UUID{}, d)
	extracted := time.Now()
	s := t.course.Score(fe)
	scored := time.Now()
	t.learned += t.course.Label(fe, spam)
	t.extracting += extracted.Sub(start)
	t.scoring += scored.Sub(extracted)
	t.learning += time.Since(scored)
	t.run = append(t.run, classify.Scored{Spam: spam, LogOdds: s.LogOdds, Verdict: s.Verdict})
	return s
}

// A scoreFile takes the lines of --scores; nil takes none.
type scoreFile struct {
	file *os.File
	*bufio.Writer
}

func createScores(path string) (*scoreFile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--scores: %w", err)
	}
	return &scoreFile{f, bufio.NewWriter(f)}, nil
}

// add writes the score with as many digits as tell it from every other.
func (f *scoreFile) add(item trec.Item, p float64) {
	if f == nil {
		return
	}
	label := "ham"
	if item.Spam {
		label = "spam"
	}
	fmt.Fprintf(f, "%s %s %s\n", item.Path, label, strconv.FormatFloat(p, 'g', -1, 64))
}

func (f *scoreFile) close() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.Flush(), f.file.Close())
}
