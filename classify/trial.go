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
	t.Settle()
	return t.model.score(&fe, defaultThresholds)
}

// Settle lets a young model learn all its lessons anew if there are new ones, as the next score would.
func (t *Trial) Settle() (anew bool) {
	if !t.pending {
		return false
	}
	t.model = model{lessons: t.model.lessons}
	t.model.takeTurns()
	t.pending = false
	return true
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

// A Course is one trial on a stream of messages: each is scored, and then its label comes, or does not, or late, or wrong.
// Chance is drawn from a fixed seed.
type Course struct {
	trial    *Trial
	feedback Feedback
	random   *rand.Rand
	late     []owed
	n        int
}

// owed is a label on its way; without one it only keeps the place of its message.
type owed struct {
	lesson
	given bool
}

// Course starts t on a course.
func (t *Trial) Course(f Feedback) *Course {
	return &Course{trial: t, feedback: f, random: rand.New(rand.NewPCG(1, 1))}
}

// Score scores the next message of the course.
func (c *Course) Score(fe Features) Score { return c.trial.Score(fe) }

// Label says what the message just scored was, and lets the trial learn what label is due. It returns how many
// messages were learned.
func (c *Course) Label(fe Features, spam bool) (learned int) {
	f := c.feedback
	given := (f.Share == 0 || c.random.Float64() < f.Share) && (f.First == 0 || c.n < f.First)
	wrong := c.random.Float64() < f.Noise
	c.n++
	if given {
		c.late = append(c.late, owed{lesson{fe, spam != wrong}, true})
	} else {
		c.late = append(c.late, owed{})
	}
	if len(c.late) <= f.Delay {
		return 0
	}
	due := c.late[0]
	c.late[0] = owed{}
	c.late = c.late[1:]
	if !due.given {
		return 0
	}
	c.trial.Learn(due.features, due.spam)
	return 1
}

// Run scores n messages in order, each before it is learned, and returns how they scored.
func (t *Trial) Run(n int, f Feedback, message func(int) (fe Features, spam bool)) []Scored {
	c := t.Course(f)
	run := make([]Scored, 0, n)
	for i := range n {
		fe, spam := message(i)
		s := c.Score(fe)
		run = append(run, Scored{Spam: spam, LogOdds: s.LogOdds, Verdict: s.Verdict})
		c.Label(fe, spam)
	}
	return run
}
