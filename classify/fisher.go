package classify

import "math"

// The Fisher member: Robinson's degree of belief per word, joined by Fisher's method on both sides. Its raw score is
// (ln Q(ham side) - ln Q(spam side)) / words, with Q the upper tail of chi-square with two degrees of freedom per word: the
// log keeps the order that the usual indicator (1+H-S)/2 loses when it saturates, and the mean per word keeps long
// messages from looking surer than short ones.
//
// Each side is shared out over the words in proportion to what they put into it, so that the words' terms add up.

// Constants of bogofilter's documentation, chosen there on other mail than ours.
const (
	fisherStrength = 0.0178 // s: how many sightings the prior belief is worth
	fisherPrior    = 0.52   // x: belief about a word never seen
	fisherDeviance = 0.375  // words whose belief is nearer to ½ than this are left out
	fisherCushion  = 5      // words that a message is taken to be longer than it is, so that one word decides nothing
)

// fisherBelief is f(w) for a word with these counts, and whether the word counts.
func fisherBelief(c counts, spamMessages, hamMessages float64) (f float64, telling bool) {
	if c == (counts{}) {
		return fisherPrior, false
	}
	s := float64(c.spam) / max(spamMessages, 1)
	h := float64(c.ham) / max(hamMessages, 1)
	n := float64(c.spam) + float64(c.ham)
	f = (fisherStrength*fisherPrior + float64(n*(s/(s+h)))) / (fisherStrength + n)
	return f, math.Abs(f-0.5) >= fisherDeviance
}

func (m *model) weighFisher(words []*slot, e *evidence) {
	e.sides = e.sides[:0]
	hamSum, spamSum, n := 0.0, 0.0, 0
	for _, s := range words {
		f, telling := fisherBelief(counts{uint32(s.spam), uint32(s.ham)}, float64(m.spam), float64(m.ham))
		if !telling {
			e.sides = append(e.sides, [2]float64{})
			continue
		}
		side := [2]float64{-math.Log(f), -math.Log1p(-f)}
		e.sides = append(e.sides, side)
		hamSum += side[0]
		spamSum += side[1]
		n++
	}
	e.raw[fisher] = e.shareFisher(hamSum, spamSum, n)
}

// shareFisher turns the sides of the words into their terms and returns the terms' sum.
func (e *evidence) shareFisher(hamSum, spamSum float64, n int) (score float64) {
	e.fisher = e.fisher[:0]
	perHam, perSpam := 0.0, 0.0
	if n > 0 {
		perHam = logTail(hamSum, n) / hamSum / float64(n+fisherCushion)
		perSpam = logTail(spamSum, n) / spamSum / float64(n+fisherCushion)
	}
	for _, side := range e.sides {
		term := float64(perHam*side[0]) - float64(perSpam*side[1])
		e.fisher = append(e.fisher, term)
		score += term
	}
	return score
}

// logTail is the log of the upper tail at 2x of chi-square with 2n degrees of freedom: -x + ln Σ_{i<n} xⁱ/i!.
func logTail(x float64, n int) float64 {
	if n == 0 || x <= 0 {
		return 0
	}
	const far = 1e200
	term, sum, scale := 1.0, 1.0, 0.0
	for i := 1; i < n; i++ {
		term *= x / float64(i)
		sum += term
		if sum > far {
			term /= far
			sum /= far
			scale += math.Log(far)
		}
	}
	return math.Min(0, math.Log(sum)+scale-x)
}
