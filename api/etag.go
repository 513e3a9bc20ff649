package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Matched asks for a resource only if it is another than the caller has.
type Matched struct {
	IfNoneMatch string `header:"If-None-Match" doc:"ETags that you have; if one is still right the answer is 304."`
}

// single is the answer that is one resource.
type single[T any] struct {
	Status int
	ETag   string `header:"ETag"`
	Body   T
}

// one answers with a resource, or with 304 when the caller has it as it is.
func one[T any](m Matched, body T) (*single[T], error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("etag: %w", err)
	}
	out := &single[T]{Status: http.StatusOK, ETag: etag(b), Body: body}
	if matches(m.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
	}
	return out, nil
}

func etag(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matches compares as RFC 9110 §13.1.2 says: weakly, and * is any.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || tag == etag {
			return true
		}
	}
	return false
}

// writeMatched serves bytes that do not change while the process runs.
func writeMatched(w http.ResponseWriter, r *http.Request, body []byte) {
	tag := etag(body)
	w.Header().Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = bytes.NewReader(body).WriteTo(w) // a client that is gone misses nothing
}
