package classify

import (
	"math"
	"strings"
	"unicode"
)

// explain returns the log-odds of the message that e was weighed for, and the contributions that add up to them.
//
// A member's calibrated log-odds c(s) rise with its raw score s, which is a sum of token terms on top of the score of
// a message without evidence, s0. So c(s) = c(s0) + k·(s-s0) with one slope k ≥ 0 per member and message, a token's part
// is k times its term, and the baseline is what remains when every token is taken away.
func (m *model) explain(fe *Features, e *evidence) ([]Contribution, float64) {
	var slope [members]float64
	z, baseline := 0.0, 0.0
	for i := range members {
		c := m.ranks[i].logOdds(e.raw[i], rankScale[i])
		c0 := m.ranks[i].logOdds(e.neutral[i], rankScale[i])
		z += float64(c * m.weightOf(i))
		baseline += float64(c0 * m.weightOf(i))
		if d := e.raw[i] - e.neutral[i]; d != 0 {
			slope[i] = (c - c0) / d * m.weightOf(i)
		}
	}
	list := make([]Contribution, 0, maxContributions+10) // some signals follow
	list = append(list, Contribution{Kind: KindBaseline, LogOdds: baseline})
	top, rest := e.strongest(fe, &slope)
	for _, t := range top {
		s := e.slots[t.word]
		list = append(list, Contribution{
			Kind: KindToken, Token: shown(fe.name(t.word)), LogOdds: t.logOdds,
			Ham: int(s.ham), Spam: int(s.spam), id: fe.words[t.word],
		})
	}
	list = append(list, Contribution{Kind: KindPatterns, LogOdds: e.patterns(fe, &slope)})
	list = append(list, Contribution{Kind: KindRest, LogOdds: rest})
	return list, z
}

// shown returns a token's text as an explanation may carry it: short, valid UTF-8, printable.
func shown(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, clip(name, maxNameInScore))
}

// wordOdds is what one word token adds to the log-odds.
type wordOdds struct {
	word    int
	logOdds float64
}

// strongest returns the tokens that move the score most, strongest first, and the sum of all others.
func (e *evidence) strongest(fe *Features, slope *[members]float64) (top []wordOdds, rest float64) {
	top = e.odds[:0]
	for i := range fe.words {
		w := wordOdds{i, slope[logistic]*float64(e.slots[i].weight) + slope[bayes]*e.bayes[i] +
			slope[margin]*e.marginMean*e.margin[i] + slope[fisher]*e.fisher[i]}
		if w.logOdds == 0 {
			continue
		}
		if len(top) < maxContributions {
			top = append(top, w)
		} else if last := len(top) - 1; math.Abs(w.logOdds) > math.Abs(top[last].logOdds) {
			rest += top[last].logOdds
			top[last] = w
		} else {
			rest += w.logOdds
			continue
		}
		for j := len(top) - 1; j > 0 && math.Abs(top[j].logOdds) > math.Abs(top[j-1].logOdds); j-- {
			top[j], top[j-1] = top[j-1], top[j]
		}
	}
	e.odds = top
	return top, rest
}

// patterns is what all character patterns add to the log-odds.
func (e *evidence) patterns(fe *Features, slope *[members]float64) float64 {
	weights, terms := 0.0, 0.0
	for i := len(fe.words); i < len(e.slots); i++ {
		weights += float64(e.slots[i].weight)
		terms += e.margin[i]
	}
	return slope[logistic]*weights + slope[margin]*e.marginMean*terms
}
