package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mailSet writes an index of so many messages, half of them spam, and their files; it returns the index.
func mailSet(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	var index strings.Builder
	for i := range n {
		label, text := "HAM", "Dear team, my invoice for the garden chairs is wrong. Regards, Ann"
		if i%2 == 1 {
			label, text = "spam", "Cheap pills! Winner of a lottery, click http://pills.example/now"
		}
		mail := fmt.Sprintf("From: p%d@example.com\r\nSubject: number %d\r\n\r\n%s\r\n", i, i, text)
		if err := os.WriteFile(filepath.Join(dir, "data", fmt.Sprint(i)), []byte(mail), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&index, "%s data/%d\r\n", label, i)
	}
	path := filepath.Join(dir, "index")
	if err := os.WriteFile(path, []byte(index.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEval(t *testing.T) {
	t.Parallel()
	index := mailSet(t, 240)
	if err := os.Remove(filepath.Join(filepath.Dir(index), "data", "7")); err != nil {
		t.Fatal(err)
	}
	scores := filepath.Join(t.TempDir(), "scores")
	var out, errs bytes.Buffer
	if code := run(t.Context(), streams{out: &out, err: &errs}, []string{"classify", "eval", "--index", index, "--scores", scores}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	for _, want := range []string{"239 messages, 120 ham and 119 spam", "all headers", "stripped", "(1-ROCA)%", "lam%", "sm% at hm = 0.1 %", "unsure", "messages 50-239"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if !strings.Contains(errs.String(), "1 of the 240 messages") {
		t.Errorf("the missing message is not told of: %s", errs.String())
	}
	written, err := os.ReadFile(scores)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(written)), "\n")
	if len(lines) != 239 || !strings.HasPrefix(lines[0], "data/0 ham 0.") || !strings.HasPrefix(lines[238], "data/239 spam 0.9") {
		t.Errorf("%d lines of scores, from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

func TestEvalRefuses(t *testing.T) {
	t.Parallel()
	index := mailSet(t, 4)
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a word for feedback", []string{"--feedback", "much"}, exitUsage, "none of all, delayed=N"},
		{"no share", []string{"--feedback", "partial=0"}, exitUsage, "P above 0"},
		{"noise above 1", []string{"--noise", "2"}, exitFailed, "--noise 2"},
		{"another folder", []string{"--root", t.TempDir()}, exitFailed, "none of the messages"},
		{"no such tar", []string{"--root", "/nonexistent.tar"}, exitFailed, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), streams{out: &out, err: &out}, append([]string{"classify", "eval", "--index", index}, c.args...)); code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, out.String())
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("said %q, want %q in it", out.String(), c.says)
			}
		})
	}
}

func TestTrainAndScore(t *testing.T) {
	t.Parallel()
	dir := installed(t)
	set := filepath.Dir(mailSet(t, 4))
	say := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), streams{out: &out, err: &out}, append(args, "--data", dir)); code != exitOK {
			t.Fatalf("%v: exit code %d: %s", args, code, out.String())
		}
		return out.String()
	}
	ham, spam := filepath.Join(set, "data", "0"), filepath.Join(set, "data", "1")
	say("import", ham) // makes the workspace
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"train", "ham", ham}, "1 judgements new, 0 stood already"},
		{[]string{"train", "ham", ham}, "0 judgements new, 1 stood already"},
		{[]string{"train", "spam", spam, filepath.Join(set, "data", "3")}, "learned 1 ham and 2 spam; it is unsure of everything until it has 49 ham and 18 spam more"},
		{[]string{"classify", "score", spam, "--explain"}, "= log-odds of"},
		{[]string{"train", "forget", spam}, "learned 1 ham and 1 spam"},
	} {
		if got := say(step.args...); !strings.Contains(got, step.want) {
			t.Errorf("%v said %q, want %q in it", step.args, got, step.want)
		}
	}
}
