package ui

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postroom/classify"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []block
	}{
		{"empty", " \n\n", nil},
		{"own words", "Hello\n\nyou\n", []block{{"Hello\n\nyou", false, 3}}},
		{"a reply above", "Thanks\n\nOn Monday, A wrote:\n> one\n>\n> two\n", []block{{"Thanks", false, 1}, {"On Monday, A wrote:\n> one\n>\n> two", true, 4}}},
		{"a reply in between", "> one\nyes\n> two\nno", []block{{"> one", true, 1}, {"yes", false, 1}, {"> two", true, 1}, {"no", false, 1}}},
		{"an empty line within a quote", "> one\n\n> two", []block{{"> one\n\n> two", true, 3}}},
		{"the original", "See below\n\n-----Ursprüngliche Nachricht-----\nVon: A\n\nHallo", []block{{"See below", false, 1}, {"-----Ursprüngliche Nachricht-----\nVon: A\n\nHallo", true, 4}}},
		{"a rule is no original", "a\n----------\nb", []block{{"a\n----------\nb", false, 3}}},
		{"a colon before own words", "Note:\nnothing", []block{{"Note:\nnothing", false, 2}}},
	} {
		if diff := cmp.Diff(tt.want, blocks(tt.text)); diff != "" {
			t.Errorf("%s: blocks(%q) (-want +got):\n%s", tt.name, tt.text, diff)
		}
	}
}

// FuzzBlocks looks for text that is lost or that ends never.
func FuzzBlocks(f *testing.F) {
	f.Add("Thanks\n\nOn Monday, A wrote:\n> one\n>\n> two\n")
	f.Add("-----Original Message-----\n>\n")
	f.Add(":\n\n\n>\n:\n>")
	f.Fuzz(func(t *testing.T, s string) {
		letters := func(s string) (n int) {
			for _, r := range s {
				if r != '\n' && r != ' ' && r != '\t' && r != '\r' && r != '\v' && r != '\f' && r != 0x85 && r != 0xa0 {
					n++
				}
			}
			return n
		}
		kept := 0
		for _, b := range blocks(s) {
			kept += letters(b.Text)
		}
		if kept > letters(s) {
			t.Errorf("blocks(%q) has %d letters of %d", s, kept, letters(s))
		}
	})
}

// TestScoreAddsUp adds the figures up as a person would who reads the table.
func TestScoreAddsUp(t *testing.T) {
	t.Parallel()
	s := classify.Score{}
	for i := range 23 {
		c := 0.3333 * float64(i%5-2)
		s.LogOdds += c
		s.Contributions = append(s.Contributions, classify.Contribution{Kind: classify.KindToken, Token: "t", LogOdds: c})
	}
	v := scoreOf(s)
	sum := int64(0)
	for _, r := range v.Rows {
		sum += centsOf(t, r.LogOdds)
	}
	if got := centsOf(t, v.Sum); got != sum {
		t.Errorf("the rows add up to %d hundredths, and %d are written under them", sum, got)
	}
}

func centsOf(t *testing.T, s string) int64 {
	t.Helper()
	sign, n := int64(1), int64(0)
	for _, r := range s {
		switch {
		case r == '−':
			sign = -1
		case r >= '0' && r <= '9':
			n = 10*n + int64(r-'0')
		}
	}
	return sign * n
}

func TestWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for got, want := range map[string]string{
		whenAt(now.Add(-time.Hour), now):      "11:00",
		whenAt(now.AddDate(0, 0, -1), now):    "31 May, 12:00",
		whenAt(now.AddDate(-1, 0, 0), now):    "1 Jun 2025",
		size(999):                             "999 bytes",
		size(29_500):                          "29.5 kB",
		size(40 << 20):                        "41.9 MB",
		count(1234567):                        "1\u202f234\u202f567",
		count(int64(-1000)):                   "-1\u202f000",
		plural(1, "mail", "mails"):            "1 mail",
		plural(int64(2), "mail", "mails"):     "2 mails",
		initials("Anna Maria Whitfield", ""):  "AM",
		initials("", "erika@muster.example"):  "E",
		initials("", ""):                      "US",
		initials("***", ""):                   "?",
		took(77):                              "77 µs",
		took(2_500):                           "2.5 ms",
		localPath("/w/x?y=z", "/"):            "/w/x?y=z",
		localPath("//evil.example", "/home"):  "/home",
		localPath("/a\r\nSet-Cookie: x", "/"): "/",
		refusalWords("unknown_recipient"):     "unknown recipient",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
