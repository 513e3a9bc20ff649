// Package api is the REST interface under /api/v1: one operation for each use
// case, described by the OpenAPI 3.1 document that it serves itself
// (openapi.yaml is that document, compared in a test). It holds no rule of its
// own: it asks who is calling, calls the desk or the pipeline, and puts their
// answers and errors into HTTP.
//
//	request ─> id, log, headers ─> who, rate ─> may they, which workspace ─> body, asked before? ─> operation
//	           (outer.go)          (gate.go)    (scope.go)                   (body.go, idempotency.go)
//
// The package must never show a workspace's data under another workspace's id,
// nor an error's inner text, nor unsanitised HTML.
package api
