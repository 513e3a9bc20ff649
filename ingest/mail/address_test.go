package mail

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   string
		want []Address
	}{
		{"bare", `ann@x.example`, []Address{{"", "ann@x.example"}}},
		{"name", `Ann Lee <ann@x.example>`, []Address{{"Ann Lee", "ann@x.example"}}},
		{"quoted", `"Lee, Ann" <ann@x.example>, bob@x.example`, []Address{{"Lee, Ann", "ann@x.example"}, {"", "bob@x.example"}}},
		{"comma not quoted", `Lee, Ann <ann@x.example>`, []Address{{"Lee, Ann", "ann@x.example"}}},
		{"a campaign's comma", `team ,_<a@b.example>`, []Address{{"team, _", "a@b.example"}}},
		{"comment", `ann@x.example (Ann (at work) Lee)`, []Address{{"Ann (at work) Lee", "ann@x.example"}}},
		{"daemon", `MAILER-DAEMON <>`, []Address{{"MAILER-DAEMON", ""}}},
		{"group", `friends: ann@x.example, Bob <bob@x.example>;`, []Address{{"", "ann@x.example"}, {"Bob", "bob@x.example"}}},
		{"empty group", `undisclosed-recipients:;`, nil},
		{"semicolons", `a@x.example; b@x.example`, []Address{{"", "a@x.example"}, {"", "b@x.example"}}},
		{"domain in capitals", `Ann@X.Example`, []Address{{"", "Ann@x.example"}}},
		{"punycode", `a@xn--mnchen-3ya.example`, []Address{{"", "a@münchen.example"}}},
		{"SMTPUTF8", `Jörg <jörg@MÜNCHEN.example>`, []Address{{"Jörg", "jörg@münchen.example"}}},
		{"encoded", `=?utf-8?q?J=C3=B6rg?= <j@x.example>`, []Address{{"Jörg", "j@x.example"}}},
		{"encoded in quotes", `"=?utf-8?q?J=C3=B6rg?=" <j@x.example>`, []Address{{"Jörg", "j@x.example"}}},
		{"encoded comma", `=?utf-8?q?L=2C_J?= <j@x.example>, k@x.example`, []Address{{"L, J", "j@x.example"}, {"", "k@x.example"}}},
		{"all encoded", `=?utf-8?q?Ann_<ann@x.example>?=`, []Address{{"Ann", "ann@x.example"}}},
		{"bracket not closed", `Ann <ann@x.example`, []Address{{"Ann", "ann@x.example"}}},
		{"quote not closed", `"Ann <ann@x.example>, bob@x.example`, []Address{{"Ann", "ann@x.example"}, {"", "bob@x.example"}}},
		{"two brackets", `<<ann@x.example>>`, []Address{{"", "ann@x.example"}}},
		{"address as name", `"ann@x.example" <ann@x.example>`, []Address{{"", "ann@x.example"}}},
		{"other address as name", `boss@x.example <thief@y.example>`, []Address{{"boss@x.example", "thief@y.example"}}},
		{"mailto", `<mailto:ann@x.example>`, []Address{{"", "ann@x.example"}}},
		{"route", `<@relay.example,@b.example:ann@x.example>`, []Address{{"", "ann@x.example"}}},
		{"spaces", `Ann < ann @ x.example >`, []Address{{"Ann", "ann@x.example"}}},
		{"words around", `please write to ann@x.example today`, []Address{{"please write to today", "ann@x.example"}}},
		{"quoted local part", `"a b"@x.example`, []Address{{"", `"a b"@x.example`}}},
		{"8-bit", "J\xf6rg <j@x.example>", []Address{{"Jörg", "j@x.example"}}},
		{"NUL", "A\x00nn <a\x00nn@x.example>", []Address{{"Ann", "ann@x.example"}}},
		{"no comma between", `Ann <a@x.example> Bob <b@x.example> <c@x.example>`, []Address{{"Ann", "a@x.example"}, {"Bob", "b@x.example"}, {"", "c@x.example"}}},
		{"nobody", ` , ;`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, over := parseAddresses(test.in)
			if diff := cmp.Diff(test.want, got); diff != "" || over {
				t.Errorf("parseAddresses(%q) (-want +got):\n%s", test.in, diff)
			}
		})
	}
}
