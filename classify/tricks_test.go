package classify_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"postroom/classify"
)

// TestTricks changes spam so that its words are no longer the ones learned, and states the loss. What a trick hides, its
// traces give away: none may make much spam pass for ham.
func TestTricks(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("learns 4,000 messages")
	}
	mails, fes := extracted(t, everything, false)
	var trial, wronged classify.Trial
	for i := range learned {
		trial.Learn(fes[i], mails[i].spam)
		wronged.Learn(fes[i], mails[i].spam != (i%20 == 7)) // one judgement in twenty is reversed
	}
	twins := strings.NewReplacer("a", "а", "e", "е", "o", "о", "p", "р", "c", "с")
	split := strings.NewReplacer("a", "a\u200b", "e", "e\u200b", "i", "i\u200d", "o", "o\u2060")
	for _, c := range []struct {
		name   string
		trial  *classify.Trial
		change func(string) string
		spam   bool
		lost   float64 // largest share with the opposite verdict
	}{
		{"spam as it is", &trial, func(s string) string { return s }, true, 0.01},
		{"spam in letters of other alphabets", &trial, twins.Replace, true, 0.02},
		{"spam with invisible characters in words", &trial, split.Replace, true, 0.02},
		{"spam emptied of text", &trial, func(string) string { return "" }, true, 0.1},
		{"spam, 5 % of the judgements reversed", &wronged, func(s string) string { return s }, true, 0.01},
		{"ham, 5 % of the judgements reversed", &wronged, func(s string) string { return s }, false, 0.005},
	} {
		passed, unsure, n := 0, 0, 0
		for i := learned; i < len(mails); i++ {
			if mails[i].spam != c.spam {
				continue
			}
			d := document(mails[i].raw)
			d.Text = c.change(d.Text)
			n++
			switch v := c.trial.Score(extractor.Features(uuid.UUID{1}, d)).Verdict; {
			case v == classify.Unsure:
				unsure++
			case v == classify.Spam != c.spam:
				passed++
			}
		}
		t.Logf("%s: of %d, %d with the opposite verdict, %d unsure", c.name, n, passed, unsure)
		if float64(passed) > c.lost*float64(n) {
			t.Errorf("%s: %d of %d with the opposite verdict, want at most %v", c.name, passed, n, c.lost)
		}
	}
	// An empty mail says nothing: it is unsure, and who trains it teaches nothing about others.
	empty := extractor.Features(uuid.UUID{1}, classify.Document{})
	before := trial.Score(fes[learned]).LogOdds
	if v := trial.Score(empty).Verdict; v != classify.Unsure {
		t.Errorf("an empty mail is %s, want unsure", v)
	}
	for range 20 {
		trial.Learn(empty, true)
	}
	if after := trial.Score(fes[learned]).LogOdds; after-before > 2 || before-after > 2 {
		t.Errorf("twenty empty mails trained as spam move a score from %v to %v", before, after)
	}
}
