package mail

import (
	"bytes"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message"
)

// TestAgainstGoMessage reads every message of the corpora with go-message too. Where that strict reader has nothing to say
// against a message, both must find the same parts with the same bytes.
func TestAgainstGoMessage(t *testing.T) {
	t.Parallel()
	strict, equal := 0, 0
	eachMail(t, corpora(t), func(name string, raw []byte) {
		if isMboxLine(raw) {
			raw = raw[lineLen(raw):]
		}
		want, ok := strictParts(raw)
		if !ok {
			return
		}
		strict++
		m, err := Parse(raw, Budget{})
		if err != nil {
			t.Errorf("Parse(%s): %v", name, err)
		}
		var got [][32]byte
		for i := range m.Parts {
			if !strings.HasPrefix(m.Parts[i].ContentType, "text/") { // go-message converts text as it reads
				got = append(got, m.Parts[i].SHA256)
			}
		}
		if slices.Equal(got, want) {
			equal++
		} else {
			t.Logf("%s: %d parts beside text, go-message has %d", name, len(got), len(want))
		}
	})
	t.Logf("%d messages that go-message reads, %d with the same parts", strict, equal)
	if equal*1000 < strict*995 {
		t.Errorf("%d of %d messages with the same parts as go-message reads, want 99.5 %%", equal, strict)
	}
}

// strictParts returns the hashes of the leaves that are no text; ok is false when go-message has an objection.
func strictParts(raw []byte) (parts [][32]byte, ok bool) {
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, false
	}
	err = e.Walk(func(_ []int, e *message.Entity, err error) error {
		if err != nil || e.MultipartReader() != nil {
			return err
		}
		data, err := io.ReadAll(e.Body)
		kind, _, _ := e.Header.ContentType()
		if err == nil && !strings.HasPrefix(strings.ToLower(kind), "text/") {
			parts = append(parts, sha256.Sum256(data))
		}
		return err
	})
	return parts, err == nil
}
