package mail

import "testing"

func TestDecodeWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		broken         bool
	}{
		{"none", "plain text", "plain text", false},
		{"Q", "=?iso-8859-1?Q?Gr=FC=DFe?= to all", "Grüße to all", false},
		{"B", "=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße", false},
		{"joined", "=?utf-8?q?a?= =?utf-8?q?b?=", "ab", false},
		{"cut in a character", "=?utf-8?B?w7w=?= =?utf-8?B?w58=?= =?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "üßü", false},
		{"glued", "Re:=?utf-8?q?=C3=BC?=!", "Re:ü!", false},
		{"space inside", "=?utf-8?q?two words?=", "two words", false},
		{"question mark inside", "=?utf-8?q?Was?=3F_Ja!?=", "Was?? Ja!", false},
		{"language", "=?utf-8*de?q?=C3=BC?=", "ü", false},
		{"no padding", "=?utf-8?B?R3LDvMOfZQ?=", "Grüße", false},
		{"no end", "=?utf-8?q?Gr=C3=BC=C3=9Fe", "Grüße", true},
		{"unknown charset", "=?x-nothing?q?abc?=", "abc", true},
		{"line break inside", "=?utf-8?q?a=0D=0ABcc:_b?=", "a Bcc: b", false},
		{"Japanese", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本", false},
		{"8-bit around", "Fr\xf6hlich =?utf-8?q?=C3=BC?=", "Fröhlich ü", false},
		{"no word", "a =? b ?= c", "a =? b ?= c", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := decodeWords(test.in)
			if got != test.want || ok == test.broken {
				t.Errorf("decodeWords(%q) = %q, %v, want %q, %v", test.in, got, ok, test.want, !test.broken)
			}
		})
	}
}
