package mail

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hamFloor is the share of the spam corpus's ham that may be taken for automatic mail other than lists, in percent.
const hamFloor = 0.2

// TestHamIsNotAutomatic goes through mail that people have written, most of it through mailing lists.
func TestHamIsNotAutomatic(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "spam")
	index, err := os.ReadFile(filepath.Join(dir, "index"))
	if err != nil {
		t.Fatal(err)
	}
	ham := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(index)); s.Scan(); {
		if label, path, ok := strings.Cut(s.Text(), " "); ok && label == "ham" {
			ham[filepath.Base(path)] = true
		}
	}
	kinds, all := map[string]int{}, 0
	eachMail(t, dir, func(name string, raw []byte) {
		if !ham[filepath.Base(name)] {
			return
		}
		all++
		m, _ := Parse(raw, Budget{})
		kinds[m.Automatic.Kind]++
		if k := m.Automatic.Kind; k != "" && k != KindList {
			t.Logf("%s: %s: %q from %v, Auto-Submitted %q", name, k, m.Subject, m.From, m.Get("Auto-Submitted"))
		}
		if m.Automatic.Kind == KindList && m.field("List-Id") == nil && m.field("List-Unsubscribe") == nil && m.field("List-Post") == nil && !m.bulk() {
			t.Errorf("%s: list without a header that says so", name)
		}
	})
	wrong := kinds[KindBounce] + kinds[KindFeedback] + kinds[KindAutoReply] + kinds[KindReceipt]
	t.Logf("%d ham: %v; %d called automatic (%.2f %%)", all, kinds, wrong, 100*float64(wrong)/float64(all))
	if all == 0 || 100*float64(wrong)/float64(all) >= hamFloor {
		t.Errorf("%d of %d ham called automatic, want less than %.1f %%", wrong, all, hamFloor)
	}
}
