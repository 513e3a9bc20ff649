package classify_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"postroom/classify"
)

// learned is how many messages of the corpus a filter has learned before it is attacked.
const learned = 4000

// commonWords returns the words that most ham has and little spam, the most common first: what an attacker would
// guess who knows the company's mail.
func commonWords(mails []labelled) []string {
	counts := make(map[string]int)
	for i := range mails {
		seen := make(map[string]bool)
		for _, w := range strings.Fields(strings.ToLower(document(mails[i].raw).Text)) {
			if len(w) > 3 && len(w) < 16 && !seen[w] {
				seen[w] = true
				if mails[i].spam {
					counts[w] -= 3
				} else {
					counts[w]++
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// TestGoodWords puts the best words of ham on top of spam and states the loss. Text alone does not withstand someone who knows
// it: then the rest of the mail makes most of it unsure.
func TestGoodWords(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("learns 4,000 messages")
	}
	mails, fes := extracted(t, everything, false)
	var trial classify.Trial
	for i := range learned {
		trial.Learn(fes[i], mails[i].spam)
	}
	good := commonWords(mails[:learned])
	for _, c := range []struct {
		words  int
		passed float64 // the largest share of spam that may be called ham
	}{{0, 0.01}, {50, 0.02}, {200, 0.15}} {
		prefix := strings.Join(good[:c.words], " ") + "\n"
		verdicts := make(map[classify.Verdict]int)
		for i := learned; i < len(mails); i++ {
			if !mails[i].spam {
				continue
			}
			d := document(mails[i].raw)
			d.Text = prefix + d.Text
			verdicts[trial.Score(extractor.Features(uuid.UUID{1}, d)).Verdict]++
		}
		n := verdicts[classify.Ham] + verdicts[classify.Unsure] + verdicts[classify.Spam]
		t.Logf("%3d good words: of %d spam, %d called ham, %d unsure", c.words, n, verdicts[classify.Ham], verdicts[classify.Unsure])
		if float64(verdicts[classify.Ham]) > c.passed*float64(n) {
			t.Errorf("%d good words: %d of %d spam called ham, want at most %v", c.words, verdicts[classify.Ham], n, c.passed)
		}
	}
}

// TestDictionary has one mail in a hundred be a list of common words that someone trains as spam.
func TestDictionary(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("learns 4,000 messages")
	}
	mails, fes := extracted(t, everything, false)
	words := commonWords(mails[:learned])
	for _, attacked := range []bool{false, true} {
		var trial classify.Trial
		for i := range learned {
			trial.Learn(fes[i], mails[i].spam)
			if attacked && i%100 == 99 {
				d := classify.Document{Subject: fmt.Sprint("list ", i), Text: strings.Join(words[:min(20000, len(words))], " ")}
				trial.Learn(extractor.Features(uuid.UUID{1}, d), true)
			}
		}
		lost, unsure, n := 0, 0, 0
		for i := learned; i < len(mails); i++ {
			if mails[i].spam {
				continue
			}
			n++
			switch trial.Score(fes[i]).Verdict {
			case classify.Spam:
				lost++
			case classify.Unsure:
				unsure++
			}
		}
		t.Logf("dictionary mails learned: %v; of %d ham %d called spam, %d unsure", attacked, n, lost, unsure)
		if float64(lost) > 0.005*float64(n) || float64(unsure) > 0.05*float64(n) {
			t.Errorf("dictionary mails learned: %v; %d ham called spam, %d unsure of %d, want at most 0.5 %% and 5 %%", attacked, lost, unsure, n)
		}
	}
}
