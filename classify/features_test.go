package classify

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"postroom/ingest/mail"
)

// names returns the word tokens of d as text.
func names(d Document) []string {
	fe := extract(testKey, &d)
	out := make([]string, len(fe.words))
	for i := range out {
		out[i] = fe.name(i)
	}
	return out
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		d         Document
		want, not []string
	}{
		{"words", Document{Text: "Dear Friend, it's $5.00! e-mail I."},
			[]string{"dear", "friend", "it's", "$5.00", "e-mail"}, []string{"Dear", "i", "i.", "00"}},
		{"capitals", Document{Text: "BUY now"}, []string{"buy", "capitals:buy", "now"}, []string{"capitals:now"}},
		{"scripts", Document{Text: "Привет мир, 謝謝你們 ขอบคุณ grüße"},
			[]string{"привет", "мир", "謝謝", "謝你", "你們", "grüße"}, []string{"謝謝你們"}},
		{"hidden", Document{Text: "Via\u200bgra Vіagra"},
			[]string{"viagra", "quirk:invisible characters", "quirk:mixed alphabets in a word"}, nil},
		{"long word", Document{Text: strings.Repeat("x", 5000)}, []string{"quirk:long words 01"}, []string{strings.Repeat("x", 40)}},
		{"subject", Document{Subject: "Re: Order"}, []string{"subject:re", "subject:order"}, []string{"order"}},
		{"addresses", Document{From: []string{"Joe99@mail.shop.example.co.uk"}},
			[]string{"from:joe99@mail.shop.example.co.uk", "from domain:shop.example.co.uk", "from domain:co.uk", "from domain:uk", "from shape:Aa9"},
			[]string{"from domain:mail.shop.example.co.uk"}},
		{"headers", Document{Header: []Field{
			{"X-Mailer", "The Bat! 3.0"}, {"Message-Id", "<AB12@host.example>"}, {"Date", "Mon, 1 Jan 2024 10:00:00 +0800"},
			{"Received", "from evil.example (HELO x.example [192.0.2.7]) by mx"}, {"Content-Type", `text/html; charset="GB2312"`}}},
			[]string{"header:X-Mailer", "header:Message-Id", "x-mailer:bat", "message-id host:host.example", "message-id shape:A9", "date zone:+0800",
				"received host:evil.example", "received net:192.0.2.0/24", "received net:192.0.0.0/16", "charset:gb2312", "content-type:text/html"}, nil},
		{"ours", Document{Header: []Field{{"X-Spam-Status", "Yes"}, {"delivered-to", "a@b.example"}, {"Authentication-Results", "mx; spf=pass"}}},
			nil, []string{"header:X-Spam-Status", "header:delivered-to", "delivered-to:b.example", "header:Authentication-Results"}},
		{"links", Document{Text: "see http://joe@1.2.3.4:81/cheap/pills?id=9 or mail x@y.example"},
			[]string{"quirk:link with user name", "quirk:link with port", "quirk:link to a bare address", "link host:1.2.3.4", "link path:cheap", "mail domain:y.example"}, nil},
		{"markup", Document{HTML: `<A HREF="http://evil.example/x">http://bank.example/</A><p style="display:none">x</p><!-- a -->`},
			[]string{"html:a", "html:p", "html hides:display none", "link host:evil.example", "quirk:link text names another host", "html:comments 01"}, nil},
		{"parts", Document{Parts: []PartInfo{{ContentType: "application/zip", Filename: "Invoice.PDF.EXE", Charset: "utf-8"}}},
			[]string{"part:application/zip", "part extension:exe", "charset:utf-8"}, nil},
		{"signals", Document{Auth: []string{"SPF=pass"}}, []string{"auth:spf=pass"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := names(c.d)
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("tokens %q, want %q among them", got, w)
				}
			}
			for _, w := range c.not {
				if slices.Contains(got, w) {
					t.Errorf("tokens %q, want no %q", got, w)
				}
			}
		})
	}
}

func TestFeaturesDependOnTheWorkspaceAndTheSecret(t *testing.T) {
	t.Parallel()
	d := letter(1, true)
	a := extract(newHashKey([]byte("one"), uuid.UUID{1}), &d)
	for name, key := range map[string]hashKey{
		"workspace": newHashKey([]byte("one"), uuid.UUID{2}), "secret": newHashKey([]byte("two"), uuid.UUID{1}),
	} {
		b := extract(key, &d)
		if slices.ContainsFunc(b.words, func(id uint32) bool { return slices.Contains(a.words, id) }) {
			t.Errorf("another %s gives some of the same ids", name)
		}
	}
}

// What lies beyond the bounds must not be read: a huge mail gives the same features as its beginning, but for its size.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	distinct := &strings.Builder{}
	for i := range 100_000 {
		fmt.Fprintf(distinct, "w%x ", i)
	}
	for name, text := range map[string]string{
		"one word": strings.Repeat("x", 5<<20), "distinct words": distinct.String(), "links": strings.Repeat("http://a.example/b ", 1<<18),
		"invisible": strings.Repeat("\u200b", 1<<20), "tags": strings.Repeat("<a href=http://x.example>", 1<<18), "at": strings.Repeat("@a.example ", 1<<18),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, start := Document{Text: text, HTML: text}, Document{Text: text[:1<<16], HTML: text[:1<<16]}
			for i := range 5000 {
				whole.Header = append(whole.Header, Field{fmt.Sprint("X-", i), text})
				whole.From = append(whole.From, fmt.Sprint(i, "@", text[:100]))
				whole.Parts = append(whole.Parts, PartInfo{ContentType: text, Filename: text})
			}
			start.Header, start.From, start.Parts = whole.Header[:100], whole.From[:100], whole.Parts[:100]
			got := slices.DeleteFunc(names(whole), sized)
			want := slices.DeleteFunc(names(start), sized)
			if !slices.Equal(got, want) {
				t.Errorf("%d tokens of the whole mail, %d of its beginning", len(got), len(want))
			}
		})
	}
}

func sized(name string) bool {
	return strings.HasPrefix(name, "size:") || strings.HasPrefix(name, "part:count") || strings.HasPrefix(name, "header:fields")
}

// FuzzTokens feeds the extraction what strangers send: bounded work, no panic, and a stored form that reads back.
func FuzzTokens(f *testing.F) {
	f.Add("Subject", "Hello", "text 謝謝 http://a.example/b", "<a href='http://x.example'>y</a><!--", "a@b.example")
	f.Add("Received", "from [::1] (x.y) 1.2.3.4", "\xff\xfe\u200b\u0430a", "<<<>>>", "@")
	f.Add("Message-ID", "<@>", "://http://", "<img src=://", "")
	f.Fuzz(func(t *testing.T, header, value, text, html, address string) {
		d := Document{
			Header: []Field{{header, value}, {"Received", value}, {"Content-Type", value}, {"Date", value}}, Subject: value, Text: text, HTML: html,
			From: []string{address}, ReplyTo: []string{value}, To: []string{address, value},
			Parts: []PartInfo{{ContentType: value, Filename: address, Charset: header}}, Auth: []string{value},
		}
		fe := extract(testKey, &d)
		if len(fe.words) > maxTokens || len(fe.grams) > maxGramHeader+maxGramText {
			t.Fatalf("%d words, %d grams: beyond the bounds", len(fe.words), len(fe.grams))
		}
		seen := make(map[uint32]bool)
		for i, id := range fe.words {
			if seen[id] || len(fe.name(i)) == 0 || len(fe.name(i)) > 8*maxWord {
				t.Fatalf("token %d %q: repeated, empty or too long", i, fe.name(i))
			}
			seen[id] = true
		}
		b, err := fe.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again Features
		if err := again.UnmarshalBinary(b); err != nil || again.Len() != fe.Len() {
			t.Fatalf("stored features read back as %d, %v, want %d", again.Len(), err, fe.Len())
		}
		if b2, _ := again.MarshalBinary(); string(b2) != string(b) {
			t.Fatal("features change when stored twice")
		}
		m := taughtOnce()
		s := m.score(&fe, defaultThresholds)
		for _, c := range s.Contributions {
			if utf8.ValidString(value+text+html+address+header) && !utf8.ValidString(c.Token) {
				t.Fatalf("token %q is not UTF-8", c.Token)
			}
		}
	})
}

// FuzzStoredFeatures reads damaged journal rows.
func FuzzStoredFeatures(f *testing.F) {
	d := letter(1, true)
	b, _ := extract(testKey, &d).MarshalBinary()
	f.Add(b)
	f.Add([]byte{1, 1, 5, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var fe Features
		if fe.UnmarshalBinary(b) != nil {
			return
		}
		if !slices.IsSorted(fe.words) || !slices.IsSorted(fe.grams) {
			t.Fatal("ids are not ascending")
		}
	})
}

// Features stored before signals were renumbered still mean the same.
func TestOldFeaturesAreRead(t *testing.T) {
	t.Parallel()
	d := Document{Auth: []string{"dmarc=fail"}, Subject: "Old"}
	fe := extract(testKey, &d)
	b, err := fe.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	signals := binary.AppendUvarint(nil, uint64(fe.signals))
	old := append([]byte{2}, b[1:len(b)-len(signals)]...)
	old = binary.AppendUvarint(old, uint64(fe.signals)<<2|3)
	var got Features
	if err := got.UnmarshalBinary(old); err != nil || got.signals != fe.signals || got.Len() != fe.Len() {
		t.Errorf("signals %b of %d features, %v; want %b of %d", got.signals, got.Len(), err, fe.signals, fe.Len())
	}
}

// TestTokensStay holds the tokens of the project's own mails to what they were. Where a change means to find other tokens, models
// learned before do not fit any more: raise snapshotVersion with it.
func TestTokensStay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/mail/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mails: %v", err)
	}
	h := sha256.New()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.Parse(raw, mail.DefaultBudget)
		if err != nil {
			t.Fatal(err)
		}
		d := Document{Subject: m.Subject, Text: m.Text, HTML: m.HTML}
		for _, f := range m.Header {
			d.Header = append(d.Header, Field{f.Name, f.Value})
		}
		for _, a := range m.From {
			d.From = append(d.From, a.Email)
		}
		for _, a := range slices.Concat(m.To, m.Cc) {
			d.To = append(d.To, a.Email)
		}
		for _, p := range m.Parts {
			d.Parts = append(d.Parts, PartInfo{ContentType: p.ContentType, Filename: p.Filename, Charset: p.Charset, Size: int(p.Size)})
		}
		fe := extract(testKey, &d)
		fmt.Fprint(h, fe.names, fe.words, fe.grams, fe.ends)
	}
	const want = "10613a9620ff8198"
	if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != want {
		t.Errorf("tokens of %d mails hash to %s, want %s", len(files), got, want)
	}
}
