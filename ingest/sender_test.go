package ingest_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"postroom/ingest"
	"postroom/ingest/ingesttest"
)

// A sender's address of any length is filed like any other; no index refuses it.
func TestLongSender(t *testing.T) {
	t.Parallel()
	r := ingesttest.New(t, nil)
	r.Start()
	long := ""
	for len(long) < 8000 {
		long += rand.Text() // nothing that would compress
	}
	for _, from := range []string{long + "@example.test", "a@" + long + ".test", long} {
		r.Send(strings.Replace(mailText(from[:10]+"@x", "", "Lamp", "y"), "anna@example.test", from, 1))
	}
	for _, m := range r.Settled(3) {
		if m.Stage != ingest.Filed {
			t.Errorf("message from %.20s… ended as %s: %v", m.FromEmail, m.Stage, m.Reason)
		}
	}
}
