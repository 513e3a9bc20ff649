// Package postroom_test holds what must be true of the module as a whole.
package postroom_test

import (
	"encoding/json"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// law says which of our packages each package imports. It is the same table as in
// ARCHITECTURE.md; an arrow too many fails, and so does one that nobody uses.
var law = map[string][]string{
	"cmd/bench":                {},
	"cmd/benchfilter":          {"classify", "internal/trec"},
	"cmd/postroom":             {"api", "api/auth", "api/ui", "classify", "classify/control", "ingest", "ingest/archive", "ingest/imappoll", "ingest/mail", "ingest/smtpd", "internal/postgres", "internal/trec", "internal/vault", "oauthgmail", "tickets", "tickets/audit"},
	"api":                      {"api/auth", "classify", "classify/control", "ingest", "ingest/imappoll", "oauthgmail", "tickets"},
	"api/ui":                   {"api/auth", "classify", "ingest", "tickets"},
	"api/auth":                 {"internal/postgres"},
	"ingest":                   {"classify", "ingest/mail", "internal/postgres", "internal/vault", "tickets", "tickets/audit"},
	"ingest/archive":           {},
	"ingest/imappoll":          {"ingest", "internal/alert", "internal/bearer", "internal/postgres", "internal/submission", "internal/turn", "internal/vault", "tickets", "tickets/audit"},
	"ingest/imappoll/imaptest": {},
	"ingest/ingesttest":        {"classify", "ingest", "internal/postgres", "internal/postgres/pgtest", "internal/vault", "tickets"},
	"ingest/smtpd":             {"ingest", "tickets"},
	"ingest/mail":              {},
	"classify":                 {"internal/alert", "internal/postgres", "internal/trec"},
	"classify/control":         {"classify", "internal/alert", "internal/postgres", "tickets", "tickets/audit"},
	"oauthgmail":               {"internal/alert", "internal/postgres", "internal/turn", "internal/vault", "tickets/audit"},
	"tickets":                  {"internal/postgres", "tickets/audit"},
	"tickets/audit":            {"internal/postgres"},
	"internal/alert":           {"internal/postgres"},
	"internal/bearer":          {},
	"internal/postgres":        {},
	"internal/postgres/pgtest": {"internal/postgres"},
	"internal/submission":      {"internal/bearer"},
	"internal/trec":            {},
	"internal/turn":            {},
	"internal/vault":           {},
}

// rooms says which package alone may import a library: each can be swapped in one
// room.
var rooms = map[string][]string{
	"github.com/danielgtaylor/huma":  {"api"},
	"github.com/emersion/go-smtp":    {"ingest/smtpd", "internal/submission", "ingest/imappoll/imaptest"},
	"github.com/emersion/go-imap":    {"ingest/imappoll"},
	"github.com/emersion/go-message": {"ingest/mail", "tickets/outbox"},
	"github.com/jbrukh/bayesian":     {"classify"},
	"github.com/alecthomas/kong":     {"cmd/postroom", "cmd/bench", "cmd/benchfilter"},
	"github.com/tink-crypto":         {"internal/vault"},
	"github.com/pressly/goose":       {"internal/postgres"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportLaw(t *testing.T) {
	t.Parallel()
	const module = "postroom"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	got := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if name == module {
			continue // this test
		}
		got[name] = []string{}
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, module+"/"); ok {
				got[name] = append(got[name], ours)
			}
			checkRoom(t, name, imp)
		}
		slices.Sort(got[name])
	}
	if diff := cmp.Diff(law, got); diff != "" {
		t.Errorf("the import law and the code differ (-law +code):\n%s", diff)
	}
}

func checkRoom(t *testing.T, name, imp string) {
	t.Helper()
	for _, lib := range slices.Sorted(maps.Keys(rooms)) {
		if strings.HasPrefix(imp, lib) && !slices.Contains(rooms[lib], name) {
			t.Errorf("%s imports %s; only %v may", name, imp, rooms[lib])
		}
	}
}
