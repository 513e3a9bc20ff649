package classify

import (
	"math"
	"strconv"
	"sync"

	"github.com/jbrukh/bayesian"
)

// The Bayes member: naive Bayes over words by counts of messages with additive smoothing 1/bayesScale, computed by
// github.com/jbrukh/bayesian, as a mean per word. The library cannot unlearn, is unsafe for concurrent use, gives unseen words
// 1e-11 and takes its priors from word totals; so the counts live in the model, and a message is scored by a classifier
// that holds just its telling words:
//
//   - Observe(word, bayesScale·count+1) for both classes, so that no count is zero;
//   - one filler word makes each class's total bayesScale·messages+2, so that P(word|class) is the smoothed share of messages;
//   - LogScores minus the library's prior leaves the sum of the words' log-likelihood ratios.
//
// naiveTerm is the same in closed form: the share of one word, the oracle of the tests, and what explanations add up.

const (
	bayesScale   = 100 // a word in no message of a class counts as 1/bayesScale of a message
	bayesCushion = 5   // words that a message is taken to be longer than it is, so that one word decides nothing
)

// The library breaks ties in favour of its first class.
const (
	first  = bayesian.Class(Ham)
	second = bayesian.Class(Spam)
)

// counts says in how many messages of each class something was.
type counts struct{ spam, ham uint32 }

// leastTelling is the smallest naiveTerm that counts: what is less than e times likelier in one class than in the
// other is left out. Two features in three are, and the ranking is as good without them.
const leastTelling = 1

// naiveTerm is the log-likelihood ratio of a feature; base is naiveBase of the messages learned.
func naiveTerm(c counts, base float64) (term float64, telling bool) {
	if c == (counts{}) {
		return 0, false
	}
	term = naiveLog(c.spam) - naiveLog(c.ham) + base
	return term, math.Abs(term) >= leastTelling
}

// naiveBase is what every feature's term has for the difference in messages learned.
func naiveBase(messages counts) float64 {
	return math.Log(bayesScale*float64(messages.ham)+2) - math.Log(bayesScale*float64(messages.spam)+2)
}

// naiveLog returns log(bayesScale·n + 1).
func naiveLog(n uint32) float64 {
	if n < uint32(len(naiveLogs)) {
		return naiveLogs[n]
	}
	return math.Log(bayesScale*float64(n) + 1)
}

var naiveLogs = func() (t [4096]float64) {
	for n := range t {
		t[n] = math.Log(bayesScale*float64(n) + 1)
	}
	return t
}()

func (m *model) weighBayes(words []*slot, e *evidence, byLibrary bool) {
	messages := counts{uint32(m.spam), uint32(m.ham)}
	base := naiveBase(messages)
	e.bayes, e.known = e.bayes[:0], e.known[:0]
	sum := 0.0
	for _, s := range words {
		c := counts{uint32(s.spam), uint32(s.ham)}
		term, telling := naiveTerm(c, base)
		if telling {
			e.known = append(e.known, c)
			sum += term
		} else {
			term = 0
		}
		e.bayes = append(e.bayes, term)
	}
	mean := 1 / float64(len(e.known)+bayesCushion)
	for i := range e.bayes {
		e.bayes[i] *= mean
	}
	if byLibrary {
		sum = libraryScore(e.known, messages)
	}
	e.raw[bayes] = sum * mean
}

// libraryScore is the sum of naiveTerm over words, by the library.
func libraryScore(words []counts, messages counts) float64 {
	if len(words) == 0 {
		return 0
	}
	l := libraries.Get().(*library)
	defer libraries.Put(l)
	return l.score(words, messages)
}

// A library is a classifier of jbrukh/bayesian in use for one message at a time. A word's name in it is its position
// among the message's words: what words mean is our business, and its maps never grow beyond a message's words.
type library struct {
	*bayesian.Classifier
	held   []counts                // what each name was last observed with
	filler struct{ spam, ham int } // likewise
}

var libraries = sync.Pool{New: func() any {
	return &library{Classifier: bayesian.NewClassifier(first, second)}
}}

// wordNames are the positions as text.
var wordNames = func() (names [maxStored]string) {
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}()

const fillerName = "rest"

func (l *library) score(words []counts, messages counts) float64 {
	for i, w := range words {
		if i == len(l.held) {
			l.held = append(l.held, counts{})
			l.Observe(wordNames[i], 1, second)
			l.Observe(wordNames[i], 1, first)
		}
		l.Observe(wordNames[i], bayesScale*(int(w.spam)-int(l.held[i].spam)), second)
		l.Observe(wordNames[i], bayesScale*(int(w.ham)-int(l.held[i].ham)), first)
		l.held[i] = w
	}
	l.fill(messages)
	scores, _, _ := l.LogScores(wordNames[:len(words)])
	return scores[1] - scores[0] + naiveBase(messages) // the prior, which the library takes from its totals, is minus that
}

// fill sets the filler so that the totals are right: it evens out the words of this message and those that earlier,
// longer messages left behind.
func (l *library) fill(messages counts) {
	spam, ham := bayesScale*int(messages.spam)+2, bayesScale*int(messages.ham)+2
	for _, w := range l.held {
		spam -= bayesScale*int(w.spam) + 1
		ham -= bayesScale*int(w.ham) + 1
	}
	l.Observe(fillerName, spam-l.filler.spam, second)
	l.Observe(fillerName, ham-l.filler.ham, first)
	l.filler.spam, l.filler.ham = spam, ham
}

// countWords is how the Bayes and the Fisher member learn.
func countWords(words []*slot, isSpam bool) {
	for _, s := range words {
		switch {
		case isSpam && s.spam < mostCount:
			s.spam++
		case !isSpam && s.ham < mostCount:
			s.ham++
		}
	}
}
