// Benchfilter runs Postroom's filter, bogofilter and SpamAssassin's Bayes over the same labelled mails in the same order,
// each message scored before it is learned, and prints one table. With --figure it draws their learning curves.
//
// bogofilter is Debian's program with its defaults, SpamAssassin's Bayes Debian's library with nothing else of SpamAssassin
// and no minimum of training. Each learns every label at once.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"postroom/classify"
	"postroom/internal/trec"
)

type options struct {
	Index  string `help:"Index of labelled mails, as for postroom classify eval." default:"../shared/corpora/spam/index.shuffled" type:"path"`
	Root   string `help:"Folder or tar of the mails." type:"path"`
	Most   int    `help:"Measure only so many messages from the beginning." placeholder:"N"`
	Figure string `help:"Also draw the learning curves, as SVG." type:"path" placeholder:"FILE"`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("benchfilter"), kong.Description("Measure Postroom's filter beside bogofilter and SpamAssassin's Bayes."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "benchfilter: %v\n", err)
		os.Exit(1)
	}
}

// A rival is one filter under measure.
type rival struct {
	name string
	run  func(context.Context, *bench, bool) ([]classify.Scored, error)
}

var rivals = []rival{{"Postroom", postroom}, {"bogofilter", bogofilter}, {"SpamAssassin's Bayes", spamassassin}}

// A bench is one session of measuring.
type bench struct {
	options
	dir    string // temporary
	items  []trec.Item
	source *trec.Source
}

func run(ctx context.Context, o options) (err error) {
	b := &bench{options: o}
	if b.items, err = trec.ReadIndex(o.Index); err != nil {
		return err
	}
	if o.Most > 0 {
		b.items = b.items[:min(o.Most, len(b.items))]
	}
	if b.source, err = trec.Open(o.Index, o.Root, b.items, nil); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "postroom-benchfilter-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.source.Close(), os.RemoveAll(b.dir)) }()
	var curves []series
	for _, stripped := range []bool{false, true} {
		fmt.Printf("\n%s, %d messages\n\n| filter | (1-ROCA)%% (95 %% interval) | lam%% | sm%% at hm = 0.1 %% |\n|---|---|---|---|\n", kind(stripped), len(b.items))
		for _, r := range rivals {
			scored, err := r.run(ctx, b, stripped)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			m := classify.Measure(scored)
			low, high := classify.Interval(scored, 200)
			fmt.Printf("| %s | %.4f (%.4f-%.4f) | %.3f | %.2f |\n", r.name, m.ROCA, low, high, m.LAM, m.MissAt)
			if stripped {
				curves = append(curves, series{r.name, scored})
			}
		}
	}
	if o.Figure == "" {
		return nil
	}
	return os.WriteFile(o.Figure, []byte(figure(curves)), 0o644)
}

func kind(stripped bool) string {
	if stripped {
		return "As a forwarder leaves them"
	}
	return "All headers"
}

// postroom runs the product's own command.
func postroom(ctx context.Context, b *bench, stripped bool) ([]classify.Scored, error) {
	index, scores := filepath.Join(b.dir, "index"), filepath.Join(b.dir, "scores")
	if err := b.writeIndex(index); err != nil {
		return nil, err
	}
	root, headers := b.Root, "all"
	if stripped {
		headers = "stripped"
	}
	if root == "" {
		root = filepath.Dir(b.Index)
		if tars, _ := filepath.Glob(filepath.Join(root, "*.tar.gz")); len(tars) == 1 { // the pattern is well-formed
			root = tars[0]
		}
	}
	cmd := exec.CommandContext(ctx, "go", "run", "postroom/cmd/postroom", "classify", "eval", "--index", index, "--root", root, "--headers", headers, "--scores", scores)
	cmd.Stderr = os.Stderr
	if out, err := cmd.Output(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return readScores(scores)
}

func (b *bench) writeIndex(path string) error {
	var text strings.Builder
	for _, item := range b.items {
		fmt.Fprintf(&text, "%s %s\n", label(item.Spam), item.Path)
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}

func label(spam bool) string {
	if spam {
		return "spam"
	}
	return "ham"
}

// readScores reads lines of "path label score"; a path may have spaces.
func readScores(path string) ([]classify.Scored, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var list []classify.Scored
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 3 {
			return nil, fmt.Errorf("%s: %q is no line of scores", path, lines.Text())
		}
		s, err := scored(words[len(words)-2] == "spam", words[len(words)-1])
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// scored reads a probability of spam; the order is what counts, so 0 and 1 go as far out as numbers do.
func scored(spam bool, p string) (classify.Scored, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
	if err != nil || f < 0 || f > 1 {
		return classify.Scored{}, fmt.Errorf("%q is no probability", p)
	}
	return classify.Scored{Spam: spam, LogOdds: math.Log(f+1e-300) - math.Log1p(1e-16-f)}, nil
}
