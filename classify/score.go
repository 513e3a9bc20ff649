package classify

import (
	"fmt"
	"math"
	"strconv"
)

// A Verdict is what a message is held to be. Forget, the zero verdict, takes a judgement back.
type Verdict string

// The verdicts.
const (
	Forget Verdict = ""
	Ham    Verdict = "ham"
	Unsure Verdict = "unsure"
	Spam   Verdict = "spam"
)

// The minimum of training. Below it no message is called spam or ham: at fifty messages learned, a plain cut at one half
// would call 3 to 22 % of ham spam.
const (
	MinHam  = 50
	MinSpam = 20
)

// Thresholds part the probabilities of spam into ham, unsure and spam.
type Thresholds struct {
	HamBelow float64 // ham below this
	SpamFrom float64 // spam from this on
}

// defaultThresholds hold until a workspace sets its own.
//
// They were chosen among seven pairs on the shared corpus so that few ham are lost and few messages unsure (docs/filter.md). As
// P means what it says, they stand for costs: at 0.98 a ham among the spam is as bad as 49 looks at spam among the unsure; at
// 0.20 a spam among the ham is as bad as four looks.
var defaultThresholds = Thresholds{HamBelow: 0.20, SpamFrom: 0.98}

// A Score says how likely a message is spam, what follows, and why.
type Score struct {
	P       float64 // probability of spam, between 0 and 1
	Verdict Verdict
	Rule    string // pattern of the allow or block list that decided; "" if the evidence did
	Reason  string // for people: "unsure: 31 of 50 ham and 4 of 20 spam learned"

	// LogOdds is log(P/(1-P)) and the sum of all Contributions, to within 1e-9.
	LogOdds       float64
	Contributions []Contribution // the baseline, then tokens strongest first, then everything else in one

	ModelSeq int64 // the journal row up to which the model had learned

	trained      bool // the minimum of training was reached
	contradicted bool // authentication contradicts the sender
}

// A Contribution is one addend of a score's log-odds; positive speaks for spam.
type Contribution struct {
	Kind      Kind
	Token     string // the token's text, for KindToken
	LogOdds   float64
	Ham, Spam int // for KindToken: learned messages with the token, as far as hashes tell

	Origins []Origin // for KindToken by Explain: the newest training messages that have it
	id      uint32
}

// A Kind says what a contribution stands for.
type Kind string

// The kinds of contributions.
const (
	KindBaseline Kind = "baseline" // what a message without any evidence would score
	KindSignal   Kind = "signal"   // a fact that needs no training; it weighs less the more was learned
	KindToken    Kind = "token"    // a word, address, host, header or trait of the message
	KindPatterns Kind = "patterns" // all four-letter patterns of header and text together
	KindRest     Kind = "rest"     // all tokens that are not listed
)

// maxContributions is how many tokens a score lists.
const maxContributions = 20

// score explains fe by m.
func (m *model) score(fe *Features, t Thresholds) Score {
	s := Score{ModelSeq: m.seq, trained: m.trained(), contradicted: fe.signals&(1<<signalContradicted) != 0}
	e := evidences.Get().(*evidence)
	defer evidences.Put(e)
	if m.ham+m.spam == 0 {
		e.slots = e.slots[:0]
		s.Contributions = []Contribution{{Kind: KindBaseline}}
	} else {
		m.weigh(fe, e, !m.closedForm)
		s.Contributions, s.LogOdds = m.explain(fe, e)
	}
	list, cold := fe.signals.contributions(s.Contributions, m.ham, m.spam)
	s.Contributions = list
	s.LogOdds += cold
	s.P = 1 / (1 + math.Exp(-s.LogOdds))
	s.Verdict, s.Reason = m.verdict(s.P, t)
	if doubt := m.doubt(fe, e, &s, t); doubt != "" {
		s.Verdict, s.Reason = Unsure, "unsure: "+doubt+"; by its words "+s.Reason
	}
	return s
}

// trained reports whether the minimum of training was reached.
func (m *model) trained() bool { return m.ham >= MinHam && m.spam >= MinSpam }

// verdict applies the minimum of training, then the thresholds.
func (m *model) verdict(p float64, t Thresholds) (Verdict, string) {
	switch {
	case !m.trained():
		return Unsure, fmt.Sprintf("unsure: %d of %d ham and %d of %d spam learned",
			min(m.ham, MinHam), MinHam, min(m.spam, MinSpam), MinSpam)
	case p >= t.SpamFrom:
		return Spam, "spam: " + percent(p) + ", spam from " + percent(t.SpamFrom)
	case p < t.HamBelow:
		return Ham, "ham: " + percent(p) + ", ham below " + percent(t.HamBelow)
	default:
		return Unsure, "unsure: " + percent(p) + ", between " + percent(t.HamBelow) + " and " + percent(t.SpamFrom)
	}
}

func percent(p float64) string { return strconv.FormatFloat(100*p, 'g', 4, 64) + " %" }
