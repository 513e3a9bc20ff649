package classify

// The margin member: naive Bayes over all features, words and patterns, as a mean per telling feature, trained near its
// threshold: a message is counted again and again until the score is right by a margin, and not at all if it is so
// already. What is hard weighs more, what is clear does not drown it, and a flood of one kind changes little.

const (
	marginEnough  = 1.5 // the mean, in nats, that needs no more training
	marginRounds  = 20  // times one message is counted at most
	marginCushion = 20  // features that a message is taken to be longer than it is
)

// mostCount is what a slot's counts can hold.
const mostCount = 1<<16 - 1

func (m *model) weighMargin(e *evidence) {
	base := naiveBase(m.margin)
	e.margin = e.margin[:0]
	sum, n := 0.0, 0
	for _, s := range e.slots {
		term, telling := naiveTerm(counts{uint32(s.marginSpam), uint32(s.marginHam)}, base)
		if telling {
			sum += term
			n++
		} else {
			term = 0
		}
		e.margin = append(e.margin, term)
	}
	e.marginMean = 1 / float64(n+marginCushion)
	e.raw[margin] = sum * e.marginMean
}

func (m *model) learnMargin(e *evidence, isSpam bool) {
	score := e.raw[margin]
	for range marginRounds {
		if isSpam && score > marginEnough || !isSpam && score < -marginEnough {
			return
		}
		if max(m.margin.spam, m.margin.ham) >= mostCount {
			m.halveMargin()
		}
		score = m.countMargin(e.slots, isSpam)
	}
}

// countMargin counts the message once and returns its new score.
func (m *model) countMargin(features []*slot, isSpam bool) float64 {
	if isSpam {
		m.margin.spam++
	} else {
		m.margin.ham++
	}
	base := naiveBase(m.margin)
	sum, n := 0.0, 0
	for _, s := range features {
		if isSpam {
			s.marginSpam = min(s.marginSpam, mostCount-1) + 1
		} else {
			s.marginHam = min(s.marginHam, mostCount-1) + 1
		}
		if term, telling := naiveTerm(counts{uint32(s.marginSpam), uint32(s.marginHam)}, base); telling {
			sum += term
			n++
		}
	}
	return sum / float64(n+marginCushion)
}

// halveMargin makes room when a count of messages has reached what a slot can hold.
func (m *model) halveMargin() {
	m.margin.spam /= 2
	m.margin.ham /= 2
	for i := range m.slots {
		m.slots[i].marginSpam /= 2
		m.slots[i].marginHam /= 2
	}
}
