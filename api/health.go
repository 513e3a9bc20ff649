package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
)

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready bool              `json:"ready"`
	Parts map[string]string `json:"parts"` // what is not ready, and why
}

// healthz answers that the process runs.
func (s *server) healthz(w http.ResponseWriter, r *http.Request) {
	sendJSON(w, r, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz answers whether the process can do its work, and names the parts that
// cannot.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	bad := s.ready(r.Context())
	status := http.StatusOK
	if len(bad) > 0 {
		status = http.StatusServiceUnavailable
	}
	sendJSON(w, r, status, Readiness{Ready: len(bad) == 0, Parts: bad})
}

func sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "request_id", requestOf(r.Context()).id, "err", err)
	}
}
