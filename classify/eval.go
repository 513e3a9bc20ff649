package classify

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Scored is one message of an evaluation: what it was and how it scored before it was learned.
type Scored struct {
	Spam    bool
	LogOdds float64
	Verdict Verdict
}

// Measures are what the TREC spam track reports of a run (Cormack 2007), and how the verdicts did.
type Measures struct {
	Ham, Spam int
	ROCA      float64 // (1-ROCA)%: how often a random ham scores above a random spam
	LAM       float64 // lam%: logistic average of ham called spam and spam called ham at P = ½
	MissAt    float64 // sm%@hm=.1%: spam missed at the threshold that loses one ham in a thousand
	ECE       float64 // expected calibration error over 15 bins of equal width, 0 to 1

	HamCalledSpam, SpamCalledHam, Unsure int // verdicts
}

// Measure returns the measures of a run.
func Measure(run []Scored) Measures {
	m := Measures{}
	lostHam, passed := 0, 0
	for _, s := range run {
		switch {
		case s.Verdict == Unsure:
			m.Unsure++
		case s.Verdict == Spam && !s.Spam:
			m.HamCalledSpam++
		case s.Verdict == Ham && s.Spam:
			m.SpamCalledHam++
		}
		switch {
		case s.Spam:
			m.Spam++
			if s.LogOdds <= 0 {
				passed++
			}
		default:
			m.Ham++
			if s.LogOdds > 0 {
				lostHam++
			}
		}
	}
	m.ROCA, m.MissAt = roc(run, m.Ham, m.Spam)
	logit := func(k, n int) float64 { p := (float64(k) + 0.5) / (float64(n) + 1); return math.Log(p / (1 - p)) }
	m.LAM = 100 / (1 + math.Exp(-(logit(lostHam, m.Ham)+logit(passed, m.Spam))/2))
	m.ECE = calibrationError(run)
	return m
}

// roc sweeps the threshold from the highest score down; equal scores count half.
func roc(run []Scored, ham, spam int) (above, missAt float64) {
	return sweep(descending(run), nil, ham, spam)
}

// descending is run by falling score.
func descending(run []Scored) []Scored {
	sorted := slices.Clone(run)
	slices.SortFunc(sorted, func(a, b Scored) int { return cmp.Compare(b.LogOdds, a.LogOdds) })
	return sorted
}

// sweep is roc of a run by falling score, each message taken as often as times says, or once.
func sweep(sorted []Scored, times []int, ham, spam int) (above, missAt float64) {
	if ham == 0 || spam == 0 {
		return math.NaN(), math.NaN()
	}
	hamSeen, spamSeen, area := 0, 0, 0.0
	missAt = 100
	for i := 0; i < len(sorted); {
		h, s, j := 0, 0, i
		for ; j < len(sorted) && sorted[j].LogOdds == sorted[i].LogOdds; j++ {
			n := 1
			if times != nil {
				n = times[j]
			}
			if sorted[j].Spam {
				s += n
			} else {
				h += n
			}
		}
		area += float64(h) * (float64(spam-spamSeen) - float64(s)/2)
		hamSeen += h
		spamSeen += s
		if float64(hamSeen) <= 0.001*float64(ham) {
			missAt = 100 * float64(spam-spamSeen) / float64(spam)
		}
		i = j
	}
	return 100 * area / (float64(ham) * float64(spam)), missAt
}

func calibrationError(run []Scored) float64 {
	const bins = 15
	var sum, spam [bins]float64
	var n [bins]int
	for _, s := range run {
		p := 1 / (1 + math.Exp(-s.LogOdds))
		b := min(int(p*bins), bins-1)
		n[b]++
		sum[b] += p
		if s.Spam {
			spam[b]++
		}
	}
	total := 0.0
	for b := range n {
		total += math.Abs(sum[b] - spam[b])
	}
	return total / float64(len(run))
}

// Interval returns the central 95 per cent of the (1-ROCA)% over resamples of the run, drawn from a fixed seed.
func Interval(run []Scored, resamples int) (low, high float64) {
	random := rand.New(rand.NewPCG(1, 2))
	sorted := descending(run)
	values := make([]float64, resamples)
	times := make([]int, len(sorted))
	for i := range values {
		clear(times)
		ham, spam := 0, 0
		for range sorted {
			n := random.IntN(len(sorted))
			times[n]++
			if sorted[n].Spam {
				spam++
			} else {
				ham++
			}
		}
		values[i], _ = sweep(sorted, times, ham, spam)
	}
	slices.Sort(values)
	return values[resamples*25/1000], values[resamples*975/1000]
}
