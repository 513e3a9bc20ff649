package mail

import (
	"strings"
	"time"
	"unicode"
)

// readableDate reads a date that a mail program has written for people, in whatever language: a year, a month by name or
// number, a day, a time. Where day and month could be either, no date is better than a wrong one.
func readableDate(s string) (time.Time, bool) {
	if t, ok := parseDate(s); ok && strings.IndexByte(s, ',') > 0 && strings.IndexByte(s, ':') > 0 && zoned(s) {
		return t, true
	}
	d := dateScan{hour: -1}
	for w := range strings.FieldsFuncSeq(strings.ToLower(latinDigits(clip(s, maxAttributionLine))), splitsDate) {
		d.word(w)
	}
	return d.time()
}

// zoned reports whether s ends with an offset, as the dates of headers do.
func zoned(s string) bool {
	s, _, _ = strings.Cut(s, "(")
	s = strings.TrimSpace(s)
	return len(s) > 5 && (s[len(s)-5] == '+' || s[len(s)-5] == '-')
}

func splitsDate(r rune) bool {
	return r == ' ' || r == ',' || r == '(' || r == ')' || r == '\u00a0' || r == '\u202f' || r == '年' || r == '月' || r == '日' || r == '년' || r == '월' || r == '일' ||
		r == '，' || r == '、' || r == '،' || isDirection(r)
}

// A dateScan is what of a date has been found.
type dateScan struct {
	year, month, day int
	hour, minute     int
	second           int
	numbers          []int // of one or two digits, which are month or day
	numeric          []int // of a date in figures, in its order
	pm, am           bool
	monthNext        bool // a word for "month" stood before
}

func (d *dateScan) word(w string) {
	switch {
	case pmWords[strings.Trim(w, ".")] || pmWords[w]:
		d.pm = true
	case amWords[strings.Trim(w, ".")] || amWords[w]:
		d.am = true
	}
	for _, p := range []string{"下午", "오후", "午後"} {
		if rest, ok := strings.CutPrefix(w, p); ok {
			d.pm, w = true, rest
		}
	}
	for _, p := range []string{"上午", "오전", "午前"} {
		if rest, ok := strings.CutPrefix(w, p); ok {
			d.am, w = true, rest
		}
	}
	if m := namedMonth(strings.Trim(w, ".")); m > 0 && d.month == 0 {
		d.month = m
		return
	}
	before := d.monthNext
	d.monthNext = w == "tháng" || w == "thg"
	n, seps := figures(w)
	switch {
	case before && len(n) == 1 && n[0] <= 12:
		d.month = n[0]
	case len(n) == 0:
	case d.hour < 0 && len(n) >= 2 && len(n) <= 3 && isTime(w) && !isDate(w):
		d.hour, d.minute = n[0], n[1]
		if len(n) == 3 {
			d.second = n[2]
		}
	case len(n) == 3 && seps:
		d.numeric = n
	case n[0] > 1900 && n[0] < 2200:
		d.year = n[0]
	case n[0] <= 31 && n[0] > 0:
		d.numbers = append(d.numbers, n[0])
	}
}

// figures returns the numbers in w, and whether signs as in dates stand between them.
func figures(w string) (n []int, seps bool) {
	in := false
	for _, r := range w {
		switch {
		case r >= '0' && r <= '9':
			if !in {
				n = append(n, 0)
			}
			in = true
			if v := &n[len(n)-1]; *v < 1<<20 {
				*v = *v*10 + int(r-'0')
			}
		default:
			seps = seps || in && (r == '/' || r == '.' || r == '-')
			in = false
			if unicode.IsLetter(r) && len(n) == 0 {
				return nil, false
			}
		}
		if len(n) > 6 {
			return nil, false
		}
	}
	return n, seps
}

// time puts the date together.
func (d *dateScan) time() (time.Time, bool) {
	d.order()
	if d.month == 0 && len(d.numbers) > 1 {
		d.month, d.numbers = d.numbers[0], d.numbers[1:] // 2016年2月3日
	}
	if d.day == 0 && len(d.numbers) > 0 {
		d.day = d.numbers[0]
	}
	if d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 {
		return time.Time{}, false
	}
	hour := max(d.hour, 0)
	if d.pm && hour < 12 {
		hour += 12
	} else if d.am && hour == 12 {
		hour = 0
	}
	if hour > 23 || d.minute > 59 || d.second > 60 {
		return time.Time{}, false
	}
	t := time.Date(d.year, time.Month(d.month), d.day, hour, d.minute, d.second, 0, time.UTC)
	return t, t.Day() == d.day
}

// order reads a date in figures.
func (d *dateScan) order() {
	if len(d.numeric) != 3 {
		return
	}
	a, b, c := d.numeric[0], d.numeric[1], d.numeric[2]
	switch {
	case a > 1900:
		d.year, d.month, d.day = a, b, c
	case c > 1900 && a > 12:
		d.year, d.month, d.day = c, b, a
	case c > 1900 && b > 12:
		d.year, d.month, d.day = c, a, b
	case c > 1900 && a == b:
		d.year, d.month, d.day = c, a, b
	}
}

var (
	pmWords = words("pm p.m μμ μ.μ م nachm odp ip.")
	amWords = words("am a.m πμ π.μ ص vorm dop de.")
)

// namedMonth returns the month that w names, or 0.
func namedMonth(w string) int {
	if len(w) < 3 || w[0] >= '0' && w[0] <= '9' {
		return 0
	}
	w = strings.TrimPrefix(w, "ב") // "in", written together with the name
	if m := monthNames[w]; m > 0 {
		return m
	}
	runes := 0
	for i := range w {
		if runes++; runes > 3 {
			return monthNames[w[:i]]
		}
	}
	return 0
}

// monthNames are months by their first letters, in lower case, where these say which; longer ones where they do not.
var monthNames = months(
	"jan ene gen gennaio janv sty led ledna tam янв січ oca ιαν ιανουαρίου يناير ינואר януари",
	"feb fév févr fev lut únor úno hel фев лют şub φεβ فبراير פברואר",
	"mar mär mrt mars März már marec maa мар бер mar mart μαρ maret مارس מרץ",
	"apr abr avr kwi dub dubna huh апр квi кві nis απρ أبريل ابريل אפריל ápr",
	"may mai mag maj mei maio máj kvě května tou мая май тра mayıs μαΐ μαϊ مايو מאי",
	"jun jui juin giu cze čer června kes июн чер haz ιουν يونيو יוני jún",
	"jul juil lug lip čvc července hei июл лип tem ιουλ يوليو יולי júl",
	"aug ago août aoû sie srp elo авг сер ağu αυγ أغسطس אוגוסט",
	"sep set wrz zář syy сен вер eyl σεπ سبتمبر ספטמבר szep",
	"oct okt ott out paź říj lok окт жов eki οκτ أكتوبر אוקטובר",
	"nov lis mar. listopadu marraskuuta ноя лис kas νοε نوفمبر נובמבר noi",
	"dec dez dic déc gru pro prosince jou дек гру ara δεκ ديسمبر דצמבר",
)

func months(lists ...string) map[string]int {
	names := map[string]int{}
	for i, list := range lists {
		for w := range strings.FieldsSeq(strings.ToLower(list)) {
			if names[w] == 0 {
				names[w] = i + 1
			}
		}
	}
	// Three letters do not tell these from others.
	names["juin"], names["juillet"], names["juil"], names["července"], names["listopadu"], names["marraskuuta"] = 6, 7, 7, 7, 11, 11
	delete(names, "jui")
	delete(names, "ιου")
	names["ιουνίου"], names["ιουλίου"], names["červenec"], names["červen"] = 6, 7, 7, 6
	return names
}
