package mail

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func TestSanitise(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
	}{
		{"plain", `Hello & <b>welcome</b>`, `Hello &amp; <b>welcome</b>`},
		{"not closed", `<div><b>x`, `<div><b>x</b></div>`},
		{"wrongly nested", `<b><i>x</b>y</i>`, `<b><i>x</i></b>y`},
		{"paragraphs", `<p>a<p>b<div>c</div>`, `<p>a</p><p>b</p><div>c</div>`},
		{"list", `<ul><li>a<li>b</ul>`, `<ul><li>a</li><li>b</li></ul>`},
		{"table", `<table><tr><td>a<td>b<tr><td>c</table>d`, `<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d`},
		{"table in table", `<table><tr><td><table><tr><td>a</table></td><td>b</table>`, `<table><tr><td><table><tr><td>a</td></tr></table></td><td>b</td></tr></table>`},
		{"stray end in a cell", `<div><table><tr><td>a</div>b</td></tr></table></div>`, `<div><table><tr><td>ab</td></tr></table></div>`},
		{"script", `a<script>alert(1)</script>b`, `ab`},
		{"script not closed", `a<script>alert(1)`, `a`},
		{"style sheet", `a<style>p{color:red}</style>b`, `ab`},
		{"title", `<title>x</title>b`, `b`},
		{"comment", `a<!-- <b> -->b<!--[if mso]>c<![endif]-->`, `ab`},
		{"form", `<form action=x><input value=y><button>Send</button></form>`, `Send`},
		{"link", `<a href="http://x.example/?a=1&amp;b=2" onclick=x>y</a>`, `<a href="http://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">y</a>`},
		{"link to nowhere", `<a name=x>y</a>`, `y`},
		{"link in a link", `<a href=http://a.example>a<a href=http://b.example>b</a>`, `<a href="http://a.example" target="_blank" rel="noopener noreferrer nofollow">a</a><a href="http://b.example" target="_blank" rel="noopener noreferrer nofollow">b</a>`},
		{"cid", `<img src="cid:logo@x" alt=Logo>`, `<img alt="Logo" src="cid:logo@x">`},
		{"remote", `<img src=https://x.example/a.png width=10>`, `<img width="10" data-remote="https://x.example/a.png">`},
		{"hidden image", `a<img src=https://x.example/a.png alt=b style="display:none">`, `a`},
		{"link without scheme", `<a href=//x.example:80/>y</a>`, `<a href="https://x.example:80/" target="_blank" rel="noopener noreferrer nofollow">y</a>`},
		{"remote without scheme", `<img src=//x.example/a.png>`, `<img data-remote="https://x.example/a.png">`},
		{"style", `<p style="COLOR: Red; position:fixed; background:url(http://x); font-family:'Arial', sans-serif">x</p>`, `<p style="color:Red;font-family:'Arial', sans-serif">x</p>`},
		{"colour function", `<p style="color:rgba(0,0,0,.5);width:calc(1px)">x</p>`, `<p style="color:rgba(0,0,0,.5)">x</p>`},
		{"identifiers", `<p id=a class=b name=c>x</p>`, `<p>x</p>`},
		{"hidden", `a<div style="display:none">b<p>c</p></div>d<span hidden>e</span>`, `ad`},
		{"hidden paragraph ends at a block", `<p hidden>a<div>b</div>`, `<div>b</div>`},
		{"layout of no size", `<td style="font-size:0px"><div style="font-size:14px">x</div></td>`, `<td style="font-size:0px"><div style="font-size:14px">x</div></td>`},
		{"noscript", `<noscript><b>x</b></noscript>`, `<b>x</b>`},
		{"unknown", `<o:p><x-y>x</x-y></o:p>`, `x`},
		{"template", `a<template><b>x</b></template>c`, `ac`},
		{"attribute twice", `<p title=a title=b>x</p>`, `<p title="a">x</p>`},
		{"quotes", `<p title='"><script>x'>x</p>`, `<p title="&#34;&gt;&lt;script&gt;x">x</p>`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Sanitise(test.in, Display{}).HTML; got != test.want {
				t.Errorf("Sanitise(%q)\n got %s\nwant %s", test.in, got, test.want)
			}
		})
	}
}

func TestSanitiseReports(t *testing.T) {
	t.Parallel()
	in := `<img src="cid:a%20b"><img src=http://x.example/1 width=1 height=1><img src=http://x.example/2><p style="max-height:0">win big<img src=http://x.example/3></p>` +
		`<script>x</script><a href="javascript:x">y</a><b onmouseover=z>c</b><img src=data:image/png;base64,AA==>`
	got := Sanitise(in, Display{CID: func(id string) string { return "/part/" + id }, Remote: true})
	want := Displayed{
		HTML:   `<img src="/part/a b"><img width="1" height="1" src="http://x.example/1"><img src="http://x.example/2">y<b>c</b>`,
		Remote: 3, Trapped: 2, Hidden: "win big", Active: 4,
	}
	if got != want {
		t.Errorf("Sanitise:\n got %+v\nwant %+v", got, want)
	}
}

// attacks are the ways in that are known for HTML that a stranger wrote, each in its shortest form.
var attacks = []string{
	`<script>x</script>`, `<SCRIPT SRC=http://x.example/x.js></SCRIPT>`, `<scr<script>ipt>x</script>`, `<script/x>x</script>`,
	`<img src=x onerror=x>`, `<img src="x" onerror = "x">`, `<img/src=x/onerror=x>`, "<img src=x onerror\n=x>", `<img """><script>x</script>">`,
	`<body onload=x>`, `<a href="javascript:x">y</a>`, `<a href="JaVaScRiPt:x">y</a>`, "<a href=\"java\tscript:x\">y</a>", `<a href="&#106;avascript:x">y</a>`,
	`<a href="&#x01;javascript:x">y</a>`, `<a href=" javascript:x">y</a>`, `<a href="vbscript:x">y</a>`, `<a href="data:text/html,<script>x</script>">y</a>`,
	`<a href="java&NewLine;script:x">y</a>`, `<a href="javascript&colon;x">y</a>`, "<a href=\"\u200bjavascript:x\">y</a>",
	`<iframe src=javascript:x></iframe>`, `<iframe srcdoc="<script>x</script>"></iframe>`, `<object data=javascript:x></object>`, `<embed src=javascript:x>`,
	`<svg onload=x>`, `<svg><script>x</script></svg>`, `<svg><a xlink:href="javascript:x"><text>y</text></a></svg>`, `<svg><animate onbegin=x attributeName=x>`,
	`<svg><use href="data:image/svg+xml,<svg onload=x>"></svg>`, `<svg><foreignObject><body onload=x></svg>`, `<svg><set attributeName=href to=javascript:x>`,
	`<math><mi xlink:href="javascript:x">y</mi></math>`, `<math><maction actiontype="statusline" xlink:href="javascript:x">y`,
	`<meta http-equiv=refresh content="0;url=javascript:x">`, `<base href=javascript:x//>`, `<link rel=stylesheet href=javascript:x>`,
	`<form action=javascript:x><input type=submit></form>`, `<button formaction=javascript:x>y</button>`, `<input autofocus onfocus=x>`, `<isindex action=javascript:x type=image>`,
	`<style>@import 'javascript:x';</style>`, `<p style="background:url(javascript:x)">y</p>`, `<p style="width:expression(x)">y</p>`,
	`<p style="w\69dth:e\78pression(x)">y</p>`, `<p style="behavior:url(x.htc)">y</p>`, `<p style="-moz-binding:url(x)">y</p>`, `<p style="color:red;background-image:/**/url(x)">y</p>`,
	`<p style="position:fixed;top:0;left:0;width:100%;height:100%">y</p>`, `<p style="font-family:x\;background:url(y)">y</p>`,
	`<table background="javascript:x"><td background="javascript:x">y</table>`, `<video poster=javascript:x><source onerror=x></video>`, `<audio src=x onerror=x>`,
	`<details open ontoggle=x>y</details>`, `<marquee onstart=x>y</marquee>`, `<select onfocus=x autofocus><option>y</select>`, `<textarea onfocus=x autofocus></textarea><script>x</script>`,
	`<noscript><p title="</noscript><img src=x onerror=x>">`, `<title><a title="</title><img src=x onerror=x>">`, `<textarea><a title="</textarea><img src=x onerror=x>">`,
	`<style><a title="</style><img src=x onerror=x>">`, `<xmp><a title="</xmp><img src=x onerror=x>">`, `<noembed><a title="</noembed><img src=x onerror=x>">`,
	`<iframe><a title="</iframe><img src=x onerror=x>">`, `<plaintext><img src=x onerror=x>`, `<template><img src=x onerror=x></template>`,
	`<svg></p><style><a id="</style><img src=x onerror=x>">`, `<math><mtext><table><mglyph><style><!--</style><img title="--><img src=x onerror=x>">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=x>`, `<svg><style><img src=x onerror=x></style></svg>`,
	`<math><annotation-xml encoding="text/html"><style><img src=x onerror=x></style></annotation-xml></math>`, `<svg><title><style><img src=x onerror=x>`,
	`<!--><img src=x onerror=x>-->`, `<!--!><img src=x onerror=x>`, `<![CDATA[><img src=x onerror=x>]]>`, `<svg><![CDATA[</svg><img src=x onerror=x>]]>`, `<!DOCTYPE x [<!ENTITY y "<img src=x onerror=x>">]>`,
	`<?xml version="1.0"?><img src=x onerror=x>`, `</ <img src=x onerror=x>`, `</p title="<img src=x onerror=x>">`, `<a title="&quot;><img src=x onerror=x>">y</a>`,
	`<img src="` + "`" + `" alt="` + "`" + `onerror=x">`, `<img src=x:x onerror=x`, `<img src=x alt='<img src=y onerror=x>'>`, `<a href='http://x"onmouseover=x '>y</a>`,
	"<img src=x on\x00error=x>", "<scr\x00ipt>x</script>", "<a href=\"java\x00script:x\">y</a>", `<div id=x><form id=test><input name=attributes></form>`, `<a id=x name=y href="cid:z">y</a>`,
	`<frameset onload=x><frame src=javascript:x></frameset>`, `<applet code=x>`, `<layer src=x>`, `<bgsound src=javascript:x>`, `<br size="&{x}">`, `<xss style="xss:expression(x)">`,
	`<img srcset="x 1x" src=x lowsrc=javascript:x dynsrc=javascript:x>`, `<img src="cid:x&quot; onerror=&quot;x">`, `<b <script>x</script>`, `<div style="content:'</div><script>x</script>'">y</div>`,
}

func TestSanitiseAttacks(t *testing.T) {
	t.Parallel()
	for _, in := range attacks {
		for _, wrap := range []string{"%", "<p>a%b</p>", "<table><tr><td>%</td></tr></table>", `<a title="%">y</a>`, "<svg>%</svg>", "<math><mtext>%</mtext></math>", "<!-- % -->", "<select>%</select>"} {
			checkSafe(t, strings.ReplaceAll(wrap, "%", in))
		}
	}
	for i, a := range attacks {
		for j := range 10 {
			b := attacks[(i+7*j+1)%len(attacks)]
			checkSafe(t, a+b)
			checkSafe(t, a[:len(a)/2]+b)
		}
	}
}

// checkSafe holds what Sanitise returns for in to its promises: a browser's parser finds nothing in it but what the allow-list names,
// and sanitising it again changes nothing.
func checkSafe(t *testing.T, in string) {
	t.Helper()
	for _, remote := range []bool{false, true} {
		d := Display{Remote: remote}
		out := Sanitise(in, d)
		if again := Sanitise(out.HTML, d); again.HTML != out.HTML && !out.Cut {
			t.Errorf("Sanitise(%.300q) is not stable:\nonce  %.300q\ntwice %.300q", in, out.HTML, again.HTML)
		}
		doc, err := html.Parse(strings.NewReader(out.HTML))
		if err != nil {
			continue // elements nested deeper than the parser reads
		}
		for n := range doc.Descendants() {
			if problem := unsafeNode(n, remote); problem != "" {
				t.Errorf("Sanitise(%.300q) = %.300q: %s", in, out.HTML, problem)
			}
		}
		var rendered strings.Builder // what a browser would write again may not hold more either
		if err := html.Render(&rendered, doc); err != nil {
			t.Errorf("Sanitise(%.300q) = %.300q: %v", in, out.HTML, err)
		}
		twice, err := html.Parse(strings.NewReader(rendered.String()))
		if err != nil {
			continue
		}
		for n := range twice.Descendants() {
			if problem := unsafeNode(n, remote); problem != "" {
				t.Errorf("Sanitise(%.300q), parsed and written = %.300q: %s", in, rendered.String(), problem)
			}
		}
	}
}

// unsafeNode returns what the allow-list does not name, or "".
func unsafeNode(n *html.Node, remote bool) string {
	switch n.Type {
	case html.CommentNode, html.DoctypeNode, html.RawNode:
		return "a comment or doctype"
	case html.ElementNode:
	default:
		return ""
	}
	if _, ok := allowed[n.Data]; !ok && n.Data != "html" && n.Data != "head" && n.Data != "body" || n.Namespace != "" {
		return "element " + n.Namespace + " " + n.Data
	}
	for _, a := range n.Attr {
		_, plain := attributeRules[a.Key]
		_, own := attributeRules[n.Data+" "+a.Key]
		value := strings.ToLower(a.Val)
		switch {
		case plain || own:
		case a.Key == "href" && n.Data == "a":
			if !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "mailto:") && !strings.HasPrefix(value, "tel:") {
				return "href " + a.Val
			}
		case (a.Key == "src" || a.Key == "data-remote") && n.Data == "img":
			web := strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://")
			if !(a.Key == "src" && strings.HasPrefix(value, "cid:")) && !(web && (a.Key == "src") == remote) {
				return a.Key + " " + a.Val
			}
		case a.Key == "style":
			for _, bad := range []string{"url(", "expression", "\\", "position:", "@", "behavior:", "binding:", "<", "javascript"} {
				if strings.Contains(value, bad) {
					return "style " + a.Val
				}
			}
		case a.Key == "target" && a.Val == "_blank", a.Key == "rel" && a.Val == "noopener noreferrer nofollow":
		default:
			return "attribute " + a.Key
		}
	}
	return ""
}

// TestSanitiseLinear sanitises half a megabyte of what is built to be slow. Each takes some 20 ms; quadratic time would be minutes, so
// the limit can leave room for the race detector and a busy machine.
func TestSanitiseLinear(t *testing.T) {
	for _, unit := range slowHTML {
		start := time.Now()
		Sanitise(strings.Repeat(unit, 512<<10/len(unit)), Display{})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%q: %v for 512 KiB", unit, took)
		}
	}
}

var slowHTML = []string{
	"<div>", "</div>", "<b><i></b>", "<p>", "<a href=http://x.example>", "<td>", "<table>", "<table><tr><td>", "<li>", "<ul><li>", "<", "<a ", "&", "&amp", `<p a=b `, "<!--",
	`<p style="color:red;`, `<p style="color:red">x`, "<svg><style>", "<script>", "<div hidden>x", "<div></b>", "<b></div>", "<p title='", "<noscript>", "<![CDATA[", "</a b=c>",
	"<select><option>", strings.Repeat("<div>", 190) + strings.Repeat("</b><b></i>", 500), "x", "\x00", "<img src=http://x.example/a.png>",
}

// FuzzSanitise holds Sanitise to its promises on whatever a stranger may send.
func FuzzSanitise(f *testing.F) {
	for _, a := range attacks {
		f.Add(a)
	}
	for _, s := range slowHTML {
		f.Add(strings.Repeat(s, 3))
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) < 4<<10 { // the parser that judges takes quadratic time
			checkSafe(t, in)
		}
	})
}
