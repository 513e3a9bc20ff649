package mail

import (
	"slices"
	"strings"
)

// messageIDs reads the message ids of a Message-ID, In-Reply-To or References header (RFC 5322 §3.6.4): without angle
// brackets, in order, each once. Ids without brackets count when they have an "@"; prose such as "your message of
// Friday", which old In-Reply-To headers hold, does not.
func messageIDs(s string) (ids []string, over bool) {
	add := func(id string) {
		id = Clean(strings.Join(strings.Fields(id), ""))
		if id == "" || slices.Contains(ids, id) {
			return
		}
		if len(ids) == ReferenceLimit {
			over = true
			return
		}
		ids = append(ids, clip(id, maxMessageID))
	}
	for s != "" && !over {
		open := strings.IndexByte(s, '<')
		bare := s
		if open >= 0 {
			bare = s[:open]
		}
		for _, w := range strings.FieldsFunc(bare, idSeparator) {
			if strings.Contains(strings.Trim(w, "@"), "@") {
				add(w)
			}
		}
		if open < 0 {
			break
		}
		s = s[open+1:]
		end := strings.IndexAny(s, "<>")
		if end < 0 {
			end = len(s)
		}
		add(s[:end])
		s = s[end:]
		s = strings.TrimPrefix(s, ">")
	}
	return ids, over
}

// maxMessageID bounds an id; RFC 5322 lines end at 998 bytes.
const maxMessageID = 998

func idSeparator(r rune) bool {
	return r == ' ' || r == ',' || r == ';' || r == '>' || r == '"' || r == '(' || r == ')'
}
