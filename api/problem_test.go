package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"postroom/api/auth"
	"postroom/ingest"
	"postroom/tickets"
)

// TestProblemOf checks the answers that are hard to provoke from outside, and
// that what is ours to mend tells nothing.
func TestProblemOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		code   string
		retry  string
	}{
		{fmt.Errorf("%w: queue_long", ingest.ErrBusy), 503, "busy", "5"},
		{fmt.Errorf("%w: %w", ingest.ErrBusy, context.DeadlineExceeded), 503, "busy", "5"},
		{fmt.Errorf("list: %w", context.DeadlineExceeded), 503, "timeout", "5"},
		{&auth.TooManyError{RetryAfter: 1500 * time.Millisecond}, 429, "rate_limited", "2"},
		{fmt.Errorf("x: %w", auth.ErrKeyInUse), 409, "idempotency_key_in_use", "1"},
		{fmt.Errorf("ticket: %w", tickets.ErrForbidden), 403, "forbidden", ""},
		{&bodyError{errors.New("unexpected EOF")}, 400, "bad_request", ""},
		{fmt.Errorf("list: %w", &pgconn.PgError{Code: "22021", Message: "secret inside"}), 422, "invalid", ""},
		{errors.New("secret inside"), 500, "internal", ""},
	} {
		p := problemOf(tt.err)
		if p.Status != tt.status || p.Code != tt.code || p.header.Get("Retry-After") != tt.retry {
			t.Errorf("problemOf(%v) = %d %s, Retry-After %q, want %d %s %q", tt.err, p.Status, p.Code, p.header.Get("Retry-After"), tt.status, tt.code, tt.retry)
		}
		if strings.Contains(p.Detail, "secret inside") {
			t.Errorf("problemOf(%v) tells %q", tt.err, p.Detail)
		}
	}
}
