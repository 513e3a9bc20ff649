package mail

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A stalwartMail is what the expected files of the Stalwart corpus hold, as far as it is compared here.
type stalwartMail struct {
	TextBody    []int `json:"text_body"`
	HTMLBody    []int `json:"html_body"`
	Attachments []int `json:"attachments"`
	Parts       []struct {
		Headers []struct {
			Name  any             `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"headers"`
		Body     map[string]json.RawMessage `json:"body"`
		Encoding string                     `json:"encoding"`
	} `json:"parts"`
}

// subject returns the expected Subject, or false.
func (s *stalwartMail) subject() (string, bool) {
	if len(s.Parts) == 0 {
		return "", false
	}
	for _, h := range s.Parts[0].Headers {
		var v struct{ Text string }
		if h.Name == "subject" && json.Unmarshal(h.Value, &v) == nil {
			return v.Text, true
		}
	}
	return "", false
}

// addresses returns the expected addresses of one header.
func (s *stalwartMail) addresses(name string) (list []Address) {
	if len(s.Parts) == 0 {
		return nil
	}
	for _, h := range s.Parts[0].Headers {
		type group struct{ Name, Address string }
		var v struct {
			Address struct {
				List  []group
				Group []struct{ Addresses []group }
			}
		}
		if h.Name != name || json.Unmarshal(h.Value, &v) != nil {
			continue
		}
		for _, a := range v.Address.List {
			list = append(list, Address{a.Name, a.Address})
		}
		for _, g := range v.Address.Group {
			for _, a := range g.Addresses {
				list = append(list, Address{a.Name, a.Address})
			}
		}
	}
	return list
}

// text returns the expected text of the parts in a body list that are of a kind, "Text" or "Html".
func (s *stalwartMail) text(list []int, kind string) string {
	var b []string
	for _, i := range list {
		var t string
		if raw, ok := s.Parts[i].Body[kind]; ok && json.Unmarshal(raw, &t) == nil {
			b = append(b, t)
		}
	}
	return strings.Join(b, "\n")
}

// leaves counts the parts that are no multiparts.
func (s *stalwartMail) leaves() (n int) {
	for _, p := range s.Parts {
		if _, multi := p.Body["Multipart"]; !multi {
			n++
		}
	}
	return n
}

// stalwartFloor is the share of checks that agree, in percent. What does not agree is explained by choices: 8-bit headers
// are decoded instead of replaced, parts that follow a wrong delimiter are kept, uuencoded files become parts, NULs go,
// and what claims to be base64 but is not is shown as it came.
var stalwartFloor = map[string]float64{"subject": 100, "from": 100, "to": 100, "text": 86, "html": 92, "parts": 91}

func TestStalwart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "parser", "stalwart")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no expected results in %s: %v", dir, err)
	}
	checks, agree := map[string]int{}, map[string]int{}
	for _, file := range files {
		name := strings.TrimPrefix(strings.TrimSuffix(file, ".json"), dir+"/")
		compareStalwart(t, file, func(what, got, want string) {
			checks[what]++
			if got == want || strings.Contains(want, "\uFFFD") && !strings.Contains(got, "\uFFFD") {
				agree[what]++
				return
			}
			t.Logf("%s %s:\n got %.300q\nwant %.300q", name, what, got, want)
		})
	}
	for what, floor := range stalwartFloor {
		share := 100 * float64(agree[what]) / float64(checks[what])
		t.Logf("%s: %d of %d agree", what, agree[what], checks[what])
		if share < floor {
			t.Errorf("%s: %.1f %% agree, want %.0f %%", what, share, floor)
		}
	}
}

// compareStalwart parses the mail beside an expected file and reports what is to be compared.
func compareStalwart(t *testing.T, file string, check func(what, got, want string)) {
	t.Helper()
	raw, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".eml")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want stalwartMail
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	m, err := Parse(raw, Budget{})
	if err != nil {
		t.Errorf("Parse(%s): %v", file, err)
	}
	if s, ok := want.subject(); ok {
		check("subject", squeeze(m.Subject), squeeze(s))
	}
	check("from", emails(m.From), emails(want.addresses("from")))
	check("to", emails(m.To), emails(want.addresses("to")))
	if text := want.text(want.TextBody, "Text"); text != "" {
		check("text", squeeze(m.Text), squeeze(text))
	}
	if markup := want.text(want.HTMLBody, "Html"); markup != "" {
		check("html", squeeze(m.HTML), squeeze(markup))
	}
	check("parts", strconv.Itoa(len(m.Parts)), strconv.Itoa(want.leaves()))
}

func emails(list []Address) string {
	var b []string
	for _, a := range list {
		b = append(b, squeeze(a.Name)+"<"+strings.ToLower(a.Email)+">")
	}
	return strings.Join(b, ", ")
}
