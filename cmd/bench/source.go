package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// A load is one way of sending mail.
type load struct {
	name   string
	size   int  // octets of each mail; 0: real mails
	reused bool // connections carry more than one mail

	acceptGoal, ticketGoal string // how many times Postfix's rate
}

// sessions is how many connections send at once.
const sessions = 50

var loads = []load{
	{"8 KiB, connections reused", 8 << 10, true, "≥ 5", ""},
	{"8 KiB, a connection each", 8 << 10, false, "≥ 3", ""},
	{"50 KiB, connections reused", 50 << 10, true, "≥ 2.5", ""},
	{"50 KiB, a connection each", 50 << 10, false, "", ""},
	{"real mails, connections reused", 0, true, "", "≥ 4.5, CPU ≥ 4"},
}

// source sends mails by Debian's smtp-source.
func source(ctx context.Context, addr, to string, l load, count int) error {
	program, err := need("smtp-source")
	if err != nil {
		return err
	}
	args := []string{
		"-s", strconv.Itoa(sessions), "-m", strconv.Itoa(count), "-l", strconv.Itoa(l.size), "-C", "20",
		"-M", "sender.test", "-f", "customer@sender.test", "-t", to, "-S", "Question",
	}
	if l.reused {
		args = append(args, "-d")
	}
	out, err := exec.CommandContext(ctx, program, append(args, "inet:"+addr)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("smtp-source: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
