package classify

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"
)

var testKey = newHashKey([]byte("test"), uuid.UUID{1})

// taught returns a model that learned n made-up letters.
func taught(n int) *model {
	m := &model{}
	for i := range n {
		d := letter(i, verdictOf(i) == Spam)
		fe := extract(testKey, &d)
		m.learn(&fe, verdictOf(i) == Spam)
	}
	return m
}

func TestContributionsSum(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for n := range 150 {
		m := taught(n)
		for range 10 {
			d := letter(r.IntN(1<<20), r.IntN(2) == 0)
			switch r.IntN(8) {
			case 0:
				d = Document{}
			case 1:
				d.Text = ""
			case 2:
				d = Document{Text: vocabulary[r.IntN(len(vocabulary))]}
			}
			fe := extract(testKey, &d)
			s := m.score(&fe, defaultThresholds)
			sum := 0.0
			for _, c := range s.Contributions {
				sum += c.LogOdds
			}
			if math.Abs(sum-s.LogOdds) > 1e-9 || math.IsNaN(sum) {
				t.Fatalf("after %d letters contributions sum to %v, want the log-odds %v", n, sum, s.LogOdds)
			}
			if p := 1 / (1 + math.Exp(-s.LogOdds)); math.Abs(p-s.P) > 1e-12 {
				t.Fatalf("P = %v, want %v from the log-odds", s.P, p)
			}
		}
	}
}

func TestContributionsAreStrongestFirst(t *testing.T) {
	t.Parallel()
	m := taught(300)
	d := letter(1<<20, true)
	fe := extract(testKey, &d)
	s := m.score(&fe, defaultThresholds)
	tokens := 0
	for _, c := range s.Contributions {
		if c.Kind == KindToken {
			tokens++
		}
	}
	if tokens != maxContributions {
		t.Fatalf("%d tokens listed, want %d", tokens, maxContributions)
	}
	last := math.Inf(1)
	for _, c := range s.Contributions[1 : maxContributions+1] {
		if c.Kind != KindToken || c.Token == "" || math.Abs(c.LogOdds) > last {
			t.Errorf("contribution %+v after one of %v, want tokens with their text, strongest first", c, last)
		}
		last = math.Abs(c.LogOdds)
	}
}

// A fresh message and the same message read back from the journal must score alike.
func TestStoredFeaturesScoreAlike(t *testing.T) {
	t.Parallel()
	m := taught(200)
	for i := range 50 {
		d := letter(1<<20+i, i%2 == 0)
		fresh := extract(testKey, &d)
		b, err := fresh.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var stored Features
		if err := stored.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		x, y := m.score(&fresh, defaultThresholds), m.score(&stored, defaultThresholds)
		if math.Abs(x.LogOdds-y.LogOdds) > 1e-6 {
			t.Errorf("fresh features score %v, stored ones %v", x.LogOdds, y.LogOdds)
		}
	}
}

func TestTies(t *testing.T) {
	t.Parallel()
	m := taught(300)
	score := func(m *model, th Thresholds, auth ...string) Score {
		d := letter(1<<20, true)
		d.Auth = auth
		fe := extract(testKey, &d)
		return m.score(&fe, th)
	}
	spam, unsure := Thresholds{HamBelow: 0.1, SpamFrom: 0.5}, Thresholds{HamBelow: 0.0001, SpamFrom: 1}
	blocked := score(m, spam)
	SenderRule{Pattern: "a.example", Verdict: Spam}.apply(&blocked)
	for _, c := range []struct {
		name           string
		score          Score
		known, answers Verdict
	}{
		{"spam by its words", score(m, spam), Unsure, Unsure},
		{"unsure", score(m, unsure), Unsure, Ham},
		{"spam, contradicted", score(m, spam, "dmarc=fail"), Spam, Unsure},
		{"unsure, contradicted", score(m, unsure, "dmarc=fail"), Unsure, Unsure},
		{"spam by the block list", blocked, Spam, Spam},
		{"too little training", score(taught(30), spam), Unsure, Unsure},
	} {
		for _, tied := range []struct {
			ties Ties
			want Verdict
		}{
			{Ties{}, c.score.Verdict}, {Ties{Known: "we know them"}, c.known}, {Ties{Answers: "it answers"}, c.answers},
			{Ties{Known: "we know them", Answers: "it answers"}, c.answers},
		} {
			got := c.score.With(tied.ties)
			if got.Verdict != tied.want || got.P != c.score.P || !strings.HasPrefix(got.Reason, string(tied.want)+":") {
				t.Errorf("%s, with %+v: %s (%q) at %v, want %s at %v", c.name, tied.ties, got.Verdict, got.Reason, got.P, tied.want, c.score.P)
			}
			if got.Verdict != c.score.Verdict && (!c.score.Open() || !strings.HasSuffix(got.Reason, c.score.Reason)) {
				t.Errorf("%s, with %+v: the verdict changed from %q to %q; it was open: %v", c.name, tied.ties, c.score.Reason, got.Reason, c.score.Open())
			}
		}
	}
}

// knowsWords reports whether words have a part in a score.
func knowsWords(s Score) bool {
	for _, c := range s.Contributions {
		if c.Kind != KindSignal && c.LogOdds != 0 {
			return true
		}
	}
	return false
}

func TestEmptyModelKnowsNoWords(t *testing.T) {
	t.Parallel()
	d := letter(1, true)
	fe := extract(testKey, &d)
	s := (&model{}).score(&fe, defaultThresholds)
	if knowsWords(s) || s.Verdict != Unsure || s.Reason != "unsure: 0 of 50 ham and 0 of 20 spam learned" {
		t.Errorf("score by an empty model = %+v, want unsure by signals alone", s)
	}
}

// Whatever signals meet, they never suffice for spam, they add up, and training makes them weigh less.
func TestSignals(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		fe := Features{signals: signalSet(r.Uint32() & (1<<signalCount - 1))}
		s := (&model{}).score(&fe, defaultThresholds)
		sum := 0.0
		for _, c := range s.Contributions {
			sum += c.LogOdds
		}
		if math.Abs(sum-s.LogOdds) > 1e-9 || math.Abs(s.LogOdds) > signalBound+1e-9 || s.Verdict != Unsure {
			t.Fatalf("signals %b: %+v, want unsure, within %v, summing up", fe.signals, s, signalBound)
		}
		if cold, warm := fe.signals.share(0, 0), fe.signals.share(1000, 1000); warm > cold/50 {
			t.Fatalf("signals weigh %v cold and %v after 1,000 of each class", cold, warm)
		}
	}
	var honest, crooked Features
	d := Document{
		Header: []Field{{"Date", "x"}, {"Message-ID", "<1@a.example>"}, {"In-Reply-To", "<2@b.example>"}}, To: []string{"help@b.example"},
		Subject: "Re: my order", Text: "Thank you.\n> Did it come?", From: []string{"ann@a.example"}, Auth: []string{"sender=verified"},
	}
	honest = extract(testKey, &d)
	d = Document{
		Subject: "CONGRATULATIONS WINNER!!", From: []string{"a@a.example"}, ReplyTo: []string{"b@other.example"}, Auth: []string{"dmarc=fail"},
		HTML: `<a href="http://10.0.0.1/x">http://bank.example/</a>`, Parts: []PartInfo{{ContentType: "text/html"}, {Filename: "invoice.pdf.exe"}},
	}
	crooked = extract(testKey, &d)
	if a, b := (&model{}).score(&honest, defaultThresholds), (&model{}).score(&crooked, defaultThresholds); a.P > 0.1 || b.P < 0.9 {
		t.Errorf("without training an answer scores %v and a trick %v, want below 0.1 and above 0.9", a.P, b.P)
	}
}

func TestModelSurvivesEncoding(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100} {
		m := taught(n)
		b := m.encode()
		again, err := decodeModel(b)
		if err != nil {
			t.Fatalf("decode after %d letters: %v", n, err)
		}
		if string(again.encode()) != string(b) {
			t.Errorf("a model of %d letters changes when it is stored and read", n)
		}
		for i := range b[:min(len(b), 40)] {
			if _, err := decodeModel(b[:i]); err == nil {
				t.Errorf("a model cut to %d of %d bytes decodes", i, len(b))
			}
		}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var k rank
	for range 500 {
		k.learn(r.NormFloat64()*50+40, 20, true)
		k.learn(r.NormFloat64()*50-40, 20, false)
	}
	last := math.Inf(-1)
	for s := -1e4; s < 1e4; s += 0.37 {
		z := k.logOdds(s, 20)
		if z < last {
			t.Fatalf("log-odds fall from %v to %v at %v", last, z, s)
		}
		last = z
	}
	if lo, hi := k.logOdds(math.Inf(-1), 20), k.logOdds(math.Inf(1), 20); !(lo < -5 && hi > 5) && !math.IsNaN(lo+hi) {
		t.Errorf("log-odds reach from %v to %v, want beyond ±5", lo, hi)
	}
	total := uint32(0)
	for bin := range rankBins {
		if got := k.spam.below(bin); got != total {
			t.Fatalf("below(%d) = %d, want %d", bin, got, total)
		}
		total += k.spam.count(bin)
	}
	if total != k.spam.total() {
		t.Errorf("bins hold %d, total says %d", total, k.spam.total())
	}
}

// Who puts the words of ham into a spam's text is found out by the rest of the mail, unless that is of ham too.
func TestTextAgainstTheRest(t *testing.T) {
	t.Parallel()
	m := &model{}
	mail := func(n int, text, rest bool) Document {
		d := letter(n, text)
		host := "good.example"
		if rest {
			host = "win.example"
		}
		d.Header = append(d.Header, Field{"X-Mailer", "Sent by " + host}, Field{"Received", "from mx." + host + " by here"})
		d.Text += " http://www." + host + "/"
		d.ReplyTo = []string{"answers@" + host}
		return d
	}
	for n := range 300 {
		d := mail(n, verdictOf(n) == Spam, verdictOf(n) == Spam)
		fe := extract(testKey, &d)
		m.learn(&fe, verdictOf(n) == Spam)
	}
	for _, c := range []struct {
		name       string
		text, rest bool
		doubt      bool
	}{{"ham", false, false, false}, {"a ham's text in a spam", false, true, true}} {
		d := mail(5000, c.text, c.rest)
		fe := extract(testKey, &d)
		s := m.score(&fe, Thresholds{HamBelow: 0.975, SpamFrom: 0.975})
		if s.P >= 0.975 {
			t.Fatalf("%s: P = %v, want it below the threshold", c.name, s.P)
		}
		if doubt := s.Verdict == Unsure && strings.Contains(s.Reason, "by all but its text"); doubt != c.doubt {
			t.Errorf("%s: %s, %q; doubted: %v, want %v", c.name, s.Verdict, s.Reason, doubt, c.doubt)
		}
	}
}
