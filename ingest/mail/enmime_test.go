package mail

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An enmimeMail is what enmime reads from a message; cmd/bench/enmime writes the file of them.
type enmimeMail struct {
	Refused    bool
	Subject    string
	From, To   []string
	Text, HTML string
	Parts      []string
}

func TestEnmime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "parser", "enmime")
	data, err := os.ReadFile(filepath.Join("testdata", "enmime.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]enmimeMail
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	c, refused := newTally(), 0
	for name, want := range all {
		m := parseFile(t, filepath.Join(dir, name))
		if want.Refused {
			refused++
			continue
		}
		compareEnmime(m, want, func(what, got, want string) { c.check(t, name, what, got, want) })
	}
	t.Logf("%d messages that enmime refuses", refused)
	c.hold(t, 95, enmimeExplained)
}

func compareEnmime(m *Mail, want enmimeMail, check func(what, got, want string)) {
	check("subject", squeeze(m.Subject), want.Subject)
	if len(want.From) > 0 {
		check("from", emails(m.From), strings.Join(want.From, ", "))
	}
	if len(want.To) > 0 {
		check("to", emails(m.To), strings.Join(want.To, ", "))
	}
	if want.Text != "" {
		check("text", digestWords(m.Text), want.Text)
	}
	if want.HTML != "" {
		check("html", digestWords(m.HTML), want.HTML)
	}
	var parts, wanted []string
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Size > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %d %x", p.ContentType, p.Filename, p.Size, p.SHA256))
		}
	}
	for _, p := range want.Parts {
		if strings.HasPrefix(p, " ") {
			p = "text/plain" + p
		}
		wanted = append(wanted, p)
	}
	check("attachments", strings.Join(among(wanted, parts), "\n"), strings.Join(wanted, "\n"))
}

// among returns those of want that are in got, in any order.
func among(want, got []string) (list []string) {
	for _, w := range want {
		for _, g := range got {
			if g == w {
				list = append(list, w)
				break
			}
		}
	}
	return list
}

func digestWords(s string) string {
	if s = squeeze(s); s == "" {
		return ""
	}
	return fmt.Sprintf("%d:%.8x", len(s), sha256.Sum256([]byte(s)))
}
