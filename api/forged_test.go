package api_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postroom/api"
)

// A cursor that nobody gave is refused or shows what is the asker's own; it is never
// a failure of ours.
func TestForgedCursors(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.Burst = 1_000_000 })
	p, other := h.newPlace("Lumen"), h.newPlace("Other")
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	theirs := h.submit(other, mailOf(2, "Theirs", "secret"))
	spec := want[struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
	}](h, 200, call{path: "/openapi.json"})
	asked := 0
	for path, ops := range spec.Paths {
		pages := false
		for _, param := range ops["get"].Parameters {
			pages = pages || param.Name == "page[after]"
		}
		if !pages {
			continue
		}
		at := strings.NewReplacer("{workspace}", p.workspace.ID, "{ticket}", "1", "{message}", m.ID, "{mailbox}", p.mailbox.ID).Replace(path)
		for _, place := range []string{
			theirs.ID, "0", fmt.Sprint(math.MaxInt64), fmt.Sprint(math.MinInt64), "-1", "9223372036854775808", "x", " ",
			fmt.Sprint(math.MaxInt64) + " " + m.ID, fmt.Sprint(math.MinInt64) + " " + m.ID, "0 " + theirs.ID, "x\x00", "\xff", strings.Repeat("9", 140),
		} {
			asked++
			a := h.do(call{path: strings.TrimPrefix(at, "/api/v1") + "?page[after]=" + url.QueryEscape(base64.RawURLEncoding.EncodeToString([]byte(place)))})
			if a.status != http.StatusOK && a.status/100 != 4 || strings.Contains(string(a.body), "Theirs") {
				t.Errorf("GET %s after %q = %d %s", at, place, a.status, a.body)
			}
		}
	}
	if asked < 50 {
		t.Errorf("asked %d times: the description names too few lists", asked)
	}
}

// JSON that is made to hurt is refused, or taken for what it says.
func TestOddJSON(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.Burst = 1_000_000 })
	p := h.newPlace("Lumen")
	m := h.submit(p, mailOf(1, "Lamp", "broken"))
	for name, body := range map[string]string{
		"deep":          strings.Repeat(`{"a":`, 150_000) + "1" + strings.Repeat("}", 150_000),
		"deep list":     strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000),
		"deep unclosed": strings.Repeat("[", 1_000_000),
		"huge number":   `{"name":"x","address":"x@y.example","verdict":"spam","version":1` + strings.Repeat("0", 900_000) + `}`,
		"exponent":      `{"name":1e999999999,"address":1e-999999999,"verdict":1e308}`,
		"many keys": func() string {
			var b strings.Builder
			b.WriteString(`{"name":"x"`)
			for i := range 60_000 {
				fmt.Fprintf(&b, `,"k%d":%d`, i, i)
			}
			return b.String() + "}"
		}(),
		"same key":  `{"name":"a","name":"b","address":"a@b.example","address":"` + strings.Repeat("x", 100) + `"}`,
		"nul":       `{"name":"a\u0000b","address":"a\u0000@b.example"}`,
		"surrogate": `{"name":"\ud800","address":"\udfff@b.example"}`,
		"null":      "null",
		"bom":       "\xef\xbb\xbf{\"name\":\"x\"}",
		"two":       `{"name":"x"}{"name":"y"}`,
		"invalid":   "{\"name\":\"\xff\xfe\"}",
		"nothing":   "",
		"blank":     "   ",
	} {
		for _, c := range []call{
			{method: "POST", path: "/workspaces"}, {method: "POST", path: p.path + "/mailboxes"}, {method: "PUT", path: p.path + "/oauth-providers"},
			{method: "PUT", path: p.path + "/mailboxes/" + p.mailbox.ID + "/polling"}, {method: "POST", path: p.path + "/mailboxes/" + p.mailbox.ID + "/consent"},
			{method: "POST", path: p.path + "/tickets/1/merge"}, {method: "POST", path: p.path + "/messages/" + m.ID + "/verdict"},
			{method: "PUT", path: p.path + "/messages/" + m.ID + "/verdict"},
		} {
			c.body, c.header = []byte(body), map[string]string{"Content-Type": "application/json"}
			if a := h.do(c); a.status >= 500 {
				t.Errorf("%s: %s %s = %d %.200s", name, c.method, c.path, a.status, a.body)
			}
		}
	}
}
