package classify

// Ties are what connects a message with the workspace besides its words, as others have established it. Each says why, for
// people, or is "" where it does not hold.
type Ties struct {
	// Answers: whoever wrote the message had a mail of ours before them. It bears a token that we signed, or the
	// Message-ID of a mail that we sent.
	Answers string
	// Known: we have written to its sender, or had good mail from there. A From field can be forged, so this lets
	// nothing in as ham.
	Known string
}

// Open reports whether ties could change the verdict: who scores need not look for them otherwise.
func (s *Score) Open() bool {
	return s.trained && s.Rule == "" && (s.Verdict == Spam || s.Verdict == Unsure)
}

// With returns the score with the verdict that ties allow. P and its contributions are of the message and stay.
//
// No words make spam of what is tied to the workspace: it is unsure. What answers us and is unsure by its words is ham. Who
// is contradicted by authentication is not known, and an answer of theirs is spared no more than a known sender. The
// minimum of training and the lists of senders stand above all this.
func (s Score) With(t Ties) Score {
	if !s.Open() {
		return s
	}
	by := "; by its words " + s.Reason
	switch {
	case s.Verdict == Spam && t.Answers != "":
		s.Verdict, s.Reason = Unsure, "unsure: "+t.Answers+by
	case s.Verdict == Spam && t.Known != "" && !s.contradicted:
		s.Verdict, s.Reason = Unsure, "unsure: a known correspondent, "+t.Known+by
	case s.Verdict == Unsure && t.Answers != "" && !s.contradicted:
		s.Verdict, s.Reason = Ham, "ham: "+t.Answers+by
	}
	return s
}
