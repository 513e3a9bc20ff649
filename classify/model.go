package classify

import "sync"

// A model is what one workspace has learned: a table of slots that features share by their upper bits, and per member the
// ranks of the scores it gave before it learned. It is a pure function of the judgements in their order: learning reads
// features in their stored order and rounds each product, so that the same journal gives the same bytes.
//
// A model is not safe for concurrent use; [Filter] guards it.
type model struct {
	seq       int64 // the last journal row that was learned or found replaced
	ham, spam int   // messages learned

	lessons []lesson // all of them while the model is young; nil once it is grown
	grown   bool

	margin                   counts // messages as the margin member counts them
	bias                     slot   // the logistic member's constant
	slots                    []slot // nil until something is learned
	ranks                    [members]rank
	wrongLately, wrongAlways float64          // shares of judgements that the model would have got wrong
	lean                     [members]float64 // of the members' weights away from the mean

	closedForm bool // the Bayes member is computed without its library: for measurements
}

// A slot holds all that the members know about the features whose ids share its bits.
type slot struct {
	weight, square        float32 // logistic member: weight and sum of squared gradients
	spam, ham             uint16  // messages with it (words only)
	marginSpam, marginHam uint16  // messages with it as the margin member counts them
}

// The members of the fusion, in the order of model.ranks.
const (
	logistic = iota
	bayes
	margin
	fisher
	members
)

// rankScale is the raw score at which half of a member's bins on either side are used up.
var rankScale = [members]float64{logistic: 4, bayes: 1, margin: 1, fisher: 1}

// slotBits sets the size of the table: 2^18 slots of 16 bytes are 4 MiB.
const slotBits = 18

func (m *model) slot(id uint32) *slot { return &m.slots[id>>(32-slotBits)] }

// evidence is what a model makes of one message: each member's raw score, and for each feature what it puts into it.
type evidence struct {
	raw     [members]float64
	neutral [members]float64 // the raw score of a message without features

	slots      []*slot   // the features' slots: words, then grams
	bayes      []float64 // the words' terms of the Bayes member
	margin     []float64 // all features' terms of the margin member, times marginMean
	marginMean float64
	fisher     []float64 // the words' terms of the Fisher member

	known []counts     // scratch of the Bayes member
	sides [][2]float64 // scratch of the Fisher member
	odds  []wordOdds   // scratch of explain
}

var evidences = sync.Pool{New: func() any { return new(evidence) }}

// weigh fills e with what m makes of fe, the Bayes member by its library or in closed
// form. m must have learned something.
func (m *model) weigh(fe *Features, e *evidence, byLibrary bool) {
	e.slots = e.slots[:0]
	for _, id := range fe.words {
		e.slots = append(e.slots, m.slot(id))
	}
	for _, id := range fe.grams {
		e.slots = append(e.slots, m.slot(id))
	}
	words := e.slots[:len(fe.words)]
	m.weighLogistic(e)
	m.weighBayes(words, e, byLibrary)
	m.weighMargin(e)
	m.weighFisher(words, e)
}

// learn takes in one judged message: the members' ranks first, by the scores they give before they know the answer.
func (m *model) learn(fe *Features, isSpam bool) {
	if m.slots == nil {
		m.slots = make([]slot, 1<<slotBits)
	}
	e := evidences.Get().(*evidence)
	defer evidences.Put(e)
	m.weigh(fe, e, false) // what is learned is the same, and nobody is told this score
	m.learnMix(e, isSpam)
	for i := range members {
		m.ranks[i].learn(e.raw[i], rankScale[i], isSpam)
	}
	m.learnLogistic(e, isSpam)
	m.learnMargin(e, isSpam)
	countWords(e.slots[:len(fe.words)], isSpam)
	if isSpam {
		m.spam++
	} else {
		m.ham++
	}
}
