package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
		says string // on either stream
	}{
		{"help", []string{"--help"}, exitOK, "keeps the spam out"},
		{"help of a command", []string{"serve", "--help"}, exitOK, "$POSTROOM_SMTP"},
		{"no command", nil, exitUsage, "expected one of"},
		{"unknown flag", []string{"serve", "--nonsense"}, exitUsage, "unknown flag --nonsense"},
		{"unknown part", []string{"serve", "--parts", "tea"}, exitUsage, "tea"},
		{"a new key", []string{"key"}, exitOK, "postroom-key-1:"},
		{"no such file", []string{"import", "--data", "/nonexistent/no", "/nonexistent.eml"}, exitFailed, "postroom:"},
		{"bad time", []string{"replay", "--from", "yesterday"}, exitUsage, "neither a day"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), streams{out: &out, err: &out}, tt.args); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("said %q, want %q in it", out.String(), tt.says)
			}
		})
	}
}
