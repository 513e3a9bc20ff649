package tickets

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadSubject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want Topic
	}{
		{"Lamp arrived broken", Topic{Text: "lamp arrived broken"}},
		{"Re: Lamp  arrived\tbroken ", Topic{Text: "lamp arrived broken", Reply: true}},
		{"RE: AW: Antw: SV: Odp: Lamp", Topic{Text: "lamp", Reply: true}},
		{"RE[2]: Lamp", Topic{Text: "lamp", Reply: true}},
		{"Re(3): Re^4: Re2: Lamp", Topic{Text: "lamp", Reply: true}},
		{"RE : Lampe", Topic{Text: "lampe", Reply: true}},
		{"回复：灯坏了", Topic{Text: "灯坏了", Reply: true}},
		{"Ответ: Лампа", Topic{Text: "лампа", Reply: true}},
		{"השב: מנורה", Topic{Text: "מנורה", Reply: true}},
		{"رد: مصباح", Topic{Text: "مصباح", Reply: true}},
		{"Automatic reply: Re: Lamp", Topic{Text: "lamp", Reply: true}},
		{"Fwd: Lamp", Topic{Text: "lamp"}},
		{"WG: AW: Lamp", Topic{Text: "lamp"}},
		{"Re: Fwd: Lamp", Topic{Text: "lamp", Reply: true}},
		{"[EXTERNAL] Re: Lamp", Topic{Text: "lamp", Reply: true}},
		{"[Lumen] Re: Lamp", Topic{Text: "[lumen] re: lamp"}},
		{"Re: [#4711] Lamp", Topic{Text: "lamp", Reply: true, Number: 4711}},
		{"Lamp [Ticket #12]", Topic{Text: "lamp", Number: 12}},
		{"Ticket#12: Lamp", Topic{Text: ": lamp", Number: 12}},
		{"[ticket 7] Lamp", Topic{Text: "lamp", Number: 7}},
		{"Order #4711", Topic{Text: "order #4711"}},
		{"Concert ticket 2", Topic{Text: "concert ticket 2"}},
		{"[#0] x", Topic{Text: "[#0] x"}},
		{"[#99999999999999999999] x", Topic{Text: "[#99999999999999999999] x"}},
		{"Reply: yes", Topic{Text: "reply: yes"}},
		{"Re:", Topic{Reply: true}},
		{"!!! …", Topic{}},
		{"", Topic{}},
	} {
		if got := ReadSubject(c.in); got != c.want {
			t.Errorf("ReadSubject(%q) = %+v, want %+v", c.in, got, c.want)
		}
	}
}

// A reply's subject is its question's, whatever was put before it.
func FuzzReadSubject(f *testing.F) {
	for _, s := range []string{"Lamp", "Re: [#12] Lamp", "回复：灯", "RE[2]: \xff", strings.Repeat("Re: ", 40) + "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?") // as the gate does that every subject has passed
		one := ReadSubject(s)
		if !utf8.ValidString(one.Text) || one.Text != strings.TrimSpace(one.Text) || one.Number < 0 {
			t.Errorf("ReadSubject(%q) = %+v", s, one)
		}
		if again := ReadSubject("Re: " + s); one.Text != again.Text && strings.Count(s, ":")+strings.Count(s, "：")+strings.Count(s, "]") < maxPrefixes {
			t.Errorf("ReadSubject(%q).Text = %q, and with Re: %q", s, one.Text, again.Text)
		}
	})
}
