package mail

import "strings"

// transcriptLines is how much of a bounce's text is read.
const transcriptLines = 200

// readTranscript reads a bounce that has no machine-readable part: the text tells whom it is about, in many dialects, and
// mostly quotes the server that refused. The first address that is not one of our own, and the first line with a reply
// code after it, are taken.
func (m *Mail) readTranscript() {
	own := map[string]bool{}
	for _, a := range m.To {
		own[a.Email] = true
	}
	var r Recipient
	if failed, _ := parseAddresses(m.Get("X-Failed-Recipients")); len(failed) > 0 {
		r.Address = failed[0].Email
	}
	lines := strings.SplitN(m.Text, "\n", transcriptLines+1)
	for _, line := range lines[:min(len(lines), transcriptLines)] {
		line = clip(strings.TrimSpace(line), 1000)
		if returnedBegins(line) {
			break
		}
		if r.Address == "" {
			if a := addressIn(line); a != "" && !own[a] {
				r.Address = a
			}
		}
		if code, status, ok := codesIn(line); ok && r.Reason == "" {
			r.ReplyCode, r.Status, r.Reason = code, status, squeeze(line)
		}
	}
	if r.Address == "" {
		return
	}
	r.Hard = r.addressAtFault()
	m.Automatic.Recipients = append(m.Automatic.Recipients, r)
}

// returnedBegins reports whether the returned message begins at line.
func returnedBegins(line string) bool {
	if strings.HasPrefix(line, "Received: ") || strings.HasPrefix(line, "Return-Path: ") {
		return true
	}
	lower := strings.ToLower(strings.Trim(line, "-= "))
	return strings.HasPrefix(line, "--") && (strings.Contains(lower, "original message") || strings.Contains(lower, "copy of the message") ||
		strings.Contains(lower, "copy of your message") || strings.Contains(lower, "original mail"))
}

// addressIn returns the first address in line, or "".
func addressIn(line string) string {
	for _, w := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" <>()[],;:\"'=", r) }) {
		w = strings.Trim(w, ".")
		at := strings.IndexByte(w, '@')
		if at > 0 && strings.IndexByte(w[at:], '.') > 0 {
			return cleanEmail(w)
		}
	}
	return ""
}

// codesIn finds an SMTP reply code (RFC 5321 §4.2) or an enhanced status code (RFC 3463) in line.
func codesIn(line string) (code, status string, ok bool) {
	for _, w := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" <>()[],;:#\"'-", r) }) {
		if code == "" && len(w) == 3 && (w[0] == '4' || w[0] == '5') {
			code = replyCode(w)
		}
		if status == "" {
			status = statusCode(strings.TrimRight(w, "."))
		}
	}
	return code, status, code != "" || status != ""
}
