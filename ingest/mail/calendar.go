package mail

import (
	"strings"
	"time"
)

// calendarLimit is how much of an invitation is read, and calendarEvents how many of its events.
const (
	calendarLimit  = 64 << 10
	calendarEvents = 20
)

// calendarText makes text from an invitation (RFC 5545), for mail that consists of nothing else: what, when, where, who.
func calendarText(ics string) string {
	var out strings.Builder
	event := map[string]string{}
	inside, skip, events := false, 0, 0
	for line := range strings.SplitSeq(unfoldCalendar(clip(ics, calendarLimit)), "\n") {
		name, params, value := calendarLine(line)
		switch {
		case name == "METHOD" && value != "":
			out.WriteString("[" + strings.ToLower(value) + "]\n")
		case name == "BEGIN" && (value == "VEVENT" || value == "VTODO" || value == "VJOURNAL"):
			inside, skip = true, 0
			clear(event)
		case name == "BEGIN" && inside:
			skip++ // an alarm has a description of its own
		case name == "END" && skip > 0:
			skip--
		case name == "END" && inside:
			inside = false
			if events++; events <= calendarEvents {
				writeEvent(&out, event)
			}
		case inside && skip == 0:
			if _, had := event[name]; !had || name == "ATTENDEE" {
				event[name] = strings.TrimPrefix(event[name]+", "+calendarValue(name, params, value), ", ")
			}
		}
	}
	return strings.TrimSpace(out.String())
}

// unfoldCalendar joins folded lines (RFC 5545 §3.1).
func unfoldCalendar(s string) string {
	return strings.NewReplacer("\n ", "", "\n\t", "").Replace(lines(s))
}

// calendarLine splits NAME;PARAMETERS:VALUE.
func calendarLine(line string) (name, params, value string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ':' && !quoted:
			name, params, _ = strings.Cut(line[:i], ";")
			return strings.ToUpper(name), params, strings.TrimSpace(line[i+1:])
		}
	}
	return "", "", ""
}

// calendarValue makes a value readable.
func calendarValue(name, params, value string) string {
	switch name {
	case "DTSTART", "DTEND", "DUE":
		return calendarTime(params, value)
	case "ORGANIZER", "ATTENDEE":
		if len(value) > 7 && strings.EqualFold(value[:7], "mailto:") {
			value = value[7:]
		}
		for p := range strings.SplitSeq(params, ";") {
			if cn, ok := strings.CutPrefix(p, "CN="); ok {
				return strings.Trim(cn, `"`) + " <" + value + ">"
			}
		}
		return value
	default:
		return strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(value)
	}
}

// calendarTime reads 20260301T090000Z, 20260301T090000 with a TZID, and 20260301.
func calendarTime(params, value string) string {
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		t, err := time.Parse(layout, value)
		if err != nil {
			continue
		}
		switch {
		case layout == "20060102":
			return t.Format(time.DateOnly)
		case strings.HasSuffix(layout, "Z"):
			return t.Format("2006-01-02 15:04") + " UTC"
		}
		for p := range strings.SplitSeq(params, ";") {
			if zone, ok := strings.CutPrefix(p, "TZID="); ok {
				return t.Format("2006-01-02 15:04") + " " + strings.Trim(zone, `"`)
			}
		}
		return t.Format("2006-01-02 15:04")
	}
	return value
}

// writeEvent writes what an event says, a line each.
func writeEvent(out *strings.Builder, event map[string]string) {
	when := event["DTSTART"]
	if end := event["DTEND"]; end != "" {
		when += " – " + end
	}
	if event["SUMMARY"] != "" {
		out.WriteString(event["SUMMARY"] + "\n")
	}
	for _, l := range [][2]string{
		{"When", when}, {"Due", event["DUE"]}, {"Where", event["LOCATION"]}, {"From", event["ORGANIZER"]}, {"With", event["ATTENDEE"]},
	} {
		if l[1] != "" {
			out.WriteString(l[0] + ": " + l[1] + "\n")
		}
	}
	if d := event["DESCRIPTION"]; d != "" {
		out.WriteString("\n" + d + "\n")
	}
	out.WriteString("\n")
}
