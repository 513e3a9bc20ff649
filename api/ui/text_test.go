package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/mail"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	long := "> a\n> b\n> c\n"
	for _, tt := range []struct {
		name string
		text []ingest.Segment
		want []block
	}{
		{"empty", []ingest.Segment{{Kind: "fresh", Text: " \n\n"}}, nil},
		{"own words", []ingest.Segment{{Kind: "fresh", Text: "\nHello\n\nyou\n"}}, []block{{"Hello\n\nyou", own, 3, false}}},
		{
			"a reply above, with the line that introduces it",
			[]ingest.Segment{{Kind: "fresh", Text: "Thanks\n\n"}, {Kind: "attribution", Text: "A wrote:\n"}, {Kind: "quoted", Text: long}, {Kind: "signature", Text: "-- \nB\n"}},
			[]block{{"Thanks", own, 1, false}, {"A wrote:\n> a\n> b\n> c", quoted, 4, false}, {"-- \nB", signature, 2, false}},
		},
		{
			"a reply in between",
			[]ingest.Segment{{Kind: "attribution", Text: "A wrote:\n"}, {Kind: "answered", Text: "> a\n"}, {Kind: "fresh", Text: "yes\n"}},
			[]block{{"A wrote:\n> a", answered, 2, false}, {"yes", own, 1, false}},
		},
		{
			"a forward is open",
			[]ingest.Segment{{Kind: "fresh", Text: "See below\n"}, {Kind: "attribution", Text: "From: A\n"}, {Kind: "forwarded", Text: "Hello\n"}},
			[]block{{"See below", own, 1, false}, {"From: A\nHello", forwarded, 2, true}},
		},
		{"nothing but what folds", []ingest.Segment{{Kind: "quoted", Text: long}}, []block{{"> a\n> b\n> c", quoted, 3, true}}},
		{"an introduction of nothing", []ingest.Segment{{Kind: "attribution", Text: "A wrote:\n"}, {Kind: "fresh", Text: "b\n"}}, []block{{"A wrote:", quoted, 1, false}, {"b", own, 1, false}}},
	} {
		got := blocks(joined(tt.text), tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func joined(segments []ingest.Segment) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString(s.Text)
	}
	return b.String()
}

// TestGiant shows a mail of which a page shows a part only.
func TestGiant(t *testing.T) {
	t.Parallel()
	raw := "Content-Type: text/html\r\n\r\n<p>" + strings.Repeat("aä ", maxCounted) + "<img src=https://t.example/o.gif></p>"
	m, err := mail.Parse([]byte(raw), mail.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	c := contentOf(ingest.Content{Mail: m}, "/w/x/messages/y")
	if !c.Cut || len(c.Blocks) != 1 || len(c.Blocks[0].Text) < maxText-4 || len(c.Blocks[0].Text) > maxText || !utf8.ValidString(c.Blocks[0].Text) {
		t.Errorf("a giant has %d blocks, cut %v, want %d bytes of it", len(c.Blocks), c.Cut, maxText)
	}
	if f := c.Formatted; f == nil || f.Large < maxCounted || f.Images != 0 || f.Height != 640 {
		t.Errorf("formatted = %+v, want it too large to count in", f)
	}
	if len(m.Text) < maxCounted {
		t.Errorf("the mail itself was shortened to %d bytes", len(m.Text))
	}
}

// FuzzBlocks looks for text that is lost or that comes twice, whatever the text is
// told apart into.
func FuzzBlocks(f *testing.F) {
	f.Add("Thanks\n\nOn Monday, A wrote:\n> one\n>\n> two\n", uint64(0x1234))
	f.Add("-----Original Message-----\n>\n", uint64(5))
	f.Fuzz(func(t *testing.T, s string, kinds uint64) {
		names := []string{"fresh", "answered", "quoted", "forwarded", "signature", "attribution"}
		var segments []ingest.Segment
		for line := range strings.Lines(s) {
			segment := ingest.Segment{Text: line}
			reflect.ValueOf(&segment.Kind).Elem().SetString(names[kinds%6])
			kinds = kinds/6 + kinds<<40
			segments = append(segments, segment)
		}
		letters := func(s string) string { return strings.Join(strings.Fields(s), "") }
		list := blocks(s, segments)
		var b strings.Builder
		for _, block := range list {
			b.WriteString(block.Text)
		}
		if letters(b.String()) != letters(s) {
			t.Errorf("blocks of %q = %q", s, b.String())
		}
	})
}

func TestRealType(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ claimed, detected, want string }{
		{"application/pdf", "application/pdf", ""},
		{"application/pdf", "", ""},
		{"text/csv", "text/plain", ""},
		{"image/jpg", "image/jpeg", ""},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip", ""},
		{"application/octet-stream", "application/pdf", "application/pdf"},
		{"application/pdf", "application/vnd.microsoft.portable-executable", "application/vnd.microsoft.portable-executable"},
		{"image/png", "text/html", "text/html"},
	} {
		if got := realType(tt.claimed, tt.detected); got != tt.want {
			t.Errorf("realType(%q, %q) = %q, want %q", tt.claimed, tt.detected, got, tt.want)
		}
	}
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
