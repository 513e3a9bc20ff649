package auth

import (
	"container/list"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBuckets bounds a limiter's memory, some 200 bytes a bucket.
const maxBuckets = 10_000

// A TooManyError means that a client asks too often.
type TooManyError struct{ RetryAfter time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many attempts; the next is possible in %d seconds", Seconds(e.RetryAfter))
}

// Seconds rounds a wait up to whole seconds, at least one, as headers carry it.
func Seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// A Limiter keeps one token bucket for each key. It remembers the keys that were
// used last; one that it forgot starts with a full bucket.
type Limiter struct {
	burst int
	every time.Duration

	mu      sync.Mutex
	buckets map[string]*list.Element // of *bucket, in recent
	recent  *list.List               // most recently used first
}

type bucket struct {
	key string
	*rate.Limiter
}

// NewLimiter returns a limiter whose buckets hold burst tokens and gain one every
// so often.
func NewLimiter(burst int, every time.Duration) *Limiter {
	return &Limiter{burst: burst, every: every, buckets: map[string]*list.Element{}, recent: list.New()}
}

// A Budget is what taking a token came to.
type Budget struct {
	OK         bool          // a token was taken
	Limit      int           // tokens in a full bucket
	Remaining  int           // whole tokens left
	Reset      time.Duration // until the bucket is full again
	RetryAfter time.Duration // until there is a token, when there was none
}

// Take takes a token from the bucket of key.
func (l *Limiter) Take(key string) Budget {
	b := l.bucket(key)
	now := time.Now()
	budget := Budget{OK: b.AllowN(now, 1), Limit: l.burst}
	tokens := max(0, b.TokensAt(now))
	budget.Remaining = int(tokens)
	budget.Reset = time.Duration((float64(l.burst) - tokens) * float64(l.every))
	if !budget.OK {
		budget.RetryAfter = time.Duration((1 - min(tokens, 1)) * float64(l.every))
	}
	return budget
}

func (l *Limiter) bucket(key string) *bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.buckets[key]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket)
	}
	b := &bucket{key, rate.NewLimiter(rate.Every(l.every), l.burst)}
	l.buckets[key] = l.recent.PushFront(b)
	if l.recent.Len() > maxBuckets {
		delete(l.buckets, l.recent.Remove(l.recent.Back()).(*bucket).key)
	}
	return b
}
