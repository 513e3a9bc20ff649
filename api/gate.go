package api

import (
	"context"
	"net/http"
	"strconv"

	"postroom/api/auth"
)

type refusalKey struct{}

// refusalOf returns why nobody is known to be asking.
func refusalOf(ctx context.Context) error {
	err, _ := ctx.Value(refusalKey{}).(error)
	return err
}

// gate finds out who is asking and counts the request against their budget, or
// against their network's while they are unknown. Whether an operation needs
// somebody known is asked behind it, operation by operation (scope.go).
func (s *server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.auth.Bearer(r)
		ctx := auth.With(r.Context(), who)
		key := "who:" + who.Actor
		if err != nil {
			ctx = context.WithValue(ctx, refusalKey{}, err)
			key = "client:" + s.auth.Client(r)
		}
		r = r.WithContext(ctx)
		b := s.requests.Take(key)
		h := w.Header()
		h.Set("RateLimit-Limit", strconv.Itoa(b.Limit))
		h.Set("RateLimit-Remaining", strconv.Itoa(b.Remaining))
		h.Set("RateLimit-Reset", strconv.Itoa(int(b.Reset.Seconds()+0.999)))
		if !b.OK {
			writeProblem(w, r, &auth.TooManyError{RetryAfter: b.RetryAfter})
			return
		}
		next.ServeHTTP(w, r)
	})
}
