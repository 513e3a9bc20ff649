package classify_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"postroom/classify"
	"postroom/ingest/mail"
)

// labelled is one message of the corpus.
type labelled struct {
	spam bool
	raw  []byte
}

// corpus reads the spam corpus in its shuffled order. The files stay where they are; see the corpora's README.
var corpus = sync.OnceValues(func() ([]labelled, error) {
	dir := os.Getenv("POSTROOM_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpora")
	}
	f, err := os.Open(filepath.Join(dir, "spam", "spamassassin.tar.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mails, err := readArchive(f)
	if err != nil {
		return nil, err
	}
	index, err := os.Open(filepath.Join(dir, "spam", "index.shuffled"))
	if err != nil {
		return nil, err
	}
	defer index.Close()
	var out []labelled
	lines := bufio.NewScanner(index)
	for lines.Scan() {
		label, path, _ := strings.Cut(lines.Text(), " ")
		raw, ok := mails[path]
		if !ok {
			return nil, fmt.Errorf("%s is in the index but not in the archive", path)
		}
		out = append(out, labelled{label == "spam", raw})
	}
	return out, lines.Err()
})

func readArchive(r io.Reader) (map[string][]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	mails := make(map[string][]byte)
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return mails, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		raw, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		mails[strings.TrimPrefix(h.Name, "./")] = raw
	}
}

// document is the shape of what ingest does; the budget's error is left out, as the Mail holds what was read.
func document(raw []byte) classify.Document {
	m, _ := mail.Parse(raw, mail.Budget{})
	d := classify.Document{Subject: m.Subject, Text: m.Text, HTML: m.HTML, From: emails(m.From), ReplyTo: emails(m.ReplyTo), To: append(emails(m.To), emails(m.Cc)...)}
	for _, f := range m.Header {
		d.Header = append(d.Header, classify.Field{Name: f.Name, Value: f.Value})
	}
	for _, p := range m.Parts {
		d.Parts = append(d.Parts, classify.PartInfo{ContentType: p.ContentType, Filename: p.Filename, Charset: p.Charset, Size: int(p.Size)})
	}
	return d
}

func emails(list []mail.Address) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Email)
	}
	return out
}

// load returns the first most messages of the corpus, which skips the test if it is absent.
func load(t testing.TB, most int) []labelled {
	t.Helper()
	mails, err := corpus()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no spam corpus (set POSTROOM_CORPORA): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return mails[:min(most, len(mails))]
}

var extractor = classify.New(nil, classify.Config{Secret: []byte("evaluation")})

// everything is more messages than the corpus has.
const everything = 1 << 20

// extracted returns the features of the first most messages.
func extracted(t testing.TB, most int, strip bool) ([]labelled, []classify.Features) {
	t.Helper()
	mails := load(t, most)
	fes := make([]classify.Features, len(mails))
	for i := range mails {
		d := document(mails[i].raw)
		if strip {
			d = d.Stripped()
		}
		fes[i] = extractor.Features(uuid.UUID{1}, d)
	}
	return mails, fes
}

// TestAccuracy replays the corpus as a mailbox would see it. Its limits guard against regressions: a
// little above what was measured.
func TestAccuracy(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("replays 6,046 messages several times")
	}
	for _, c := range []struct {
		name     string
		strip    bool
		feedback classify.Feedback
		from     int // messages before this one are not measured
		roca     float64
		ece      float64
		lost     int // ham called spam
	}{
		{name: "all labels", roca: 0.07, ece: 0.008, lost: 10},
		{name: "all labels, headers taken away", strip: true, roca: 0.09, ece: 0.008, lost: 10},
		{name: "a tenth of the labels, 1 % wrong", feedback: classify.Feedback{Share: 0.1, Noise: 0.01}, roca: 1, ece: 0.06, lost: 30},
		{name: "labels 1,000 messages late", feedback: classify.Feedback{Delay: 1000}, from: 1200, roca: 0.1, ece: 0.01, lost: 10},
		{name: "labels for the first half, then none", feedback: classify.Feedback{First: 3023}, from: 3023, roca: 0.06, ece: 0.01, lost: 8},
		{name: "5 % wrong labels", feedback: classify.Feedback{Noise: 0.05}, roca: 0.4, ece: 0.1, lost: 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			mails, fes := extracted(t, everything, c.strip)
			var trial classify.Trial
			run := trial.Run(len(mails), c.feedback, func(i int) (classify.Features, bool) { return fes[i], mails[i].spam })
			m := classify.Measure(run[c.from:])
			low, high := classify.Interval(run[c.from:], 100)
			t.Logf("(1-ROCA)%% %.4f (%.4f-%.4f)  lam%% %.3f  sm%%@hm=.1%% %.2f  ECE %.4f  ham called spam %d of %d  spam called ham %d of %d  unsure %.1f %%",
				m.ROCA, low, high, m.LAM, m.MissAt, m.ECE, m.HamCalledSpam, m.Ham, m.SpamCalledHam, m.Spam, 100*float64(m.Unsure)/float64(m.Ham+m.Spam))
			if m.ROCA > c.roca || m.ECE > c.ece || m.HamCalledSpam > c.lost || math.IsNaN(m.ROCA) {
				t.Errorf("(1-ROCA)%% %.4f, ECE %.4f, %d ham lost; want at most %v, %v, %d", m.ROCA, m.ECE, m.HamCalledSpam, c.roca, c.ece, c.lost)
			}
			if c.feedback != (classify.Feedback{}) {
				return
			}
			early, later := classify.Measure(run[50:250]), classify.Measure(run[200:1200])
			memory, stored := trial.Size()
			t.Logf("learning curve: messages 50-250 %.3f, 200-1,200 %.3f; model %.1f MB in memory, %.2f MB stored", early.ROCA, later.ROCA, float64(memory)/1e6, float64(stored)/1e6)
			if early.ROCA > 2 || later.ROCA > 0.5 || memory > 8e6 || stored > 2e6 {
				t.Error("want at most 2, 0.5, 8 MB, 2 MB")
			}
		})
	}
}

// TestLearningCurve is the beginning of TestAccuracy, short enough to run always.
func TestLearningCurve(t *testing.T) {
	mails, fes := extracted(t, 400, true)
	var trial classify.Trial
	run := trial.Run(len(mails), classify.Feedback{}, func(i int) (classify.Features, bool) { return fes[i], mails[i].spam })
	m := classify.Measure(run[50:250])
	t.Logf("messages 50-250: (1-ROCA)%% %.3f", m.ROCA)
	if m.ROCA > 2 || m.HamCalledSpam > 2 {
		t.Errorf("messages 50-250: (1-ROCA)%% %.3f, %d ham lost; want at most 2, 2", m.ROCA, m.HamCalledSpam)
	}
}
