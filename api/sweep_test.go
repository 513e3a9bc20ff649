package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postroom/api"
)

// Whatever is asked for in a query or a path, the answer is no failure of ours.
func TestOddQueries(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.Burst = 1_000_000 })
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	spec := want[struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}](h, 200, call{path: "/openapi.json"})
	odd := []string{
		"9223372036854775807", "-9223372036854775808", "3000000000", "99999999999999999999", "1e9", "NaN", "0", "-1", "",
		"0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00+14:00", "2026-02-30", "-infinity",
		"\x00", "\xff", "'; drop table message; --", "%", "\\", strings.Repeat("a", 5000), strings.Repeat("& | ! ( )", 50), m.ID, "../..", "*",
	}
	asked := 0
	for path, ops := range spec.Paths {
		get, ok := ops["get"]
		if !ok {
			continue
		}
		fill := strings.NewReplacer("{workspace}", p.workspace.ID, "{ticket}", "1", "{message}", m.ID, "{mailbox}", p.mailbox.ID)
		for _, param := range get.Parameters {
			for _, value := range odd {
				at := fill.Replace(path) + "?" + url.QueryEscape(param.Name) + "=" + url.QueryEscape(value)
				if param.In == "path" {
					if value == "" || value == "../.." {
						continue
					}
					at = fill.Replace(strings.Replace(path, "{"+param.Name+"}", url.PathEscape(value), 1))
				}
				asked++
				if a := h.do(call{path: at}); a.status >= http.StatusInternalServerError {
					t.Errorf("GET %.200s = %d %s", at, a.status, a.body)
				}
			}
		}
	}
	if asked < 200 {
		t.Error(fmt.Sprint(asked, " asked"))
	}
}
