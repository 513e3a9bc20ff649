package api_test

import (
	"bytes"
	"strings"
	"testing"

	"postroom/api"
)

// TestContent reads a reply with HTML that would act, a forward, and a bounce.
func TestContent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen")
	content := func(raw []byte) (api.Content, string) {
		one := p.path + "/messages/" + h.submit(p, raw).ID
		return want[api.Content](h, 200, call{path: one + "/content"}), one
	}
	c, one := content([]byte("From: A <a@shop.example>\r\nTo: support@lumen.example\r\nSubject: Re: Lamp\r\nMessage-ID: <c1@shop.example>\r\nIn-Reply-To: <c0@lumen.example>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nIt works now.\r\n\r\nOn Mon, 2 Mar 2026 at 10:00, Support <support@lumen.example> wrote:\r\n> Did you try the switch?\r\n> It is below.\r\n\r\n" +
		"--a\r\nContent-Type: text/html\r\n\r\n<p onclick=x()>It <b>works</b> now.<script>alert(1)</script><img src=cid:logo@shop><img src=https://t.example/o.gif width=1 height=1></p>\r\n--a--\r\n" +
		"--b\r\nContent-Type: application/x-shell\r\nContent-ID: <logo@shop>\r\nContent-Disposition: attachment; filename=logo.gif\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n"))
	if c.FreshText != "It works now." || !strings.Contains(c.QuotedText, "> Did you try") || strings.Contains(c.FreshText, "switch") {
		t.Errorf("fresh = %q, quoted = %q", c.FreshText, c.QuotedText)
	}
	if !strings.HasPrefix(c.HTML, `<p>It <b>works</b> now.<img src="cid:logo@shop">`) {
		t.Errorf("html = %q", c.HTML)
	}
	if strings.Contains(c.HTML, "script") || strings.Contains(c.HTML, "onclick") || strings.Contains(c.HTML, ` src="https`) || c.RemoteImages != 1 || c.Trackers != 1 || c.HTMLCut {
		t.Errorf("html = %q with %d images elsewhere, %d of them trackers", c.HTML, c.RemoteImages, c.Trackers)
	}
	if c.Forward != nil || c.Automatic.Kind != "" || c.Automatic.Recipients == nil || len(c.Parts) != 3 || c.Parts[2].Number != 3 || c.Parts[2].Detected != "text/html" || c.Parts[2].ContentID != "logo@shop" {
		t.Errorf("content = %+v", c)
	}
	got := h.do(call{path: one + "/parts/3"})
	if got.status != 200 || !bytes.HasPrefix(got.body, []byte("<script>alert(1)</script>")) || got.header.Get("Content-Type") != "application/octet-stream" ||
		got.header.Get("Content-Disposition") != "attachment; filename=logo.gif" || got.header.Get("Content-Security-Policy") != "sandbox; default-src 'none'" ||
		got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("part 3 = %d %v %s", got.status, got.header, got.body)
	}
	if again := h.do(call{path: one + "/parts/3", header: map[string]string{"If-None-Match": got.header.Get("ETag")}}); again.status != 304 || len(again.body) != 0 {
		t.Errorf("part 3 with its ETag = %d %q, want 304", again.status, again.body)
	}
	for _, n := range []string{"0", "4", "-1", "03", "x"} {
		if got := h.do(call{path: one + "/parts/" + n}); got.status != 404 {
			t.Errorf("part %s = %d, want 404", n, got.status)
		}
	}
	bounce, _ := content(readMail(t, "15-bounce.eml"))
	if r := bounce.Automatic.Recipients; bounce.Automatic.Kind != "bounce" || len(r) != 1 || r[0].Address != "orders@weaving-mill.example" || r[0].Status != "5.1.1" ||
		r[0].ReplyCode != "550" || r[0].Reason != "userunknown" || !r[0].Hard || bounce.Automatic.Original != "reply-10391-1@demo.postroom.test" {
		t.Errorf("bounce = %+v", bounce.Automatic)
	}
	fwd, _ := content(readMail(t, "18-forwarded-as-attachment.eml"))
	if f := fwd.Forward; f == nil || f.How != "attached" || len(f.From) != 1 || f.From[0].Email != "receipt@halden-lamps-pay.example" || f.Date == nil || f.Subject != "Your receipt" {
		t.Errorf("forward = %+v", fwd.Forward)
	}
}
