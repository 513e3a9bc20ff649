package classify

import (
	"fmt"
	"math"
)

// strangeBelow is the part of a message's tokens, one in so many, that must have been seen before for a verdict: the first
// mail in a new language is not judged by the few tokens that happen to be known.
const strangeBelow = 2

// doubt says why the message's words do not suffice for the verdict of s; "" if they do.
func (m *model) doubt(fe *Features, e *evidence, s *Score, t Thresholds) string {
	if s.Verdict == Unsure {
		return ""
	}
	if fe.blank {
		return "nothing is written in it"
	}
	seen := 0
	for _, w := range e.slots[:len(fe.words)] {
		if w.spam|w.ham != 0 {
			seen++
		}
	}
	if seen*strangeBelow < len(fe.words) {
		return fmt.Sprintf("%d of %d words and traits were never seen before", len(fe.words)-seen, len(fe.words))
	}
	if s.Verdict == Ham && fe.textTo > fe.textFrom && 1/(1+math.Exp(-m.besideText(fe, e))) >= t.SpamFrom {
		return "it would be spam by all but its text"
	}
	return ""
}

// besideText returns the log-odds of a message by the words that are not of its text: header, links, markup. Who knows a
// company's words can put as many into a text as it takes to be taken for ham; the rest of the mail is harder to change. The
// two members that take a mean per word can be asked about a part of a message, at the cost of a sum.
func (m *model) besideText(fe *Features, e *evidence) float64 {
	terms, telling := 0.0, 0
	ham, spam, sides := 0.0, 0.0, 0
	for i := range fe.words {
		if fe.textFrom <= i && i < fe.textTo {
			continue
		}
		if e.bayes[i] != 0 {
			terms += e.bayes[i]
			telling++
		}
		if side := e.sides[i]; side != ([2]float64{}) {
			ham += side[0]
			spam += side[1]
			sides++
		}
	}
	naive := terms * float64(len(e.known)+bayesCushion) / float64(telling+bayesCushion)
	tails := (logTail(ham, sides) - logTail(spam, sides)) / float64(sides+fisherCushion)
	return (m.ranks[bayes].logOdds(naive, rankScale[bayes]) + m.ranks[fisher].logOdds(tails, rankScale[fisher])) / 2
}
