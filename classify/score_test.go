package classify

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
)

var testKey = newHashKey([]byte("test"), uuid.UUID{1})

// taught returns a model that learned n made-up letters.
func taught(n int) *model {
	m := &model{}
	for i := range n {
		d := letter(i, verdictOf(i) == Spam)
		fe := extract(testKey, &d)
		m.learn(&fe, verdictOf(i) == Spam)
	}
	return m
}

func TestContributionsSum(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for n := range 150 {
		m := taught(n)
		for range 10 {
			d := letter(r.IntN(1<<20), r.IntN(2) == 0)
			switch r.IntN(8) {
			case 0:
				d = Document{}
			case 1:
				d.Text = ""
			case 2:
				d = Document{Text: vocabulary[r.IntN(len(vocabulary))]}
			}
			fe := extract(testKey, &d)
			s := m.score(&fe, defaultThresholds)
			sum := 0.0
			for _, c := range s.Contributions {
				sum += c.LogOdds
			}
			if math.Abs(sum-s.LogOdds) > 1e-9 || math.IsNaN(sum) {
				t.Fatalf("after %d letters contributions sum to %v, want the log-odds %v", n, sum, s.LogOdds)
			}
			if p := 1 / (1 + math.Exp(-s.LogOdds)); math.Abs(p-s.P) > 1e-12 {
				t.Fatalf("P = %v, want %v from the log-odds", s.P, p)
			}
		}
	}
}

func TestContributionsAreStrongestFirst(t *testing.T) {
	t.Parallel()
	m := taught(300)
	d := letter(1<<20, true)
	fe := extract(testKey, &d)
	s := m.score(&fe, defaultThresholds)
	if len(s.Contributions) != maxContributions+3 {
		t.Fatalf("%d contributions, want the baseline, %d tokens, the patterns and the rest", len(s.Contributions), maxContributions)
	}
	last := math.Inf(1)
	for _, c := range s.Contributions[1 : maxContributions+1] {
		if c.Kind != KindToken || c.Token == "" || math.Abs(c.LogOdds) > last {
			t.Errorf("contribution %+v after one of %v, want tokens with their text, strongest first", c, last)
		}
		last = math.Abs(c.LogOdds)
	}
}

// A fresh message and the same message read back from the journal must score alike.
func TestStoredFeaturesScoreAlike(t *testing.T) {
	t.Parallel()
	m := taught(200)
	for i := range 50 {
		d := letter(1<<20+i, i%2 == 0)
		fresh := extract(testKey, &d)
		b, err := fresh.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var stored Features
		if err := stored.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		x, y := m.score(&fresh, defaultThresholds), m.score(&stored, defaultThresholds)
		if math.Abs(x.LogOdds-y.LogOdds) > 1e-6 {
			t.Errorf("fresh features score %v, stored ones %v", x.LogOdds, y.LogOdds)
		}
	}
}

func TestKnownCorrespondentIsNeverSpam(t *testing.T) {
	t.Parallel()
	m := taught(300)
	d := letter(1<<20, true)
	fe := extract(testKey, &d)
	stranger := m.score(&fe, Thresholds{HamBelow: 0.1, SpamFrom: 0.5})
	d.Known = true
	fe = extract(testKey, &d)
	known := m.score(&fe, Thresholds{HamBelow: 0.1, SpamFrom: 0.5})
	if stranger.Verdict != Spam || known.Verdict != Unsure || known.P != stranger.P {
		t.Errorf("a stranger's mail is %v, a known correspondent's %v (%q), want spam and unsure at the same P", stranger.Verdict, known.Verdict, known.Reason)
	}
}

func TestEmptyModelKnowsNothing(t *testing.T) {
	t.Parallel()
	d := letter(1, true)
	fe := extract(testKey, &d)
	s := (&model{}).score(&fe, defaultThresholds)
	if s.P != 0.5 || s.LogOdds != 0 || s.Verdict != Unsure || s.Reason != "unsure: 0 of 50 ham and 0 of 20 spam learned" {
		t.Errorf("score by an empty model = %+v, want P ½, unsure", s)
	}
}

func TestModelSurvivesEncoding(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100} {
		m := taught(n)
		b := m.encode()
		again, err := decodeModel(b)
		if err != nil {
			t.Fatalf("decode after %d letters: %v", n, err)
		}
		if string(again.encode()) != string(b) {
			t.Errorf("a model of %d letters changes when it is stored and read", n)
		}
		for i := range b[:min(len(b), 40)] {
			if _, err := decodeModel(b[:i]); err == nil {
				t.Errorf("a model cut to %d of %d bytes decodes", i, len(b))
			}
		}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var k rank
	for range 500 {
		k.learn(r.NormFloat64()*50+40, 20, true)
		k.learn(r.NormFloat64()*50-40, 20, false)
	}
	last := math.Inf(-1)
	for s := -1e4; s < 1e4; s += 0.37 {
		z := k.logOdds(s, 20)
		if z < last {
			t.Fatalf("log-odds fall from %v to %v at %v", last, z, s)
		}
		last = z
	}
	if lo, hi := k.logOdds(math.Inf(-1), 20), k.logOdds(math.Inf(1), 20); !(lo < -5 && hi > 5) && !math.IsNaN(lo+hi) {
		t.Errorf("log-odds reach from %v to %v, want beyond ±5", lo, hi)
	}
	total := uint32(0)
	for bin := range rankBins {
		if got := k.spam.below(bin); got != total {
			t.Fatalf("below(%d) = %d, want %d", bin, got, total)
		}
		total += k.spam.count(bin)
	}
	if total != k.spam.total() {
		t.Errorf("bins hold %d, total says %d", total, k.spam.total())
	}
}
