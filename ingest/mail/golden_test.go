package mail

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testMail is the folder of the mails written for this project.
var testMail = filepath.Join("..", "..", "testdata", "mail")

// A golden is what the file beside a mail holds.
type golden struct {
	Mail  *Mail  `json:"mail"`
	Error string `json:"error,omitempty"`
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testMail, "*.eml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no mails in %s: %v", testMail, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got := parseGolden(t, file)
			name := strings.TrimSuffix(file, ".eml") + ".golden.json"
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("Parse(%s) (-want +got; -update rewrites):\n%s", file, diff)
			}
		})
	}
}

func parseGolden(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b Budget
	if strings.Contains(file, "over-budget-depth") {
		b.Depth = 50
	}
	m, err := Parse(raw, b)
	g := golden{Mail: m}
	if over := (*BudgetError)(nil); errors.As(err, &over) {
		g.Error = err.Error()
	} else if err != nil {
		t.Fatalf("Parse(%s): %v, want a *BudgetError or none", file, err)
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(g); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}
