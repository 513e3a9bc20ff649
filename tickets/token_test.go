package tickets

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	ours, other := uuid.New(), uuid.New()
	d := New(nil, SignWith([]byte("key")))
	token := strings.Trim(d.Marker(ours, 4711), "[]")
	for name, c := range map[string]struct {
		text string
		want []int64
	}{
		"marker":         {"> On Monday we wrote:\n> " + d.Marker(ours, 4711), []int64{4711}},
		"address":        {d.ReplyAddress(ours, "support@x.test", 4711), []int64{4711}},
		"upper case":     {"T." + strings.ToUpper(token[2:]) + " t." + strings.ToUpper(token[2:]), []int64{4711}},
		"twice":          {token + " " + token, []int64{4711}},
		"two":            {token + d.Marker(ours, 3), []int64{4711, 3}},
		"other ticket":   {strings.Replace(token, "4711", "4712", 1), nil},
		"one bit off":    {token[:len(token)-1] + map[bool]string{true: "b", false: "a"}[strings.HasSuffix(token, "a")], nil},
		"other company":  {d.Marker(other, 4711), nil},
		"other key":      {New(nil, SignWith([]byte("other"))).Marker(ours, 4711), nil},
		"cut":            {token[:len(token)-1], nil},
		"leading zero":   {strings.Replace(token, "4711", "04711", 1), nil},
		"not a number":   {"t.-aaaaaaaaaaaaaaaa t.99999999999999999999-aaaaaaaaaaaaaaaa t.", nil},
		"behind forgery": {"t.1-aaaaaaaaaaaaaaaa " + token, []int64{4711}},
	} {
		if got := d.sign.numbers(ours, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: numbers(%q) = %v, want %v", name, c.text, got, c.want)
		}
	}
	if got := New(nil).sign.numbers(ours, New(nil).sign.token(ours, 4711)); got != nil {
		t.Errorf("without a key it takes %v", got)
	}
	if address, err := NormaliseAddress(d.ReplyAddress(ours, "support@x.test", 4711)); err != nil || !strings.HasPrefix(address, "support+t.4711-") {
		t.Errorf("ReplyAddress() = %q, %v", address, err)
	}
	long := strings.Repeat("a", 60) + "@x.test"
	if got := d.ReplyAddress(ours, long, 1); got != long {
		t.Errorf("ReplyAddress(%q) = %q: the local part is too long for RFC 5321", long, got)
	}
}

// Nothing but what was signed is taken, whatever the text.
func FuzzTokens(f *testing.F) {
	d := New(nil, SignWith([]byte("key")))
	w := uuid.MustParse("0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908")
	f.Add(d.Marker(w, 1))
	f.Add("t.t.t.1-aaaaaaaaaaaaaaaat.")
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range d.sign.numbers(w, s) {
			if !strings.Contains(strings.ToLower(s), d.sign.token(w, n)) {
				t.Errorf("%q gives %d, and does not have its token", s, n)
			}
		}
	})
}
