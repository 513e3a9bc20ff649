package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"postroom/classify"
	"postroom/internal/trec"
)

// each gives every message of the index to do, as it came or as a forwarder leaves it.
func (b *bench) each(stripped bool, do func(raw []byte, spam bool) error) error {
	for _, item := range b.items {
		raw, err := b.source.Read(item)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if stripped {
			raw = trec.Forwarded(raw)
		}
		if err := do(raw, item.Spam); err != nil {
			return fmt.Errorf("%s: %w", item.Path, err)
		}
	}
	return nil
}

// bogofilter asks and teaches the program of that name, one process each.
func bogofilter(ctx context.Context, b *bench, stripped bool) (list []classify.Scored, err error) {
	words, err := os.MkdirTemp(b.dir, "bogofilter-")
	if err != nil {
		return nil, err
	}
	teach := func(raw []byte, flag string) error {
		cmd := exec.CommandContext(ctx, "bogofilter", "-d", words, flag)
		cmd.Stdin = bytes.NewReader(raw)
		return cmd.Run()
	}
	// Without any list of words it does not score: an empty mail of each class makes one.
	if err := errors.Join(teach(nil, "-n"), teach(nil, "-s")); err != nil {
		return nil, err
	}
	err = b.each(stripped, func(raw []byte, spam bool) error {
		cmd := exec.CommandContext(ctx, "bogofilter", "-d", words, "-T") // prints "S 0.999"; its exit code says the same
		cmd.Stdin = bytes.NewReader(raw)
		out, err := cmd.Output()
		fields := strings.Fields(string(out))
		if len(fields) != 2 {
			return fmt.Errorf("bogofilter -T said %q: %w", out, err)
		}
		s, err := scored(spam, fields[1])
		if err != nil {
			return err
		}
		list = append(list, s)
		if spam {
			return teach(raw, "-s")
		}
		return teach(raw, "-n")
	})
	return list, err
}

//go:embed bayes.pl
var bayesScript string

// spamassassin runs the Bayes of SpamAssassin in one process of Perl.
func spamassassin(ctx context.Context, b *bench, stripped bool) (list []classify.Scored, err error) {
	dir, err := os.MkdirTemp(b.dir, "spamassassin-")
	if err != nil {
		return nil, err
	}
	script, mail := filepath.Join(dir, "bayes.pl"), filepath.Join(dir, "mail")
	if err := os.WriteFile(script, []byte(bayesScript), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "perl", script, dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	answers := bufio.NewReader(out)
	err = b.each(stripped, func(raw []byte, spam bool) error {
		if err := os.WriteFile(mail, raw, 0o600); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(in, "%s %s\n", label(spam), mail); err != nil {
			return err
		}
		line, err := answers.ReadString('\n')
		if err != nil {
			return err
		}
		s, err := scored(spam, line)
		list = append(list, s)
		return err
	})
	if err = errors.Join(err, in.Close(), cmd.Wait()); err != nil {
		return nil, fmt.Errorf("%w\n%.2000s", err, complaints.String())
	}
	return list, nil
}
