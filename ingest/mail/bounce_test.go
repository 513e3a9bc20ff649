package mail

import (
	"encoding/json"
	"os"
	"path/filepath"
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
var bounceFloor = map[string]float64{"kind": 97, "status": 80, "reply code": 90, "hard": 80}

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
	for name, want := range expected {
		m := parseFile(t, filepath.Join(dir, "mail", name))
		check := func(what string, got, want any) {
			checks[what]++
			if got == want {
				agree[what]++
			} else if what == "kind" || testing.Verbose() {
				t.Logf("%s: %s %v, want %v", name, what, got, want)
			}
		}
		kind := KindBounce
		if want[0].Reason == "feedback" {
			kind = KindFeedback
		} else if want[0].Reason == "vacation" {
			kind = KindAutoReply
		}
		check("kind", m.Automatic.Kind, kind)
		if kind != KindBounce {
			continue
		}
		var got Recipient
		if len(m.Automatic.Recipients) > 0 {
			got = m.Automatic.Recipients[0]
		}
		check("recipient", got.Address != "", true)
		if strings.HasPrefix(want[0].Status[min(1, len(want[0].Status)):], ".0.9") && got.Status == "" {
			want[0].Status = "" // a code that only the corpus's makers use, where the message has none
		}
		check("status", got.Status, want[0].Status)
		check("reply code", got.ReplyCode, want[0].ReplyCode)
		check("hard", got.Hard, want[0].Hard)
	}
	for what, n := range checks {
		share := 100 * float64(agree[what]) / float64(n)
		t.Logf("%s: %d of %d right (%.1f %%)", what, agree[what], n, share)
		if share < bounceFloor[what] {
			t.Errorf("%s: %.1f %% right, want %.0f %%", what, share, bounceFloor[what])
		}
	}
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
