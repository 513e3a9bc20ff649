package ingest

import (
	"errors"
	"math/rand/v2"
	"time"

	"postroom/ingest/mail"
)

// maxReason bounds the text of an error on a message row, in bytes.
const maxReason = 500

// A permanentError will not pass: trying again is no use.
type permanentError struct{ err error }

func (e permanentError) Error() string { return e.err.Error() }
func (e permanentError) Unwrap() error { return e.err }

// Permanent marks err as one that will not pass: its message becomes a dead
// letter at once instead of after the last attempt.
func Permanent(err error) error { return permanentError{err} }

func isPermanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}

// plain is an error's text as it may stand on a row.
func plain(err error) string {
	s := mail.Clean(err.Error())
	if len(s) > maxReason {
		s = mail.Clean(s[:maxReason]) + "…"
	}
	return s
}

// backoff is how long a message waits before the attempt after this one: doubled
// each time, with a third of jitter so that what failed together does not return
// together.
func (l Limits) backoff(attempt int) time.Duration {
	d := l.BackoffMost
	if shift := max(0, attempt-1); shift < 20 {
		d = min(l.BackoffMost, l.BackoffFirst<<shift)
	}
	return d - time.Duration(rand.Int64N(int64(d)/3+1))
}
