package mail

import "testing"

func TestTextFromHTML(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"paragraphs", "<p>One\n  two</p><p>Three<br>four</p>", "One two\n\nThree\nfour"},
		{"inline", "a<b>b</b> <i>c</i>d", "ab cd"},
		{"entities", "Caf&eacute; &amp; 5&nbsp;&euro;", "Café & 5 €"},
		{"link", `See <a href="https://x.example/a?b=1&amp;c=2">this page</a>.`, "See this page <https://x.example/a?b=1&c=2>."},
		{"link that says its target", `<a href="https://x.example/">x.example</a>`, "x.example"},
		{"mail link", `<a href="mailto:a@x.example">a@x.example</a>`, "a@x.example"},
		{"script link", `<a href="javascript:alert(1)">go</a>`, "go"},
		{"list", "<ul><li>a<li>b<ol><li>c<li>d</ol></ul>e", "- a\n- b\n  1. c\n  2. d\ne"},
		{"table", "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2"},
		{"layout table", "<table><tr><td><table><tr><td>a</td></tr></table></td></tr><tr><td>b</td></tr></table>", "a\n\nb"},
		{"quote", "<p>Yes</p><blockquote>Is it<br>true?</blockquote>", "Yes\n\n> Is it\n> true?"},
		{"pre", "<pre>a  b\n  c</pre>", "a  b\n  c"},
		{"script and style", "<style>p{}</style><script>x</script><title>t</title>a", "a"},
		{"hidden", `<div style="DISPLAY : none !important">x<div>y</div></div>a<span hidden>z</span>`, "a"},
		{"tiny", `<span style="font-size:0px">x</span>a<p style="font-size:10px">b</p>`, "a\n\nb"},
		{"never shown again", `<div style="display:none">all there is`, "all there is"},
		{"image", `<img alt="A chart" src="x"> below`, "[A chart] below"},
		{"invisible characters", "a\u200bb &#8203;&zwnj;c", "ab \u200cc"},
		{"rule", "a<hr>b", "a\n---\nb"},
		{"no markup", "a < b", "a < b"},
		{"not closed", "<p>a <b>b <a href='https://x.example'>c", "a b c <https://x.example>"},
		{"empty", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := textFromHTML(test.in); got != test.want {
				t.Errorf("textFromHTML(%q)\n got %q\nwant %q", test.in, got, test.want)
			}
		})
	}
}

func TestUnflow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		delSp          bool
	}{
		{"joins", "one \ntwo\nthree\n", "one two\nthree\n", false},
		{"quotes", "> one \n> two\n>> deep\nown\n", "> one two\n>> deep\nown\n", false},
		{"quote ends", "> one \nown\n", "> one \nown\n", false},
		{"stuffed", " From here\n >no quote\n", "From here\n>no quote\n", false},
		{"signature", "one \n-- \nAnn\n", "one \n-- \nAnn\n", false},
		{"paragraph", "one \n\ntwo\n", "one \n\ntwo\n", false},
		{"delsp", "日本 \n語\n", "日本語\n", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := unflow(test.in, test.delSp); got != test.want {
				t.Errorf("unflow(%q) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}
