package mail

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A wantedRecipient is one entry of the bounce corpus's expected results.
type wantedRecipient struct {
	Status    string `json:"status"`
	ReplyCode string `json:"reply_code"`
	Reason    string `json:"reason"`
	Hard      bool   `json:"hard"`
}

// bounceFloor is the share of the bounce corpus that is read right, in percent.
var bounceFloor = map[string]float64{"kind": 97, "recipient": 98, "status": 95, "reply code": 95, "reason": 85, "hard": 95}

func TestBounceCorpus(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "bounces")
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][]wantedRecipient
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	checks, agree := map[string]int{}, map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		want := expected[name]
		m := parseFile(t, filepath.Join(dir, "mail", name))
		check := func(what string, got, want any, said string) {
			checks[what]++
			if got == want {
				agree[what]++
			} else if testing.Verbose() {
				t.Logf("%s: %s %v, want %v: %.200s", name, what, got, want, said)
			}
		}
		check("kind", m.Automatic.Kind, wantedKind(want[0].Reason), "")
		for i, w := range want {
			var got Recipient
			if i < len(m.Automatic.Recipients) {
				got = m.Automatic.Recipients[i]
			}
			check("recipient", strings.Contains(got.Address, "@"), true, m.Subject)
			check("reason", got.Reason, w.Reason, got.Diagnostic)
			if madeUp(w.Status) && got.Status == "" {
				w.Status = ""
			}
			check("status", got.Status, w.Status, got.Diagnostic)
			check("reply code", got.ReplyCode, w.ReplyCode, got.Diagnostic)
			check("hard", got.Hard, w.Hard, got.Diagnostic)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(checks)) {
		share := 100 * float64(agree[what]) / float64(checks[what])
		t.Logf("%-10s %d of %d right (%.1f %%)", what, agree[what], checks[what], share)
		if share < bounceFloor[what] {
			t.Errorf("%s: %.1f %% right, want %.0f %%", what, share, bounceFloor[what])
		}
	}
}

// wantedKind is the kind of mail that the corpus means by a reason.
func wantedKind(reason string) string {
	switch reason {
	case "feedback":
		return KindFeedback
	case "vacation":
		return KindAutoReply
	default:
		return KindBounce
	}
}

// madeUp reports whether a status is one that only the corpus's makers use, where the message has none.
func madeUp(status string) bool {
	return strings.HasPrefix(status, "5.0.9") || strings.HasPrefix(status, "4.0.9")
}

func TestNotABounce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(corpora(t), "bounces", "not-a-bounce", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no mails that are no bounces: %v", err)
	}
	for _, f := range files {
		if m := parseFile(t, f); m.Automatic.Kind == KindBounce {
			t.Errorf("Parse(%s): kind %q, want no bounce", f, m.Automatic.Kind)
		}
	}
}

func parseFile(t *testing.T, file string) *Mail {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(raw, Budget{})
	if err != nil {
		t.Errorf("Parse(%s): %v", file, err)
	}
	return m
}
