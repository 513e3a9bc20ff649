package mail

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A tally counts what was compared with the expected results of one set, by what was compared.
type tally struct {
	checks, agree map[string]int
	differ        []string
}

func newTally() *tally {
	return &tally{checks: map[string]int{}, agree: map[string]int{}}
}

// check compares one thing of one message. Only what the set expects is counted.
func (c *tally) check(t *testing.T, name, what, got, want string) {
	t.Helper()
	c.checks[what]++
	if got == want || fillsGaps(got, want) {
		c.agree[what]++
		return
	}
	c.differ = append(c.differ, name+" "+what)
	t.Logf("%s %s:\n got %.300q\nwant %.300q", name, what, got, want)
}

// fillsGaps reports whether got differs from want only where want has U+FFFD: the set's maker could not read those bytes.
func fillsGaps(got, want string) bool {
	if !strings.Contains(want, "\uFFFD") || strings.Contains(got, "\uFFFD") {
		return false
	}
	pieces := strings.Split(want, "\uFFFD")
	for i, piece := range pieces {
		at := strings.Index(got, piece)
		if at < 0 || i == 0 && at > 0 || at > 8 && piece != "" {
			return false
		}
		got = got[at+len(piece):]
	}
	return len(got) <= 8 || pieces[len(pieces)-1] == ""
}

// hold prints the set's row of the table in docs/mail.md, and fails when fewer percent agree than floor, when something differs
// that explained does not name, or when explained names what agrees.
func (c *tally) hold(t *testing.T, floor float64, explained map[string]string) {
	t.Helper()
	checks, agree := 0, 0
	var row []string
	for _, what := range slices.Sorted(maps.Keys(c.checks)) {
		checks, agree = checks+c.checks[what], agree+c.agree[what]
		row = append(row, fmt.Sprintf("%s %d/%d", what, c.agree[what], c.checks[what]))
	}
	if checks == 0 {
		t.Fatal("nothing was compared")
	}
	share := 100 * float64(agree) / float64(checks)
	t.Logf("%d of %d agree (%.1f %%): %s", agree, checks, share, strings.Join(row, ", "))
	if share < floor {
		t.Errorf("%.1f %% agree, want %.1f %%", share, floor)
	}
	for _, d := range c.differ {
		if explained[d] == "" {
			t.Errorf("%s differs, and nothing explains it", d)
		}
	}
	for d := range explained {
		if !slices.Contains(c.differ, d) {
			t.Errorf("%s is explained, but does not differ", d)
		}
	}
}

// comparable brings text to a form in which line endings and white space at the ends do not count.
func comparable(s string) string {
	return squeeze(strings.ReplaceAll(s, "\x00", ""))
}

// emails writes addresses in a form that does not count the case of a domain.
func emails(list []Address) string {
	var b []string
	for _, a := range list {
		b = append(b, strings.TrimSpace(squeeze(a.Name)+" <"+strings.ToLower(a.Email)+">"))
	}
	return strings.Join(b, ", ")
}
