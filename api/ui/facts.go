package ui

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// factNames are the details of steps that people care about, in the order in
// which they read them; others follow under their own names.
var factNames = []struct{ key, words string }{
	{"verdict", "Verdict"}, {"actor", "By"}, {"was", "Before"}, {"reason", "Why"}, {"p", "Probability of spam"}, {"cause", "Cause"},
	{"error", "What went wrong"}, {"attempt", "Attempt"}, {"parts", "Parts"}, {"automatic", "Sent by a machine"}, {"defects", "Got past"},
	{"limit", "Limit passed"}, {"max", "At most"}, {"got", "Found"}, {"model", "Judgements learned"}, {"ticket", "Ticket"}, {"duplicate_of", "Repeats"},
}

// A fact is one detail of a step.
type fact struct {
	Name, Value string
	Path        string // below the workspace, of what the value names; "" for nothing
}

// factsOf puts a step's details into words.
func factsOf(detail map[string]any) []fact {
	rest := maps.Clone(detail)
	var facts []fact
	for _, n := range factNames {
		if v, ok := rest[n.key]; ok {
			facts = append(facts, factOf(n.key, n.words, v))
			delete(rest, n.key)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(rest)) {
		facts = append(facts, factOf(k, strings.ReplaceAll(k, "_", " "), rest[k]))
	}
	return facts
}

func factOf(key, words string, v any) fact {
	f := fact{Name: words, Value: factText(key, v)}
	switch key {
	case "duplicate_of":
		f.Path, f.Value = "messages/"+f.Value, "an earlier message"
	case "ticket":
		f.Path, f.Value = "tickets/by-id/"+f.Value, "see it"
	}
	return f
}

func factText(name string, v any) string {
	switch v := v.(type) {
	case string:
		if v == "" && name == "verdict" {
			return "taken back"
		}
		return v
	case float64:
		if name == "p" {
			return percent(v)
		}
		return fmt.Sprintf("%.6g", v)
	case []any: // defects
		var kinds []string
		for _, d := range v {
			if m, ok := d.(map[string]any); ok {
				kinds = append(kinds, strings.ReplaceAll(fmt.Sprint(m["kind"]), "_", " "))
			}
		}
		if len(kinds) == len(v) {
			return strings.Join(kinds, ", ")
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
