package classify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The rule that is found by a message's features is the one that is found by its senders.
func TestHashedRulesAreTheRules(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	now := time.Now()
	past := now.Add(-time.Hour)
	hosts := []string{"a.example", "b.a.example", "c.b.a.example", "example.org", "other.example.org", "xa.example"}
	address := func() string { return fmt.Sprintf("P%d@%s", r.IntN(3), hosts[r.IntN(len(hosts))]) }
	met := map[Verdict]int{}
	for range 3000 {
		rules := senderRules{}
		for range r.IntN(6) {
			rule := SenderRule{Pattern: strings.ToLower(address()), Verdict: []Verdict{Ham, Spam}[r.IntN(2)]}
			if r.IntN(2) == 0 {
				rule.Pattern = domainOf(rule.Pattern)
			}
			if r.IntN(8) == 0 {
				rule.ExpiresAt = &past
			}
			rules[rule.Pattern] = rule
		}
		d := Document{From: []string{address()}, Text: "hello a.example", To: []string{address()}}
		fe := extract(testKey, &d)
		want, wantOK := rules.find(d.From, now)
		got, ok := rules.hashed(testKey).find(&fe, now)
		if ok != wantOK || got != want {
			t.Fatalf("from %q by %v: %+v, %v; want %+v, %v", d.From, rules, got, ok, want, wantOK)
		}
		met[got.Verdict]++
	}
	if met[Ham] == 0 || met[Spam] == 0 || met[""] == 0 {
		t.Errorf("met %v: want all", met)
	}
}

func TestDryRunKeepsToTheLists(t *testing.T) {
	t.Parallel()
	f, w := taughtFilter(t, 300)
	before, err := f.Dry(t.Context(), w, DryRun{})
	if err != nil {
		t.Fatal(err)
	}
	within(t, f, w, func(tx pgx.Tx) error {
		_, err := f.SetSender(t.Context(), tx, w, SenderRule{Pattern: "p150@example.com", Verdict: Ham, Actor: "anna"})
		if err == nil {
			_, err = f.SetSender(t.Context(), tx, w, SenderRule{Pattern: "example.com", Verdict: Spam, Actor: "anna"})
		}
		return err
	})
	after, err := f.Dry(t.Context(), w, DryRun{})
	if err != nil || after.HamCalledSpam != after.Ham || after.SpamCalledHam != 1 || after.Unsure != 0 || after.ROCA != before.ROCA {
		t.Errorf("with their domain blocked and one spam allowed: %+v, %v; want all ham called spam, one spam called ham, the ranking as it was (%v)",
			after.Measures, err, before.ROCA)
	}
}

func TestDryRunStripped(t *testing.T) {
	t.Parallel()
	f, w := taughtFilter(t, 300)
	asked := map[uuid.UUID]bool{}
	reread := func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]Document, error) {
		found := map[uuid.UUID]Document{}
		for _, id := range ids {
			asked[id] = true
			if n := int(id[14])<<8 + int(id[15]); n%2 == 0 { // the others were learned from files
				d := letter(n, verdictOf(n) == Spam)
				d.Header = append(d.Header, Field{"X-Collector", fmt.Sprint("seen by ", verdictOf(n))})
				found[id] = d
			}
		}
		return found, nil
	}
	h, err := f.Dry(t.Context(), w, DryRun{Reread: reread})
	if err != nil || len(asked) != 300 || len(h.Scored) != 300 || h.Stripped.Ham != 100 || h.Stripped.Spam != 50 || len(h.Stripped.Scored) != 150 {
		t.Fatalf("%d asked for, %d scored, stripped %+v, %v; want 300, 300, 100 ham and 50 spam", len(asked), len(h.Scored), h.Stripped.Measures, err)
	}
	// It must be what a trial on the stripped letters gives, which never sees the collector's field.
	var trial Trial
	var want []Scored
	for n := 0; n < 300; n += 2 {
		d := letter(n, verdictOf(n) == Spam)
		fe := f.Features(w, d)
		s := trial.Score(fe)
		want = append(want, Scored{verdictOf(n) == Spam, s.LogOdds, s.Verdict})
		trial.Learn(fe, verdictOf(n) == Spam)
	}
	for i := range want {
		if h.Stripped.Scored[i] != want[i] {
			t.Fatalf("message %d: %+v, want %+v", i, h.Stripped.Scored[i], want[i])
		}
	}
	away := errors.New("away")
	if _, err := f.Dry(t.Context(), w, DryRun{Reread: func(context.Context, []uuid.UUID) (map[uuid.UUID]Document, error) { return nil, away }}); !errors.Is(err, away) {
		t.Errorf("when mail cannot be read: %v, want %v", err, away)
	}
}
