package mail

import (
	"strconv"
	"strings"
	"time"
)

// parseDate reads a Date header (RFC 5322 §3.3) and the many things that stand in its place: no weekday, month first,
// ISO 8601, two-digit years, zones by name, comments, AM and PM. ok is false when no day can be found in it.
func parseDate(s string) (t time.Time, ok bool) {
	d := dateFields{day: -1, year: -1}
	fields := strings.FieldsFunc(clip(s, 200), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '(' || r == ')' })
	for _, f := range fields {
		d.take(f)
	}
	if d.month == 0 || d.day < 1 || d.day > 31 || d.year < 0 || d.year > maxYear {
		return time.Time{}, false
	}
	switch {
	case d.pm && d.hour < 12:
		d.hour += 12
	case d.am && d.hour == 12:
		d.hour = 0
	}
	if d.hour > 24 || d.minute > 59 || d.second > 60 {
		return time.Time{}, false
	}
	zone := time.UTC
	if d.offset != 0 {
		zone = time.FixedZone("", d.offset)
	}
	t = time.Date(d.year, d.month, d.day, d.hour, d.minute, d.second, 0, zone)
	return t, t.Day() == d.day || d.hour == 24
}

// maxYear bounds what is taken for a year: RFC 3339, databases and people have no
// more than four digits.
const maxYear = 9998

// dateFields collects what the words of a date say.
type dateFields struct {
	day, year            int
	month                time.Month
	hour, minute, second int
	timed                bool
	am, pm               bool
	offset               int // seconds east of UTC
	zoned                bool
}

// take reads one word. A word that says nothing is passed over.
func (d *dateFields) take(f string) {
	switch {
	case d.day < 0 && (strings.Count(f, "-") >= 2 || strings.Count(f, "/") == 2):
		d.dashed(f)
	case strings.Contains(f, ":") && !d.timed:
		d.clock(f)
	case (f[0] == '+' || f[0] == '-') && d.timed:
		d.zone(f)
	case f[0] >= '0' && f[0] <= '9':
		d.number(f)
	case strings.EqualFold(f, "am"):
		d.am = true
	case strings.EqualFold(f, "pm"):
		d.pm = true
	case d.month == 0 && monthOf(f) != 0:
		d.month = monthOf(f)
	case d.timed && !d.zoned:
		d.namedZone(f)
	}
}

// number takes a day first and a year then; a year may also be what has more than two digits.
func (d *dateFields) number(f string) {
	digits := strings.TrimRight(f, ".stndrh")
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil:
	case d.day < 0 && len(digits) <= 2:
		d.day = n
	case d.year < 0:
		d.year = fullYear(n, len(digits))
	}
}

// fullYear completes a year of two or three digits (RFC 5322 §4.3).
func fullYear(n, digits int) int {
	switch {
	case digits == 2 && n < 50:
		return 2000 + n
	case digits <= 3:
		return 1900 + n
	default:
		return n
	}
}

// dashed takes 2026-03-01, 01-Mar-2026 and 3/1/2026 with the month first; a "T" may join a time to it.
func (d *dateFields) dashed(f string) {
	day, clock, _ := strings.Cut(f, "T")
	p := strings.FieldsFunc(day, func(r rune) bool { return r == '-' || r == '/' })
	if len(p) != 3 {
		return
	}
	a, errA := strconv.Atoi(p[0])
	b, errB := strconv.Atoi(p[1])
	c, errC := strconv.Atoi(p[2])
	switch {
	case errA == nil && errB == nil && errC == nil && len(p[0]) == 4:
		d.year, d.month, d.day = a, time.Month(b), c
	case errA == nil && errB != nil && errC == nil:
		d.day, d.month, d.year = a, monthOf(p[1]), fullYear(c, len(p[2]))
	case errA == nil && errB == nil && errC == nil:
		d.month, d.day, d.year = time.Month(a), b, fullYear(c, len(p[2]))
	}
	if d.month > 12 {
		d.day, d.month = int(d.month), time.Month(d.day)
	}
	if clock != "" {
		d.clock(clock)
	}
}

// clock takes 10:20, 10:20:30, 10:20:30.123, each with a zone glued to it or not.
func (d *dateFields) clock(f string) {
	d.timed = true
	if i := strings.IndexAny(f, "+-Zz"); i > 0 {
		d.zone(f[i:])
		f = f[:i]
	}
	lower := strings.ToLower(f)
	d.am = d.am || strings.HasSuffix(lower, "am")
	d.pm = d.pm || strings.HasSuffix(lower, "pm")
	p := strings.SplitN(strings.TrimRight(lower, "amp"), ":", 3)
	number := func(i int) int {
		if i >= len(p) {
			return 0
		}
		n, err := strconv.Atoi(strings.SplitN(p[i], ".", 2)[0])
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	d.hour, d.minute, d.second = number(0), number(1), number(2)
}

// zone takes an offset such as +0100 or -05:30. One beyond a day says nothing.
func (d *dateFields) zone(f string) {
	if f[0] == 'Z' || f[0] == 'z' {
		d.zoned = true
		return
	}
	digits := strings.ReplaceAll(f[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || len(digits) > 4 {
		return
	}
	if len(digits) <= 2 {
		n *= 100
	}
	if n >= 2400 {
		return
	}
	d.offset, d.zoned = (n/100*60+n%100)*60, true
	if f[0] == '-' {
		d.offset = -d.offset
	}
}

// zoneHours are the zone names of RFC 5322 §4.3 and the commonest beyond it, in hours east of UTC.
var zoneHours = map[string]int{
	"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
	"PST": -8, "PDT": -7, "BST": 1, "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
	"MSK": 3, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3,
}

// namedZone takes a zone by name, alone or with an offset glued to it, as in GMT+0100.
func (d *dateFields) namedZone(f string) {
	if i := strings.IndexAny(f, "+-"); i > 0 {
		d.zone(f[i:])
		return
	}
	if h, ok := zoneHours[strings.ToUpper(f)]; ok {
		d.offset, d.zoned = h*3600, true
	}
}

// monthOf returns the month that an English name or its first three letters stand for, or 0.
func monthOf(s string) time.Month {
	if len(s) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}
