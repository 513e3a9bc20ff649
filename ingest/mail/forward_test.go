package mail

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestForwards(t *testing.T) {
	t.Parallel()
	const head = "From: Bob <bob@example.com>\nTo: help@example.net\nSubject: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n%s"
	const block = "From: Jane Roe <jane@example.org>\nSent: Wednesday, February 3, 2016 12:34 PM\nTo: Bob <bob@example.com>\nSubject: Lamp\n\nWhere is my lamp?\n"
	for _, c := range []struct {
		name, raw string
		how       string
		fresh     string
	}{
		{"marker", fmt.Sprintf(head, "Fwd: Lamp", "Can you help her?\n\n---------- Forwarded message ---------\n"+strings.Replace(block, "Sent:", "Date:", 1)), ForwardInline, "Can you help her?\n\nWhere is my lamp?"},
		{"subject tells", fmt.Sprintf(head, "WG: Lamp", "Can you help her?\n\n"+block), ForwardInline, "Can you help her?\n\nWhere is my lamp?"},
		{"people tell", fmt.Sprintf(head, "Lamp", "Can you help her?\n\n"+block), ForwardInline, "Can you help her?\n\nWhere is my lamp?"},
		{"no comment", fmt.Sprintf(head, "Lamp", block), ForwardInline, "Where is my lamp?"},
		{"a reply", fmt.Sprintf(strings.Replace(head, "Subject:", "In-Reply-To: <1@example.org>\nSubject:", 1), "RE: Lamp", "On its way.\n\n"+block), "", "On its way."},
		{"a reply to the desk", fmt.Sprintf(head, "RE: Lamp", "Thank you.\n\n"+strings.Replace(block, "jane@example.org", "help@example.net", 1)), "", "Thank you."},
		{"all quoted", fmt.Sprintf(head, "Fwd: Lamp", "Can you help her?\n\n> Begin forwarded message:\n>\n> "+strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n> ")+"\n"), ForwardInline, "Can you help her?\n\nWhere is my lamp?"},
		{"attached", "From: Bob <bob@example.com>\nSubject: see this\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nCan you help her?\n--b\nContent-Type: message/rfc822\n\n" +
			"From: Jane Roe <jane@example.org>\nDate: Wed, 3 Feb 2016 12:34:00 +0000\nSubject: Lamp\n\nWhere is my lamp?\n--b--\n", ForwardAttached, "Can you help her?"},
		{"resent", "Resent-From: Bob <bob@example.com>\nResent-To: help@example.net\nFrom: Jane Roe <jane@example.org>\nDate: Wed, 3 Feb 2016 12:34:00 +0000\nSubject: Lamp\n\nWhere is my lamp?\n", ForwardResent, "Where is my lamp?"},
		{"a bounce", "From: MAILER-DAEMON@example.com\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/rfc822\n\nFrom: x@y.example\n\nz\n--b--\n", "", "sorry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := Parse([]byte(c.raw), Budget{})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.FreshText(); got != c.fresh {
				t.Errorf("fresh text %q, want %q", got, c.fresh)
			}
			f := m.Forward()
			if (f != nil) != (c.how != "") {
				t.Fatalf("forward %+v, want %q", f, c.how)
			}
			if f == nil {
				return
			}
			if f.How != c.how || f.Subject != "Lamp" || f.Text != "Where is my lamp?" || len(f.From) != 1 || f.From[0].Email != "jane@example.org" ||
				!f.Date.Equal(time.Date(2016, 2, 3, 12, 34, 0, 0, time.UTC)) {
				t.Errorf("forward %+v", f)
			}
		})
	}
}

// TestForwardedHeaders reads sender, date and subject out of what programs in many languages write.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	eachWritten(t, "forwards.txt", "|", func(language, words string) {
		m := &Mail{Subject: "Fwd: x", Text: "See below.\n\n" + words + "\n\nWhere is my lamp?\n"}
		f := m.Forward()
		if f == nil || len(f.From) != 1 || f.From[0].Email != "jane@example.org" || f.Subject == "" || f.Text != "Where is my lamp?" {
			t.Errorf("%s: forward of\n%s\nis %+v", language, words, f)
			return
		}
		if y, mon, d := f.Date.Date(); y != 2016 || mon != 2 || d != 3 {
			t.Errorf("%s: %q is read as %v", language, f.Sent, f.Date)
		}
	})
}

func TestReadableDate(t *testing.T) {
	t.Parallel()
	want := time.Date(2016, 2, 13, 12, 34, 0, 0, time.UTC)
	for _, s := range []string{
		"Saturday, February 13, 2016 12:34 PM", "13. Februar 2016 um 12:34", "samedi 13 février 2016 12:34", "13 de febrero de 2016, 12:34", "2016年2月13日 12:34", "2016-02-13 12:34", "13.02.2016 12:34",
		"02/13/2016 12:34 PM", "13/02/2016 12:34", "sob. 13 lut 2016 o 12:34", "13 февраля 2016 г., 12:34", "2016년 2월 13일 오후 12:34", "2016年2月13日 下午12:34", "١٣ فبراير ٢٠١٦ ١٢:٣٤", "13. helmikuuta 2016 12.34", "Sat, 13 Feb 2016 12:34:00 +0000",
	} {
		if got, ok := readableDate(s); !ok || !got.Equal(want) {
			t.Errorf("readableDate(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "soon", "03/02/2016 12:34", "2016", "99 February 2016", "13 Smarch 2016 at noon"} {
		if got, ok := readableDate(s); ok {
			t.Errorf("readableDate(%q) = %v, want none", s, got)
		}
	}
}

func TestHTMLQuotes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ markup, fresh string }{
		"gmail":           {`<div>Yes</div><div class="gmail_quote"><div class="gmail_attr">On Wed, Feb 3, 2016 at 12:34 PM Jane &lt;<a href="mailto:jane@example.org">jane@example.org</a>&gt; wrote:<br></div><blockquote class="gmail_quote">Red?</blockquote></div>`, "Yes"},
		"gmail, between":  {`<div class="gmail_quote"><div class="gmail_attr">On Wed, Feb 3, 2016 at 12:34 PM Jane &lt;jane@example.org&gt; wrote:<br></div><blockquote>Red?</blockquote><div>No</div><blockquote>Blue?</blockquote><div>Yes</div></div>`, "> Red?\n\nNo\n\n> Blue?\n\nYes"},
		"outlook":         {`<p>Yes</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Jane &lt;jane@example.org&gt;<br><b>Sent:</b> Wednesday<br><b>To:</b> Bob<br><b>Subject:</b> Lamp</div><div>Red?</div>`, "Yes"},
		"outlook, xx":     {`<p>Yes</p><hr><div id="divRplyFwdMsg"><b>Qwert:</b> Jane<br><b>Zuiop:</b> Wednesday<br></div><div>Red?</div>`, "Yes"},
		"yahoo":           {`<div>Yes</div><div id="x" class="yahoo_quoted"><div>Le mercredi, Jane a dit&nbsp;</div><div>Red?</div></div>`, "Yes"},
		"yahoo, below":    {`<div class="yahoo_quoted"><div><div>Red?</div></div></div><div>No</div>`, "No"},
		"thunderbird":     {`<div class="moz-cite-prefix">Am 03.02.16 um 12:34 schrieb Jane:<br></div><blockquote type="cite">Red?</blockquote><p>No</p>`, "No"},
		"apple":           {`<div>Yes</div><br><blockquote type="cite"><div>Am 03.02.2016 um 12:34 schrieb Jane &lt;jane@example.org&gt;:</div><div>Red?</div></blockquote>`, "Yes"},
		"no quote at all": {`<div class="quoted-price">12</div><p>Yes</p>`, "12\n\nYes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := Parse([]byte("From: bob@example.com\nIn-Reply-To: <1@example.org>\nContent-Type: text/html; charset=utf-8\n\n"+c.markup), Budget{})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.FreshText(); got != c.fresh {
				t.Errorf("fresh text of %q is %q, want %q", m.Text, got, c.fresh)
			}
		})
	}
}
