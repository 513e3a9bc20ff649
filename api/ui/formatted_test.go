package ui_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// dot is a picture of one dot, and svg one that would run.
const (
	dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
	svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`
)

// hostile is an HTML mail by somebody who means harm, with pictures of its own and
// from elsewhere, and files that are not what they claim to be.
func hostile() []byte {
	html := `<html><head><title>T</title><base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">
<script>document.title='owned'</script><style>body{background:url(https://evil.example/css)}</style></head>
<body onload="alert(1)" background="https://evil.example/bg"><h1>Half price</h1>
<p style="background:url(https://evil.example/style);position:fixed;color:#336699" onclick="alert(1)">Lamps for <a href="javascript:alert(1)">everybody</a> and <a href="https://shop.example/x">the shop</a></p>
<img src="cid:logo@shop"><img src="cid:vector@shop" alt="vector"><img src="cid:nobody@shop" alt="gone">
<img src="https://cdn.example/large.png" width="400" height="200" alt="A lamp"><img src="http://track.example/o.gif" width="1" height="1">
<iframe src="https://evil.example/frame"></iframe><form action="https://evil.example/form"><input name="password"><button>Send</button></form>
<object data="https://evil.example/o"></object><svg onload="alert(1)"><script>alert(1)</script></svg>
<img src=x onerror="alert(1)"><a href="data:text/html,<script>alert(1)</script>">data</a>
<table width="2400"><tr><td>` + strings.Repeat("unbroken", 300) + `</td></tr></table></body></html>`
	part := func(kind, extra, body string) string {
		return "--b\r\nContent-Type: " + kind + "\r\n" + extra + "\r\n" + body + "\r\n"
	}
	encoded := "Content-Transfer-Encoding: base64\r\n"
	return []byte("From: Shop <offers@shop.example>\r\nTo: support@lumen.example\r\nSubject: Half price </title><script>\r\nMessage-ID: <h1@shop.example>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		part("text/html; charset=utf-8", encoded, wrapped([]byte(html))) +
		part("image/jpeg", encoded+"Content-ID: <logo@shop>\r\nContent-Disposition: inline; filename=logo.png\r\n", dot) +
		part("image/svg+xml", "Content-ID: <vector@shop>\r\nContent-Disposition: inline; filename=v.svg\r\n", svg) +
		part("text/html", "Content-Disposition: attachment; filename=\"../../page.html\"\r\n", "<script>alert(1)</script>") +
		part("application/pdf", encoded+"Content-Disposition: attachment; filename*=utf-8''R%C3%A9chnung%E2%80%AEfdp.exe\r\n", wrapped([]byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff"))) +
		part("image/png", encoded+"Content-Disposition: attachment; filename=photo.png\r\n", dot) +
		"--b--\r\n")
}

func wrapped(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for ; len(s) > 76; s = s[76:] {
		out.WriteString(s[:76] + "\r\n")
	}
	return out.String() + s
}

// TestFormatted shows the hostile mail: nothing that acts comes through, its own
// picture does, and what is elsewhere only when it is asked for.
func TestFormatted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	m := h.accept(p, hostile())
	one := p.path + "/messages/" + m.ID.String()
	for _, path := range []string{"/formatted", "/parts/1"} {
		if r := h.get(one + path); r.status != http.StatusSeeOther {
			t.Errorf("GET %s as nobody = %d, want the way to sign in", path, r.status)
		}
	}
	h.signIn()
	const policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox; img-src data:"
	for query, want := range map[string]struct {
		policy, held, loaded string
	}{
		"":          {policy, `data-remote="https://cdn.example/large.png"`, ` src="https://cdn.example`},
		"?images=1": {policy + " https:; upgrade-insecure-requests", ` src="https://cdn.example/large.png"`, "data-remote=\"https"},
	} {
		r := h.get(one + "/formatted" + query)
		if r.status != 200 || r.header.Get("Content-Security-Policy") != want.policy || r.header.Get("X-Frame-Options") != "SAMEORIGIN" ||
			r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Referrer-Policy") != "no-referrer" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET formatted%s = %d %v", query, r.status, r.header)
		}
		if !strings.Contains(r.body, want.held) || strings.Contains(r.body, want.loaded) {
			t.Errorf("formatted%s: the image elsewhere is not as it should be: %s", query, r.body)
		}
		for _, bad := range []string{"<script", "onload", "onclick", "onerror", "javascript:", "<iframe", "<form", "<input", "<object", "<svg", "<base", "http-equiv", "evil.example", "position", "data:text"} {
			if strings.Contains(strings.ToLower(r.body), bad) {
				t.Errorf("formatted%s holds %q: %s", query, bad, r.body)
			}
		}
		for _, good := range []string{"Half price", "color:#336699", `src="data:image/png;base64,` + dot, `href="https://shop.example/x" target="_blank" rel="noopener noreferrer nofollow"`, `alt="gone"`} {
			if !strings.Contains(r.body, good) {
				t.Errorf("formatted%s lacks %q: %s", query, good, r.body)
			}
		}
		if n := strings.Count(r.body, "src=\"data:"); n != 1 {
			t.Errorf("formatted%s holds %d images of the mail, want the one that is a picture", query, n)
		}
	}
	h.checkMailPages(p, m.ID.String())
}

// checkMailPages looks for what the pages say of the hostile mail.
func (h *house) checkMailPages(p place, id string) {
	h.t.Helper()
	one := p.path + "/messages/" + id
	for _, path := range []string{one, p.path + "/tickets/1"} {
		body := h.get(path).body
		for _, want := range []string{
			`<iframe class="mail-frame" name="mail-` + id + `" src="` + one + `/formatted"`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`,
			"2 remote images not loaded, 1 of them a tracker.", `<a href="` + one + `/formatted?images=1" target="mail-` + id + `">Load them</a>`,
			"claims to be application/pdf", "really application/vnd.microsoft.portable-executable", ">page.html<", "really image/png",
			`aria-label="See photo.png"`, `<img src="` + one + `/parts/6"`,
		} {
			if !strings.Contains(body, want) {
				h.t.Errorf("%s lacks %q", path, want)
			}
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "evil.example") || strings.Contains(body, "\u202e") {
			h.t.Errorf("%s holds what a sender must not place: %s", path, body)
		}
	}
}

// TestParts downloads what the hostile mail brings: pictures are shown, all else is
// bytes to be saved.
func TestParts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	one := p.path + "/messages/" + h.accept(p, hostile()).ID.String()
	h.signIn()
	for number, want := range map[string]struct{ kind, disposition, body string }{
		"1": {"application/octet-stream", `attachment; filename=part-1.html`, "<html>"},
		"2": {"image/png", "inline; filename=logo.png", "\x89PNG"},
		"3": {"application/octet-stream", "attachment; filename=v.svg", "<svg"},
		"4": {"application/octet-stream", "attachment; filename=page.html", "<script>alert(1)</script>"},
		"5": {"application/octet-stream", "attachment; filename*=utf-8''R%C3%A9chnungfdp.exe", "MZ"},
		"6": {"image/png", "inline; filename=photo.png", "\x89PNG"},
	} {
		r := h.get(one + "/parts/" + number)
		if r.status != 200 || r.header.Get("Content-Type") != want.kind || r.header.Get("Content-Disposition") != want.disposition || !strings.HasPrefix(r.body, want.body) {
			t.Errorf("part %s = %d %v %.40q, want %+v", number, r.status, r.header, r.body, want)
		}
		if r.header.Get("Content-Security-Policy") != "sandbox; default-src 'none'" || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("part %s: headers = %v", number, r.header)
		}
	}
	for _, number := range []string{"0", "7", "-1", "01", "x", "99999999999999999999"} {
		if r := h.get(one + "/parts/" + number); r.status != 404 {
			t.Errorf("part %s = %d, want 404", number, r.status)
		}
	}
	plain := p.path + "/messages/" + h.accept(p, readMail(t, "04-lamp-arrived-broken-more.eml")).ID.String()
	if r := h.get(plain + "/formatted"); r.status != 404 {
		t.Errorf("formatted of a mail without HTML = %d, want 404", r.status)
	}
	if r := h.get(plain); strings.Contains(r.body, "<iframe") {
		t.Errorf("a mail without HTML has a frame")
	}
}

// TestReading looks at what the pages say of replies, forwards and bounces.
func TestReading(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	h.signIn()
	for name, want := range map[string][]string{
		"14-lamp-arrived-broken-spare-lamp.eml": {`<details class="fold quoted"><summary>`, "One more thing", "lamp-log.txt"},
		"15-bounce.eml":                         {"Delivery report", "orders@weaving-mill.example", "There is no such mailbox.", "Status 5.1.1, reply 550", "Bad address"},
		"18-forwarded-as-attachment.eml":        {"Has a mail attached that says it is by", "receipt@halden-lamps-pay.example", "Your receipt.eml", "2 Mar 2026, 15:10"},
		"13-newsletter.eml":                     {"List or bulk mail", "2 remote images not loaded"},
		"16-abwesenheit.eml":                    {"Automatic reply"},
	} {
		m := h.accept(p, readMail(t, name))
		body := h.get(p.path + "/messages/" + m.ID.String()).body
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s: the page lacks %q", name, s)
			}
		}
	}
}
