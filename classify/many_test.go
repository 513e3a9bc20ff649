package classify_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"postroom/classify"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

// TestManyWorkspaces trains the filters of many workspaces and scores in all of them, in any order, by a cache that holds few:
// each must say again and again what it said when it was fresh, within the memory that is allowed. With POSTROOM_CHAOS=long
// there are 2,000 workspaces and 2 GB.
func TestManyWorkspaces(t *testing.T) {
	if underRace {
		t.Skip("trains 20,500 messages")
	}
	workspaces, models, most := 100, 16, 512
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		workspaces, models, most = 2000, 64, 2048
	}
	db := pgtest.New(t)
	f := classify.New(db, classify.Config{Secret: []byte("a secret of thirty-two bytes ..."), Models: models})
	forgetPeak(t)
	start := time.Now()
	list := make([]uuid.UUID, workspaces)
	fresh := make([]float64, workspaces)
	var g errgroup.Group
	g.SetLimit(2)
	for i := range list {
		list[i] = uuid.New()
		g.Go(func() (err error) {
			fresh[i], err = teach(t, f, db, list[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	trained, start := time.Since(start), time.Now()
	const rounds = 2
	r := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		for _, i := range r.Perm(workspaces) {
			s, err := f.Score(t.Context(), list[i], f.Features(list[i], madeUp(9999, true)))
			if err != nil || s.LogOdds != fresh[i] {
				t.Fatalf("workspace %d scores %v (%v), and %v when it was fresh", i, s.LogOdds, err, fresh[i])
			}
		}
	}
	each := time.Since(start) / time.Duration(rounds*workspaces)
	peak := peakMemory(t)
	t.Logf("%d workspaces of %d messages trained in %v, %d models kept: a score with loading %v, at most %d MB in memory",
		workspaces, lessonsEach, trained.Round(time.Second), models, each.Round(10*time.Microsecond), peak)
	if peak > most {
		t.Errorf("%d MB in memory, want at most %d", peak, most)
	}
}

// lessonsEach makes a grown model of full size, for which a snapshot is kept.
const lessonsEach = 205

// teach trains a new workspace's filter and returns what it says of a new message.
func teach(t *testing.T, f *classify.Filter, db *postgres.DB, workspace uuid.UUID) (float64, error) {
	err := db.InWorkspace(t.Context(), workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "insert into workspace (workspace_id, name) values ($1, 'test')", workspace)
		return err
	})
	if err != nil {
		return 0, err
	}
	judgements := make([]classify.Judgement, lessonsEach)
	for n := range judgements {
		j := classify.Judgement{MessageID: uuid.New(), Verdict: classify.Ham, Actor: "anna", Source: classify.SourceImport}
		if n%3 == 0 {
			j.Verdict = classify.Spam
		}
		j.Features = f.Features(workspace, madeUp(n, n%3 == 0))
		judgements[n] = j
	}
	if err := f.TrainAll(t.Context(), workspace, judgements); err != nil {
		return 0, err
	}
	if err := f.Keep(t.Context(), workspace); err != nil {
		return 0, err
	}
	s, err := f.Score(t.Context(), workspace, f.Features(workspace, madeUp(9999, true)))
	return s.LogOdds, err
}

// madeUp is a small mail of its class.
func madeUp(n int, spam bool) classify.Document {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	text := &strings.Builder{}
	for range 40 {
		word := r.IntN(300)
		if spam == (r.IntN(10) < 8) {
			word += 300
		}
		fmt.Fprintf(text, "word%d ", word)
	}
	from := fmt.Sprintf("p%d@example.com", n)
	return classify.Document{
		Header: []classify.Field{{Name: "From", Value: from}}, Subject: fmt.Sprint("letter ", n), From: []string{from}, Text: text.String(),
	}
}

// forgetPeak makes the kernel measure this process's peak of memory anew.
func forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("the peak of memory cannot be measured here: %v", err)
	}
}

// peakMemory is the most memory that this process had, in MB.
func peakMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatalf("VmHWM in %q: %v", status, err)
	}
	return kb >> 10
}
