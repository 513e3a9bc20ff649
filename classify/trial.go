package classify

import (
	"math/rand/v2"
	"unsafe"
)

// A Trial is a model in memory alone, for evaluations: it learns as a workspace's model does. It is not safe for
// concurrent use.
type Trial struct {
	model   model
	pending bool // lessons were added that the young model has not learned
}

// Score scores features by what the trial has learned.
func (t *Trial) Score(fe Features) Score {
	if t.pending {
		t.model = model{lessons: t.model.lessons}
		t.model.takeTurns()
		t.pending = false
	}
	return t.model.score(&fe, defaultThresholds)
}

// Learn takes in one judged message.
func (t *Trial) Learn(fe Features, spam bool) {
	if t.model.grown {
		t.model.learn(&fe, spam)
		return
	}
	t.model = model{lessons: t.model.lessons}
	t.pending = !t.model.add(lesson{fe, spam})
}

// Size returns the bytes that the model takes in memory and stored.
func (t *Trial) Size() (memory, stored int) {
	memory = len(t.model.slots)*int(unsafe.Sizeof(slot{})) + int(unsafe.Sizeof(t.model))
	for i := range t.model.lessons {
		memory += 4 * t.model.lessons[i].features.Len()
	}
	return memory, len(t.model.encode())
}

// Feedback says which labels a trial gets to learn from, and when. The zero value is every label, at once, all right.
type Feedback struct {
	Delay int     // messages between a score and its label
	First int     // labels come for the first so many messages only; 0 means for all
	Share float64 // the share of messages that get a label; 0 means all
	Noise float64 // the share of labels that are wrong
}

// Run scores n messages in order, each before it is learned, and returns how they scored. Chance is drawn from a fixed seed.
func (t *Trial) Run(n int, f Feedback, message func(int) (fe Features, spam bool)) []Scored {
	random := rand.New(rand.NewPCG(1, 1))
	run := make([]Scored, 0, n)
	var late []lesson
	for i := range n {
		fe, spam := message(i)
		s := t.Score(fe)
		run = append(run, Scored{Spam: spam, LogOdds: s.LogOdds, Verdict: s.Verdict})
		given := (f.Share == 0 || random.Float64() < f.Share) && (f.First == 0 || i < f.First)
		wrong := random.Float64() < f.Noise
		if given {
			late = append(late, lesson{fe, spam != wrong})
		}
		if len(late) > f.Delay {
			t.Learn(late[0].features, late[0].spam)
			late = late[1:]
		}
	}
	return run
}
