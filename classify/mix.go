package classify

import "math"

// The members' calibrated log-odds are joined by a weighted sum. The weights begin as a mean and are learned by online
// logistic regression over four inputs: where members agree more often than their mean says, the sum grows surer, and
// a member that is of little use in a workspace counts less there. The ranking hardly changes; what changes is that P means
// what it says.

// mixRate is the step. Log-odds are a few units and errors rare, so weights move by their own size within some
// thousand messages: slow against one message, fast against a year.
const mixRate = 0.002

// weightOf is what the sum multiplies member i's log-odds with.
func (m *model) weightOf(i int) float64 { return 1./members + m.lean[i] }

// learnMix takes a step by the members' log-odds before they learned. Before the minimum of training they say too
// little.
//
// It also notes whether the sum was on the right side.
func (m *model) learnMix(e *evidence, isSpam bool) {
	if !m.trained() {
		return
	}
	var odds [members]float64
	z := 0.0
	for i := range members {
		odds[i] = m.ranks[i].logOdds(e.raw[i], rankScale[i])
		z += float64(odds[i] * m.weightOf(i))
	}
	m.watch(z > 0 != isSpam)
	g := -1 / (1 + math.Exp(-z))
	if isSpam {
		g = 1 / (1 + math.Exp(z))
	}
	for i := range members {
		// A weight below zero would make evidence for spam speak for ham.
		m.lean[i] = max(m.lean[i]+float64(mixRate*float64(g*odds[i])), -1./members)
	}
}
