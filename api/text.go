package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"postroom/tickets"
)

// checkText refuses a request with a text that the database cannot keep or compare
// with, in the path, the query or a JSON body, before any operation sees it.
func (s *server) checkText(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if err := textOf(ctx.Operation(), r); err != nil {
		writeProblem(w, r, err)
		return
	}
	next(ctx)
}

func textOf(op *huma.Operation, r *http.Request) error {
	for _, p := range op.Parameters {
		if p.In != "path" {
			continue
		}
		if err := tickets.CheckText("path."+p.Name, r.PathValue(p.Name)); err != nil {
			return err
		}
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		return nil
	}
	return checkJSON(bodyOf(r))
}

// checkQuery also refuses what is no query: its readers would leave out the part
// that they cannot read, and a filter that is left out returns everything.
func checkQuery(raw string) error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return &tickets.InvalidError{Field: "query", Reason: "it is not percent-encoded as RFC 3986 says"}
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if err := tickets.CheckText("query", name); err != nil {
			return err
		}
		for _, v := range q[name] {
			if err := tickets.CheckText("query."+name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkJSON looks at the texts of a body only when one of them can be wrong. What
// is no JSON is left to whoever decodes it.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return &tickets.InvalidError{Field: "body", Reason: "it is not UTF-8"}
	}
	if !bytes.Contains(body, []byte(`\u0000`)) {
		return nil
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return checkValue("body", v)
}

func checkValue(field string, v any) error {
	switch v := v.(type) {
	case string:
		return tickets.CheckText(field, v)
	case []any:
		for i, item := range v {
			if err := checkValue(fmt.Sprintf("%s[%d]", field, i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := checkValue(field+"."+strings.ReplaceAll(name, "\x00", ""), v[name]); err != nil {
				return err
			}
		}
	}
	return nil
}
