package classify

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

// killedTrainer is set in the process that TestKilledTrainerLosesNothing starts: "workspace first-letter owner-url url".
const killedTrainer = "POSTROOM_TEST_TRAINER"

// TestTrainerProcess trains without end and prints each number once it is committed; it does so only when started by the
// test below.
func TestTrainerProcess(t *testing.T) {
	order := strings.Fields(os.Getenv(killedTrainer))
	if len(order) != 4 {
		t.Skip("started by TestKilledTrainerLosesNothing only")
	}
	db, err := postgres.Open(t.Context(), postgres.Config{URL: order[3], OwnerURL: order[2]})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f, w := newFilter(db), uuid.MustParse(order[0])
	first, err := strconv.Atoi(order[1])
	if err != nil {
		t.Fatal(err)
	}
	for n := first; ; n++ {
		fmt.Printf("trained %d %d\n", n, train(t, f, w, judge(f, w, n, verdictOf(n))))
		if n%7 == 0 {
			if err := f.Refresh(t.Context(), w); err != nil { // steps of learning to be killed between
				t.Fatal(err)
			}
		}
	}
}

// A trainer that is killed at any moment has lost nothing it was told was kept, leaves no gap and no half of a judgement, and
// whoever comes after it makes the same model as a journal that was written in one go.
func TestKilledTrainerLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	cfg := pgtest.Database(t)
	db, err := postgres.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	f, w := newFilter(db), newWorkspace(t, db)
	kept := map[int]int64{}
	next := 0
	for round := range 6 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTrainerProcess$", "-test.v")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s %s", killedTrainer, w, next, cfg.OwnerURL, cfg.URL))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var n int
			var seq int64
			if _, err := fmt.Sscanf(lines.Text(), "trained %d %d", &n, &seq); err != nil {
				continue
			}
			kept[n], next = seq, n+1
			if n%20 == 19 {
				time.AfterFunc(time.Duration(round)*1700*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait() // killed
	}
	if len(kept) < 100 {
		t.Fatalf("only %d judgements were told of; want each round to train", len(kept))
	}
	within(t, f, w, func(tx pgx.Tx) error {
		for n, seq := range kept {
			var stands bool
			const query = `select exists (select from classify_event where seq = $1 and message_id = $2)`
			if err := tx.QueryRow(t.Context(), query, seq, judge(f, w, n, Ham).MessageID).Scan(&stands); err != nil || !stands {
				t.Errorf("judgement %d of letter %d is not in the journal (%v)", seq, n, err)
			}
		}
		var rows, head int64
		err := tx.QueryRow(t.Context(), `select (select count(*) from classify_event), (select seq from classify_head)`).Scan(&rows, &head)
		if err == nil && rows != head {
			t.Errorf("%d rows up to number %d: want no gap", rows, head)
		}
		return err
	})
	if one, other := digest(t, f, w), digest(t, newFilter(db), w); string(one) != string(other) {
		t.Error("two that come after make different models")
	}
}
