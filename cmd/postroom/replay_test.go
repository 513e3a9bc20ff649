package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A period without mail is said to be one.
func TestReplayOfNothing(t *testing.T) {
	t.Parallel()
	data, letter := installed(t), filepath.Join(t.TempDir(), "1.eml")
	if err := os.WriteFile(letter, []byte("From: a@example.org\nSubject: one\n\nHello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(code int, want string, args ...string) {
		t.Helper()
		out, errs, got := mailRun(t, "", append(args, "--data", data)...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Errorf("%v: exit code %d, said %q and %q, want %d and %q", args, got, out, errs, code, want)
		}
	}
	says(exitOK, "there is no workspace yet", "replay")
	says(exitOK, "1 stored", "import", letter)
	says(exitFailed, "the period ends before it begins", "replay", "--from", "2999-01-01")
	says(exitFailed, "the period ends before it begins", "replay", "--from", "2020-01-02", "--to", "2020-01-01")
	says(exitOK, "no mail was received from 2999-01-01T", "replay", "--from", "2999-01-01", "--to", "2999-01-02")
	says(exitOK, "Default: 1 mails from", "replay")
}
