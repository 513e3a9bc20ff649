package mail

import "testing"

func TestDecodeCharset(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, label, want string
		clean                 bool
	}{
		{"ascii", "abc", "us-ascii", "abc", true},
		{"nothing claimed", "abc", "", "abc", true},
		{"nothing claimed, UTF-8", "ü", "", "ü", false},
		{"nothing claimed, 8-bit", "\xfc", "", "ü", false},
		{"utf-8", "ü", "UTF8", "ü", true},
		{"utf-8 claimed, latin-1 sent", "f\xfcr", "utf-8", "für", false},
		{"utf-8 cut", "äöüß\xc3", "utf-8", "äöüß\uFFFD", false},
		{"ascii claimed, UTF-8 sent", "ü", "us-ascii", "ü", false},
		{"declared wins", "\xc3\xbc", "iso-8859-1", "Ã¼", true},
		{"windows punctuation", "\x93a\x94", "iso-8859-1", "“a”", true},
		{"koi8-r", "\xf2\xd5\xd3\xd8", "koi8-r", "Русь", true},
		{"iso-2022-jp", "\x1b$BF|K\\\x1b(B", "iso-2022-jp", "日本", true},
		{"iso-2022-jp without a claim", "\x1b$BF|K\\\x1b(B", "", "日本", false},
		{"gb2312", "\xd6\xd0\xb9\xfa", "gb2312", "中国", true},
		{"gb2312 claimed, UTF-8 sent", "中国é", "gb2312", "中国é", false},
		{"ks_c_5601", "\xc7\xd1", "ks_c_5601-1987", "한", true},
		{"utf-7", "Hi +APw- +AGEAYg-!+-", "utf-7", "Hi ü ab!+", true},
		{"utf-16 with a mark", "\xff\xfea\x00b\x00", "utf-16", "ab", true},
		{"unknown", "f\xfcr", "x-klingon", "für", false},
		{"quoted claim", "ü", "'utf-8'", "ü", true},
		{"NUL", "a\x00b", "utf-8", "ab", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, used, clean := decodeCharset([]byte(test.in), test.label)
			if got != test.want || clean != test.clean {
				t.Errorf("decodeCharset(%q, %q) = %q as %s, clean %v, want %q, %v", test.in, test.label, got, used, clean, test.want, test.clean)
			}
		})
	}
}

func TestSafeFilename(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"report.pdf", "report.pdf"},
		{`C:\Users\ann\report.pdf`, "report.pdf"},
		{"../../etc/passwd", "passwd"},
		{"exe.\u202efdp", "exe.fdp"},
		{"a\r\nb.txt", "ab.txt"},
		{".htaccess", "htaccess"},
		{"con.txt", "_con.txt"},
		{"a:b?.txt", "a_b_.txt"},
		{"..", ""},
		{"\x00", ""},
	}
	for _, test := range tests {
		if got := safeFilename(test.in); got != test.want {
			t.Errorf("safeFilename(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}
