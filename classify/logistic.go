package classify

import "math"

// The logistic member: regression over all features by online gradient steps, each feature with a rate of its own that falls
// with its squared gradients (AdaGrad: Duchi, Hazan, Singer 2011). Its raw score is already a sum of the features' weights.

const (
	logisticRate  = 0.02
	logisticFloor = 1e-8 // keeps a first step finite
)

func (m *model) weighLogistic(e *evidence) {
	sum := float64(m.bias.weight)
	e.neutral[logistic] = sum
	for _, s := range e.slots {
		sum += float64(s.weight)
	}
	e.raw[logistic] = sum
}

func (m *model) learnLogistic(e *evidence, isSpam bool) {
	g := -1 / (1 + math.Exp(-e.raw[logistic]))
	if isSpam {
		g = 1 / (1 + math.Exp(e.raw[logistic]))
	}
	gradient, square := float32(g), float32(g*g)
	for _, s := range e.slots {
		s.step(gradient, square)
	}
	m.bias.step(gradient, square)
}

func (s *slot) step(gradient, square float32) {
	s.square = short(s.square + square)
	rate := logisticRate / float32(math.Sqrt(float64(s.square+logisticFloor)))
	s.weight = short(s.weight + float32(rate*gradient))
}

// short rounds f to a mantissa of 9 bits. Snapshots are a third smaller for it, and the ranking is the same.
func short(f float32) float32 {
	const drop = 14
	return math.Float32frombits((math.Float32bits(f) + 1<<(drop-1)) &^ (1<<drop - 1))
}
