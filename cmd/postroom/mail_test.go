package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mailRun runs one command line and returns what it wrote.
func mailRun(t *testing.T, stdin string, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), streams{in: strings.NewReader(stdin), out: &o, err: &e}, args)
	return o.String(), e.String(), code
}

func TestMailTrim(t *testing.T) {
	t.Parallel()
	body := "It is on its way.\r\n\r\nOn 3 Feb 2016, at 12:34, Jane <jane@example.org> wrote:\r\n> Where is it?\r\n"
	if out, errs, code := mailRun(t, body, "mail", "trim"); out != "It is on its way.\n" || errs != "" || code != exitOK {
		t.Errorf("mail trim wrote %q and %q, exit code %d", out, errs, code)
	}
	if out, _, _ := mailRun(t, "", "mail", "trim"); out != "" {
		t.Errorf("mail trim of nothing wrote %q", out)
	}
	out, _, _ := mailRun(t, body, "mail", "trim", "--json")
	if !strings.Contains(out, `"kind":"attribution"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("mail trim --json wrote %q", out)
	}
}

func TestMailParse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, subject string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("From: Jane <jane@example.org>\nSubject: "+subject+"\n\nHello\x1b[2J\n\n> quote\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two, none := write("one.eml", "first"), write("two.eml", "second"), filepath.Join(dir, "none.eml")

	out, errs, code := mailRun(t, "Subject: third\n\nx", "mail", "parse", two, none, one, "-", "--json")
	if code != exitFailed || !strings.Contains(errs, none) {
		t.Errorf("a missing file: exit code %d, said %q, want %d and its name", code, errs, exitFailed)
	}
	var subjects []string
	for line := range strings.Lines(out) {
		var m struct {
			Subject string `json:"subject"`
			Fresh   string `json:"fresh_text"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		subjects = append(subjects, m.Subject)
	}
	if got := strings.Join(subjects, " "); got != "second first third" {
		t.Errorf("mails in the order %q, want second first third", got)
	}

	out, _, code = mailRun(t, "", "mail", "parse", one)
	if code != exitOK || !strings.Contains(out, "Jane <jane@example.org>") || !strings.Contains(out, "Hello") || strings.Contains(out, "\x1b") {
		t.Errorf("mail parse wrote %q, exit code %d", out, code)
	}
}

func TestMailParseOverBudget(t *testing.T) {
	t.Parallel()
	out, errs, code := mailRun(t, "Subject: x\n"+strings.Repeat("X-Long: "+strings.Repeat("a", 1000)+"\n", 5000)+"\nbody", "mail", "parse", "--json", "-")
	if code != exitOK || !strings.Contains(out, `"subject":"x"`) || !strings.Contains(errs, "as far as it was read") {
		t.Errorf("exit code %d, wrote %.100q and %q", code, out, errs)
	}
}
