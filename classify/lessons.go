package classify

// A lesson is one judged message as learning needs it.
type lesson struct {
	features Features
	spam     bool
}

// A young model learns all its lessons anew, ham and spam by turns, whenever one is added. Who starts by judging
// twenty spam and then fifty ham would otherwise teach the members that everything is spam, and calibrate them by the
// scores they gave when they knew nothing else: tried, that called more than half of later spam ham. A grown model
// learns in the order of the journal, in place.
const (
	grownAt     = 200 // a model is grown with so many lessons
	grownEach   = 50  // if there are so many of each class among them,
	grownSurely = 400 // and with so many in any case
)

// with returns the model that has also learned these rows, as they stand in the journal. A grown model learns in place
// and returns itself; a young one is left as it is, and another returned.
func (m *model) with(events []event) *model {
	if m.grown {
		for i := range events {
			m.apply(&events[i])
		}
		return m
	}
	next := &model{seq: m.seq, lessons: m.lessons[:len(m.lessons):len(m.lessons)]}
	for i := range events {
		next.seq = events[i].Seq
		if events[i].readable && next.add(events[i].lesson) {
			return next.with(events[i+1:])
		}
	}
	next.takeTurns()
	return next
}

// add notes a lesson and reports whether it made the model grown.
func (m *model) add(l lesson) (grown bool) {
	m.lessons = append(m.lessons, l)
	spam := 0
	for i := range m.lessons {
		if m.lessons[i].spam {
			spam++
		}
	}
	n := len(m.lessons)
	if n < grownSurely && (n < grownAt || min(spam, n-spam) < grownEach) {
		return false
	}
	m.takeTurns()
	m.grown, m.lessons = true, nil
	return true
}

// takeTurns learns the lessons of a model that has learned nothing, each class in its order and spread evenly among the
// other.
func (m *model) takeTurns() {
	var ham, spam []*lesson
	for i := range m.lessons {
		if l := &m.lessons[i]; l.spam {
			spam = append(spam, l)
		} else {
			ham = append(ham, l)
		}
	}
	for i, j := 0, 0; i < len(ham) || j < len(spam); {
		if j == len(spam) || i < len(ham) && (2*i+1)*len(spam) <= (2*j+1)*len(ham) {
			m.learn(&ham[i].features, false)
			i++
		} else {
			m.learn(&spam[j].features, true)
			j++
		}
	}
}
