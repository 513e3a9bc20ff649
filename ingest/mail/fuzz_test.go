package mail

import (
	"errors"
	"testing"
)

// FuzzParse holds Parse to its promises on whatever a stranger may send: no panic, no error but the budget's, clean
// strings, parts that read as they were measured.
func FuzzParse(f *testing.F) {
	for _, raw := range written(f) {
		f.Add(raw)
	}
	for _, build := range hostile {
		f.Add(build(300))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw, Budget{})
		if over := (*BudgetError)(nil); err != nil && !errors.As(err, &over) {
			t.Fatalf("Parse: %v, want a *BudgetError or none", err)
		}
		if over := (*BudgetError)(nil); errors.As(err, &over) && over.Limit == LimitBytes {
			return
		}
		if problem := unsound(m); problem != "" {
			t.Fatal(problem)
		}
		ContentHash(raw)
	})
}
