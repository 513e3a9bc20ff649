package mail

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseTolerant has one odd message a row; each brought down a parser somewhere.
func TestParseTolerant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		raw     string
		subject string
		text    string
		parts   []string // content types
		defects []string // kinds
	}{
		{"empty", "", "", "", []string{"text/plain"}, []string{DefectNoFrom}},
		{"header alone", "From: a@b.example\nSubject: s", "s", "", []string{"text/plain"}, nil},
		{"body alone", "Hello,\nthis is all.\n", "", "Hello,\nthis is all.", []string{"text/plain"}, []string{DefectNoBlankLine, DefectNoFrom}},
		{"CR", "From: a@b.example\rSubject: s\r\rbody\r", "s", "body", []string{"text/plain"}, []string{DefectBareCR}},
		{"bare CR in a line", "From: a@b.example\nSubject: s\rBcc: c@d.example\n\nbo\rdy", "s Bcc: c@d.example", "bo\ndy", []string{"text/plain"}, nil},
		{"mbox", "From a Mon Jan 1\nFrom: a@b.example\nSubject: s\n\nbody", "s", "body", []string{"text/plain"}, []string{DefectMboxLine}},
		{"blank lines first", "\r\n\r\nFrom: a@b.example\r\nSubject: s\r\n\r\nbody", "s", "body", []string{"text/plain"}, nil},
		{"folded subject", "From: a@b.example\nSubject: a\n\tb\n c\n\nbody", "a b c", "body", []string{"text/plain"}, nil},
		{"space before colon", "From : a@b.example\nSubject : s\n\nbody", "s", "body", []string{"text/plain"}, nil},
		{"line in between", "From: a@b.example\nno colon here\nSubject: s\n\nbody", "s", "body", []string{"text/plain"}, []string{DefectHeaderLine}},
		{"lost colon", "From: a@b.example\nSubject s\nDate: 1 Jan 2026 00:00:00 +0000\n\nbody", "s", "body", []string{"text/plain"}, []string{DefectHeaderLine}},
		{"no blank line", "From: a@b.example\nSubject: s\nDear all\n\nbody", "s", "Dear all\n\nbody", []string{"text/plain"}, []string{DefectNoBlankLine}},
		{"spaces for a blank line", "From: a@b.example\nSubject: s\n  \nbody", "s", "body", []string{"text/plain"}, nil},
		{"NUL", "From: a@b.example\nSubject: s\x00s\n\nbo\x00dy", "ss", "body", []string{"text/plain"}, nil},
		{"8-bit header", "From: a@b.example\nSubject: Gr\xfc\xdfe\n\nbody", "Grüße", "body", []string{"text/plain"}, []string{DefectHeader8Bit}},
		{"8-bit header in the body's charset", "From: a@b.example\nSubject: \xf0\xd2\xc9\xd7\xc5\xd4\nContent-Type: text/plain; charset=koi8-r\n\nbody", "Привет", "body", []string{"text/plain"}, []string{DefectHeader8Bit}},
		{"no boundary", mime("multipart/mixed", "--x\nContent-Type: text/plain\n\nbody\n--x--\n"), "s", "body", []string{"text/plain"}, []string{DefectBoundary}},
		{"boundary never comes", mime("multipart/mixed; boundary=x", "body"), "s", "body", []string{"text/plain"}, []string{DefectBoundary}},
		{"not closed", mime("multipart/mixed; boundary=x", "--x\n\nbody\n"), "s", "body", []string{"text/plain"}, []string{DefectNotClosed}},
		{"ends after a delimiter", mime("multipart/mixed; boundary=x", "--x\n\nbody\n--x\n"), "s", "body", []string{"text/plain"}, []string{DefectNotClosed}},
		{"space after boundary", mime("multipart/mixed; boundary=x", "--x  \n\nbody\n--x-- \n"), "s", "body", []string{"text/plain"}, nil},
		{"goes on after its end", mime("multipart/mixed; boundary=x", "--x\n\na\n--x--\n--x\n\nb\n--x--\n"), "s", "a\nb", []string{"text/plain", "text/plain"}, []string{DefectReopened}},
		{"part without header", mime("multipart/mixed; boundary=x", "--x\nbody\n--x--"), "s", "body", []string{"text/plain"}, []string{DefectNoBlankLine}},
		{"inner not closed", mime("multipart/mixed; boundary=x", "--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\n\na\n--x\n\nb\n--x--\n"), "s", "a\nb", []string{"text/plain", "text/plain"}, []string{DefectNotClosed}},
		{"inner goes on after outer", mime("multipart/mixed; boundary=x", "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\na\n--x\n\nb\n--y\n\nc\n--y--\n--x--\n"), "s", "a\nb\nc", []string{"text/plain", "text/plain", "text/plain"}, []string{DefectNotClosed, DefectReopened}},
		{"one boundary for both", mime("multipart/mixed; boundary=x", "--x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n--x\n\nb\n--x--\n"), "s", "a\nb", []string{"text/plain", "text/plain"}, nil},
		{"boundary begins another", mime("multipart/mixed; boundary=x", "--x\n\na\n--xy\nb\n--x--\n"), "s", "a\n--xy\nb", []string{"text/plain"}, nil},
		{"unknown encoding", "From: a@b.example\nSubject: s\nContent-Transfer-Encoding: rot13\n\nbody", "s", "body", []string{"text/plain"}, []string{DefectEncoding}},
		{"not base64", "From: a@b.example\nSubject: s\nContent-Transfer-Encoding: base64\n\nNo, it is text.", "s", "No, it is text.", []string{"text/plain"}, []string{DefectEncoding}},
		{"bad type", mime("text", "body"), "s", "body", []string{"text/plain"}, []string{DefectContentType}},
		{"html", mime("text/html", "<p>a</p><p>b</p>"), "s", "a\n\nb", []string{"text/html"}, nil},
		{"empty plain, full html", mime("multipart/alternative; boundary=x", "--x\n\n \n--x\nContent-Type: text/html\n\n<p>a\n--x--\n"), "s", "a", []string{"text/plain", "text/html"}, nil},
		{"attached message", mime("multipart/mixed; boundary=x", "--x\n\na\n--x\nContent-Type: message/rfc822\n\nSubject: t\n\nb\n--x--\n"), "s", "a", []string{"text/plain", "message/rfc822"}, nil},
		{"digest", mime("multipart/digest; boundary=x", "--x\n\nSubject: t\n\nb\n--x--\n"), "s", "", []string{"message/rfc822"}, nil},
		{"mbox in the middle of a line", mime("text/plain", "From here on\n"), "s", "From here on", []string{"text/plain"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := Parse([]byte(test.raw), Budget{})
			if err != nil {
				t.Fatalf("Parse(%q): %v", test.raw, err)
			}
			if m.Subject != test.subject || m.Text != test.text {
				t.Errorf("Parse(%q)\n got %q, %q\nwant %q, %q", test.raw, m.Subject, m.Text, test.subject, test.text)
			}
			var parts, defects []string
			for _, p := range m.Parts {
				parts = append(parts, p.ContentType)
			}
			for _, d := range m.Defects {
				defects = append(defects, d.Kind)
			}
			if diff := cmp.Diff([2][]string{test.parts, test.defects}, [2][]string{parts, defects}); diff != "" {
				t.Errorf("Parse(%q): parts and defects (-want +got):\n%s", test.raw, diff)
			}
			if problem := unsound(m); problem != "" {
				t.Error(problem)
			}
		})
	}
}

func mime(contentType, body string) string {
	return "From: a@b.example\nSubject: s\nContent-Type: " + contentType + "\n\n" + body
}

func TestFilenames(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, disposition, want string }{
		{"plain", `attachment; filename=a.txt`, "a.txt"},
		{"quoted", `attachment; filename="a; b.txt"`, "a; b.txt"},
		{"spaces without quotes", `attachment; filename=a b.txt; size=3`, "a b.txt"},
		{"RFC 2231", `attachment; filename*=utf-8''%C3%BC.txt`, "ü.txt"},
		{"RFC 2231 in pieces", `attachment; filename*1="c.txt"; filename*0*=iso-8859-1'de'a%FC`, "aüc.txt"},
		{"both", `attachment; filename="u.txt"; filename*=utf-8''%C3%BC.txt`, "ü.txt"},
		{"encoded word", `attachment; filename="=?utf-8?q?=C3=BC?=.txt"`, "ü.txt"},
		{"8-bit", "attachment; filename=\"\xfc.txt\"", "ü.txt"},
		{"not closed", `attachment; filename="a.txt`, "a.txt"},
		{"no semicolon", `attachment filename=a.txt`, "a.txt"},
		{"folder", `attachment; filename="../../a.txt"`, "a.txt"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw := "From: a@b.example\nContent-Type: application/pdf\nContent-Disposition: " + test.disposition + "\n\nx"
			m, err := Parse([]byte(raw), Budget{})
			if err != nil || len(m.Parts) != 1 || m.Parts[0].Filename != test.want {
				t.Errorf("Content-Disposition: %s: %+v, %v, want %q", test.disposition, m.Parts, err, test.want)
			}
		})
	}
}

func TestMessageIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want []string
	}{
		{"<a@b> <c@d>", []string{"a@b", "c@d"}},
		{"<a@b><c@d> <a@b>", []string{"a@b", "c@d"}},
		{"a@b", []string{"a@b"}},
		{"Your message of Friday <a@b>", []string{"a@b"}},
		{"<a@b", []string{"a@b"}},
		{"<a @b>", []string{"a@b"}},
		{"<local>", []string{"local"}},
		{"your letter", nil},
	}
	for _, test := range tests {
		if got, _ := messageIDs(test.in); !cmp.Equal(got, test.want) {
			t.Errorf("messageIDs(%q) = %q, want %q", test.in, got, test.want)
		}
	}
	if ids, over := messageIDs(strings.Repeat("<a@b>", 10)); len(ids) != 1 || over {
		t.Errorf("ids = %q, over %v, want one", ids, over)
	}
}
