package classify

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The library, fed as bayesScore feeds it, must agree with naive Bayes in closed form on any counts and in any order of
// messages, since one classifier serves many.
func TestLibraryIsClosedForm(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	l := libraries.New().(*library)
	for n := range 2000 {
		messages := counts{uint32(r.IntN(20000)), uint32(r.IntN(20000))}
		words := make([]counts, 1+r.IntN(1+n%300))
		want, base := 0.0, naiveBase(messages)
		for i := range words {
			words[i] = counts{1 + uint32(r.IntN(int(messages.spam)+1)), uint32(r.IntN(int(messages.ham) + 1))}
			term, _ := naiveTerm(words[i], base)
			want += term
		}
		if got := l.score(words, messages); math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
			t.Fatalf("message %d, %d words, %+v: library %v, closed form %v", n, len(words), messages, got, want)
		}
	}
}

func TestMarginHalvesItsCounts(t *testing.T) {
	t.Parallel()
	m := taught(30)
	m.margin = counts{mostCount, 1000}
	d := letter(1, false)
	fe := extract(testKey, &d)
	s := m.slot(fe.words[0])
	s.marginSpam, s.marginHam = 40000, 900
	var e evidence
	m.weigh(&fe, &e, true)
	e.raw[margin] = 1 // on the wrong side, so it will be counted
	m.learnMargin(&e, false)
	if m.margin.spam != mostCount/2 || s.marginSpam != 20000 || s.marginHam <= 450 {
		t.Errorf("at the limit: %+v, slot %d/%d, want counts halved, then counted on", m.margin, s.marginSpam, s.marginHam)
	}
}

func TestFisherTail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x    float64
		n    int
		want float64 // from tables of the chi-square distribution: ln Q(2x; 2n)
	}{
		{0, 3, 0}, {1, 1, -1}, {2, 2, math.Log(3) - 2}, {10, 5, math.Log(1+10+50+1000./6+10000./24) - 10},
	} {
		if got := logTail(c.x, c.n); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("logTail(%v, %d) = %v, want %v", c.x, c.n, got, c.want)
		}
	}
	for _, n := range []int{1, 10, 1000, 8000} {
		last := 0.0
		for x := 0.0; x < 20000; x += 13 {
			got := logTail(x, n)
			if math.IsNaN(got) || math.IsInf(got, 0) || got > last+1e-9 {
				t.Fatalf("logTail(%v, %d) = %v after %v, want it to fall", x, n, got, last)
			}
			last = got
		}
	}
}
