package trec

import (
	"bytes"
	"strings"
)

// What a forwarder leaves of a header: what the sender's own program wrote. All else may be the work of whoever gathered
// a set of mails, and a filter that learns it looks better than it is.
var forwarded = map[string]bool{
	"from": true, "to": true, "cc": true, "subject": true, "date": true, "message-id": true, "reply-to": true, "in-reply-to": true,
	"references": true, "mime-version": true, "content-type": true, "content-transfer-encoding": true, "x-mailer": true,
	"user-agent": true, "importance": true, "x-priority": true, "organization": true,
}

// Leaves reports whether a forwarder leaves a header field of this name.
func Leaves(name string) bool { return forwarded[strings.ToLower(name)] }

// Forwarded returns a raw mail with only the header fields that a forwarder leaves.
func Forwarded(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	keep := false
	for len(raw) > 0 {
		line := raw
		if end := bytes.IndexByte(raw, '\n'); end >= 0 {
			line = raw[:end+1]
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return append(out, raw...)
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, ok := bytes.Cut(line, []byte{':'})
			keep = ok && Leaves(strings.TrimSpace(string(name)))
		}
		if keep {
			out = append(out, line...)
		}
		raw = raw[len(line):]
	}
	return out
}
