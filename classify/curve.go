package classify

// Resamples are the resamples behind an interval: enough that its ends move in the third digit only.
const Resamples = 200

// A Stretch is a part of a run, and how well it was ranked.
type Stretch struct {
	From, To int     // the messages From+1 to To of the run
	ROCA     float64 // (1-ROCA)%; not a number where there is ham only or spam only
}

// stretches are those that the learning curve is read from.
var stretches = []Stretch{{From: 0, To: 50}, {From: 50, To: 250}, {From: 200, To: 1200}, {From: 1000, To: 6000}}

// LearningCurve returns how well the stretches of a run were ranked, as far as the run goes.
func LearningCurve(run []Scored) []Stretch {
	var curve []Stretch
	for _, s := range stretches {
		if s.From >= len(run) {
			break
		}
		s.To = min(s.To, len(run))
		s.ROCA = Measure(run[s.From:s.To]).ROCA
		curve = append(curve, s)
	}
	return curve
}
