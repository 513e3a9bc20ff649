package mail

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// replyFloor is the share of the trimmer corpus whose fresh text is told exactly, in percent.
const replyFloor = 100

func TestReplyCorpus(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "replies", "trimmer")
	files, err := filepath.Glob(filepath.Join(dir, "emails", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no replies in %s: %v", dir, err)
	}
	equal := 0
	for _, file := range files {
		want := readText(t, filepath.Join(dir, "trimmed", filepath.Base(file)))
		got := Trim(readText(t, file)).Fresh()
		if strings.TrimSpace(got) == strings.TrimSpace(want) {
			equal++
			continue
		}
		t.Logf("%s: fresh text differs:\n%s\nwant:\n%s", filepath.Base(file), got, want)
		for line := range strings.SplitSeq(want, "\n") {
			if !strings.Contains(got, strings.TrimSpace(line)) {
				t.Errorf("%s: fresh line %q is missing", filepath.Base(file), line)
			}
		}
	}
	share := 100 * float64(equal) / float64(len(files))
	t.Logf("fresh text equal: %d of %d (%.1f %%)", equal, len(files), share)
	if share < replyFloor {
		t.Errorf("fresh text equal on %.1f %%, want %d %%", share, replyFloor)
	}
}

func readText(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return lines(string(data))
}

// TestAttributions puts every line that introduces a quote between a text and what it quotes, in the ways that mail
// programs do.
func TestAttributions(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(readText(t, filepath.Join("testdata", "replies", "attributions.txt"))) {
		language, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		words = strings.ReplaceAll(words, `\n`, "\n")
		quote := "> Where is my lamp?\n> I have waited for two weeks."
		for _, c := range []struct{ name, text, fresh string }{
			{"above", "It is on its way.\n\nBest\nBob\n\n" + words + "\n\n" + quote + "\n", "It is on its way.\n\nBest\nBob"},
			{"right above", "It is on its way.\n" + words + "\n" + quote, "It is on its way."},
			{"unmarked", "It is on its way.\n\n" + words + "\n\nWhere is my lamp?\n\nI have waited.\n", "It is on its way."},
			{"below", words + "\n\n" + quote + "\n\nIt is on its way.\n", "It is on its way."},
			{"quoted", "It is on its way.\n\n> " + strings.ReplaceAll(words, "\n", "\n> ") + "\n>\n" + quote + "\n", "It is on its way."},
			{"between", words + "\n\n> Where is my lamp?\n\nOn its way.\n\n> Which colour has it?\n\nRed.\n\n> Bye\n",
				"> Where is my lamp?\n\nOn its way.\n\n> Which colour has it?\n\nRed."},
		} {
			if got := Trim(c.text).Fresh(); got != c.fresh {
				t.Errorf("%s, %s: fresh text of\n%s\nis %q, want %q", language, c.name, c.text, got, c.fresh)
			}
		}
	}
}

// eachWritten calls fn with every line of a file of examples: the language, and the example with its lines parted.
func eachWritten(t *testing.T, name, newline string, fn func(language, words string)) {
	t.Helper()
	for line := range strings.Lines(readText(t, filepath.Join("testdata", "replies", name))) {
		language, words, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		fn(language, strings.ReplaceAll(words, newline, "\n"))
	}
}

func TestCopiedHeaders(t *testing.T) {
	t.Parallel()
	eachWritten(t, "headers.txt", "|", func(language, words string) {
		for _, c := range []struct{ name, text, fresh string }{
			{"above", "It is on its way.\n\nBest\nBob\n\n" + words + "\n\nWhere is my lamp?\n", "It is on its way.\n\nBest\nBob"},
			{"right above", "It is on its way.\n" + words + "\nWhere is my lamp?", "It is on its way."},
			{"marked", "It is on its way.\n\n" + words + "\n\n> Where is my lamp?\n", "It is on its way."},
			{"below", words + "\n\n> Where is my lamp?\n\nIt is on its way.", "It is on its way."},
			{"double spaced", "It is on its way.\n\n" + strings.ReplaceAll(words, "\n", "\n\n") + "\n\nWhere is my lamp?\n", "It is on its way."},
			{"alone", words + "\n\nWhere is my lamp?\n", "Where is my lamp?"},
		} {
			if got := Trim(c.text).Fresh(); got != c.fresh {
				t.Errorf("%s, %s: fresh text of\n%s\nis %q, want %q", language, c.name, c.text, got, c.fresh)
			}
		}
	})
}

func TestForwardMarkers(t *testing.T) {
	t.Parallel()
	eachWritten(t, "forwards.txt", "|", func(language, words string) {
		quoted := "> " + strings.ReplaceAll(words, "\n", "\n> ") + "\n>\n> Where is my lamp?\n> Jane\n"
		for _, c := range []struct{ name, text, fresh, passed string }{
			{"comment", "Can you help her?\n\n" + words + "\n\n\nWhere is my lamp?\n\nJane\n", "Can you help her?", "Where is my lamp?\n\nJane"},
			{"alone", words + "\n\nWhere is my lamp?\n", "Where is my lamp?", "Where is my lamp?"},
			{"signed", "Sent from my iPhone\n\n" + words + "\n\nWhere is my lamp?\n", "Where is my lamp?", "Where is my lamp?"},
			{"quoted", "Can you help her?\n\n" + quoted, "Can you help her?", "Where is my lamp?\nJane"},
		} {
			r := Trim(c.text)
			if r.Fresh() != c.fresh || r.Forwarded() != c.passed {
				t.Errorf("%s, %s: of\n%s\nfresh is %q, want %q; forwarded is %q, want %q", language, c.name, c.text, r.Fresh(), c.fresh, r.Forwarded(), c.passed)
			}
		}
	})
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	eachWritten(t, "signatures.txt", `\n`, func(language, words string) {
		for _, text := range []string{
			"It is on its way.\n\n" + words + "\n",
			"It is on its way.\n\n" + words + "\n\nOn 3 Feb 2016, at 12:34, Jane Roe <jane@example.org> wrote:\n\n> Where is my lamp?\n",
			"On 3 Feb 2016, at 12:34, Jane Roe <jane@example.org> wrote:\n\n> Where is my lamp?\n\nIt is on its way.\n\n" + words,
		} {
			if got := Trim(text).Fresh(); got != "It is on its way." {
				t.Errorf("%s: fresh text of\n%s\nis %q, want the one sentence", language, text, got)
			}
		}
	})
}

func TestTrim(t *testing.T) {
	t.Parallel()
	const wrote = "On 3 Feb 2016, at 12:34, Jane Roe <jane@example.org> wrote:\n"
	for _, c := range []struct{ name, text, fresh string }{
		{"nothing", "", ""},
		{"empty lines", "\n \n", ""},
		{"only text", "\n\n  Hello\n\n world \n\n", "  Hello\n\n world"},
		{"only a quote", "> Hello\n", "> Hello"},
		{"only an introduced quote", wrote + "> Hello\n", ""},
		{"CRLF", "Yes\r\n\r\n" + wrote + "\r\n> Hello\r\n", "Yes"},
		{"answers between", wrote + "> Red?\nNo\n> Blue?\nYes\n> Bye\n", "> Red?\nNo\n> Blue?\nYes"},
		{"greeting and answers between", "Hi Jane,\n\n" + wrote + "> Red?\n\nNo.\n\n> Bye\n", "Hi Jane,\n\n> Red?\n\nNo."},
		{"answer among quotes of two depths", wrote + ">> Red?\n> No\nBlue, then.\n> Bye", ">> Red?\n> No\nBlue, then."},
		{"quote without a name", "> Red?\n\nNo.", "> Red?\n\nNo."},
		{"two mails below", "One\n\n" + wrote + "\nTwo\n\n" + wrote + "\nThree", "One"},
		{"badly wrapped quote", "Yes\n\n" + wrote + "> " + strings.Repeat("many words ", 6) + "and\nmore\n> of them and so on\n", "Yes"},
		{"list below the answer", "Yes\n\n" + wrote + "> Red?\n\n_______________________________________________\nLamps mailing list\nLamps@example.org\nhttps://lists.example.org/lamps\n", "Yes"},
		{"signature of the quote", "Yes\n\n" + wrote + "\n> Red?\n> -- \n> Jane\n", "Yes"},
		{"dashes as bullets", "Please send:\n\n- one lamp\n- two bulbs\n-- and no cable\n", "Please send:\n\n- one lamp\n- two bulbs\n-- and no cable"},
		{"a line drawn in the text", "One\n\n-----\n\nTwo is here\n", "One\n\n-----\n\nTwo is here"},
		{"a long text below two dashes", "One\n--\n" + strings.Repeat("This is what I want to say.\n", 50), "One\n--\n" + strings.TrimSpace(strings.Repeat("This is what I want to say.\n", 50))},
		{"form with header names", "From: Berlin\nTo: Paris\nDate: 3 May\n\nPlease book it.", "From: Berlin\nTo: Paris\nDate: 3 May\n\nPlease book it."},
		{"report of words", "My boss wrote:\n\nNo more lamps.\n\nWhat now?", "My boss wrote:\n\nNo more lamps.\n\nWhat now?"},
		{"on something", "On the whole I like it.\n\nOn 3 counts I do not:\n\n1. colour", "On the whole I like it.\n\nOn 3 counts I do not:\n\n1. colour"},
		{"sent from a place", "It was sent from the warehouse\n\nSent from Berlin on Monday, never came", "It was sent from the warehouse\n\nSent from Berlin on Monday, never came"},
		{"sent from a desk", "Hello\n\nSent from my desk, which is much easier than my mobile phone.", "Hello\n\nSent from my desk, which is much easier than my mobile phone."},
		{"a sentence about a phone", "Get my phone fixed", "Get my phone fixed"},
		{"a sentence about a device, German", "Ich habe es von meinem Handy gesendet", "Ich habe es von meinem Handy gesendet"},
		{"a sentence about a device, Spanish", "Enviado mi teléfono ayer, gracias", "Enviado mi teléfono ayer, gracias"},
		{"a program's name above a quote", "Outlook shows nothing\n________________________________________\nFrom: Jane [jane@example.org]\nSent: Friday\nTo: Bob\nSubject: x\n\nRed?", "Outlook shows nothing"},
		{"a person about confidential things", "I have sent you a confidential document in error. Please delete it from your systems and tell me when that is done, as the law asks for it.", "I have sent you a confidential document in error. Please delete it from your systems and tell me when that is done, as the law asks for it."},
		{"code", "Look:\n\n```\n> prompt\n-- \nFrom: a@b.example\nTo: c\nSubject: d\n```\n\nWhy?", "Look:\n\n```\n> prompt\n-- \nFrom: a@b.example\nTo: c\nSubject: d\n```\n\nWhy?"},
		{"unknown language", "Yes\n\n-------- Neznani izraz --------\nFrom: Jane Roe <jane@example.org>\nTo: Bob\n\nRed?", "Yes"},
		{"answer below a copied header", "From: Jane Roe <jane@example.org>\nSent: Monday\nTo: Bob\nSubject: x\n\n> Red?\n\nNo, blue.\n", "No, blue."},
		{"escaped once too often", "Yes\n\n" + wrote + "&gt; Red?\n&gt; Blue?\n", "Yes"},
		{"named quotes", "Yes\n\nRichard> Red?\nRichard> Blue?\n", "Yes"},
		{"table", "| a | b |\n| - | - |\n| 1 | 2 |\n", "| a | b |\n| - | - |\n| 1 | 2 |"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := Trim(c.text)
			if got := r.Fresh(); strings.ReplaceAll(got, "\r", "") != c.fresh {
				t.Errorf("Trim(%q).Fresh() = %q, want %q\n%q", c.text, got, c.fresh, r.Segments)
			}
			if problem := lossy(c.text, r); problem != "" {
				t.Error(problem)
			}
		})
	}
}

// lossy returns what r has lost of text, or what else breaks the promises of Trim.
func lossy(text string, r Reply) string {
	var b strings.Builder
	last := SegmentKind("")
	for _, s := range r.Segments {
		if s.Text == "" || s.Kind == "" || s.Kind == last {
			return fmt.Sprintf("segment %q after one of kind %q", s, last)
		}
		last = s.Kind
		b.WriteString(s.Text)
	}
	if b.String() != text {
		return fmt.Sprintf("the segments %.300q are not the text %.300q", b.String(), text)
	}
	return ""
}

// TestTrimLosesNothing trims every text of the corpora, whole and cut at random places: the segments are the text, every time.
func TestTrimLosesNothing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	n := 0
	eachMail(t, corpora(t), func(name string, raw []byte) {
		m, _ := Parse(raw, Budget{})
		for _, text := range []string{m.Text, m.Text[:random.IntN(len(m.Text)+1)], m.Text[random.IntN(len(m.Text)+1):]} {
			if problem := lossy(text, Trim(text)); problem != "" {
				t.Errorf("%s: %s", name, problem)
			}
		}
		m.Reply()
		n++
	})
	t.Logf("%d messages", n)
}

func FuzzTrim(f *testing.F) {
	for _, name := range []string{"attributions.txt", "headers.txt", "forwards.txt", "signatures.txt"} {
		data, err := os.ReadFile(filepath.Join("testdata", "replies", name))
		if err != nil {
			f.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			if i%7 == 0 {
				line = strings.NewReplacer("|", "\n", `\n`, "\n").Replace(line)
				f.Add("Yes\n\n" + line + "\n\n> Red?\n\nNo\n> Blue?\n")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Trim(text)
		if problem := lossy(text, r); problem != "" {
			t.Fatal(problem)
		}
		r.Fresh()
		r.Quoted()
		m := &Mail{Subject: "Fwd: x", Text: text, HTML: text}
		m.Forward()
		if problem := lossy(text, m.Reply()); problem != "" {
			t.Fatal(problem)
		}
	})
}
