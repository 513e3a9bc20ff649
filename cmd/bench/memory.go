package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"time"
)

// largeMail is the size of the mail that memory is measured by.
const largeMail = 40 << 20

// memory sends one very large mail and tells by how much the server's memory rose.
func (b *bench) memory(ctx context.Context) (err error) {
	p, err := b.newPostroom(ctx, "memory", "smtp,web,work")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	_, to, err := p.mailbox(ctx)
	if err != nil {
		return err
	}
	// Connections, plans and buffers that any mail needs are not this one's.
	if err := blast(ctx, p.smtp, to, b.bag.take(0, 200), 8); err != nil {
		return err
	}
	if err := p.rest(ctx); err != nil {
		return err
	}
	var rises, peaks []float64
	for round := range b.Rounds {
		before, peak, err := p.peakDuring(ctx, func() error {
			return blast(ctx, p.smtp, to, [][]byte{hugeMail(uint64(round))}, 1)
		})
		if err != nil {
			return err
		}
		say("memory, round %d of %d: %d MiB before, at most %d MiB", round+1, b.Rounds, before>>20, peak>>20)
		rises, peaks = append(rises, float64(peak-before)/largeMail), append(peaks, float64(peak>>20))
	}
	b.report.figure("memory of the server while a mail of 40 MiB comes in and is filed",
		fmt.Sprintf("+%.1f × its size, %.0f MiB in all", median(rises), median(peaks)), "≤ 3 ×")
	return nil
}

// peakDuring returns the server's resident memory before, and the most until all
// that do caused is done.
func (p *postroom) peakDuring(ctx context.Context, do func() error) (before, peak int64, err error) {
	pid := p.cmd.Process.Pid
	if err := forgetPeak(pid); err != nil {
		return 0, 0, err
	}
	if before, err = memoryOf(pid, "VmRSS"); err != nil {
		return 0, 0, err
	}
	if err := do(); err != nil {
		return 0, 0, err
	}
	if err := p.rest(ctx); err != nil {
		return 0, 0, err
	}
	peak, err = memoryOf(pid, "VmHWM")
	return before, peak, err
}

// hugeMail is a mail with one attachment that does not compress.
func hugeMail(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, uint64(time.Now().UnixNano())))
	var b bytes.Buffer
	b.Grow(largeMail + 1<<10)
	fmt.Fprintf(&b, "From: customer@sender.test\r\nSubject: The pictures\r\nMessage-ID: <%d@bench.test>\r\nMIME-Version: 1.0\r\n", rng.Uint64())
	b.WriteString("Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\n\r\nSee the pictures.\r\n")
	b.WriteString("--edge\r\nContent-Type: application/zip; name=pictures.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	content, text := make([]byte, 57), make([]byte, 76)
	for b.Len() < largeMail-20 {
		for i := range content {
			content[i] = byte(rng.Uint32())
		}
		base64.StdEncoding.Encode(text, content)
		b.Write(text)
		b.WriteString("\r\n")
	}
	b.WriteString("--edge--\r\n.\r\n")
	return b.Bytes()
}

// imports runs `postroom import` on the archive of real mails.
func (b *bench) imports(ctx context.Context) error {
	if !b.bag.real() {
		say("import: skipped, the archive of real mails is absent")
		return nil
	}
	var rates, peaks []float64
	for round := range b.Rounds {
		// The making of a new installation is not what is measured.
		p, err := b.newPostroom(ctx, fmt.Sprintf("import-%d", round), "smtp,web,work")
		if err == nil {
			err = p.stop()
		}
		if err != nil {
			return err
		}
		start := time.Now()
		peak, out, err := peakOf(b.command(ctx, "import", b.bag.path, "--data", p.data))
		if err != nil {
			return fmt.Errorf("import: %w: %s", err, out)
		}
		r := float64(len(b.bag.mails)) / time.Since(start).Seconds()
		say("import, round %d of %d: %.0f/s, at most %d MiB\n%s", round+1, b.Rounds, r, peak>>20, out)
		rates, peaks = append(rates, r), append(peaks, float64(peak>>20))
	}
	b.report.figure(fmt.Sprintf("import of %d real mails, until all are tickets", len(b.bag.mails)), spread(rates)+"/s", "")
	b.report.figure("memory of import, at most", fmt.Sprintf("%.0f MiB", median(peaks)), "≤ 300 MiB")
	return nil
}

func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.program, args...)
	cmd.Env = environment()
	cmd.WaitDelay = stopWithin
	return cmd
}

// peakOf runs a command and returns the most memory that it used, and what it
// printed.
func peakOf(cmd *exec.Cmd) (peak int64, out string, err error) {
	var text bytes.Buffer
	cmd.Stdout = &text
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case err := <-done:
			tick.Stop()
			return peak, strings.TrimSpace(text.String()), err
		case <-tick.C:
			// It may end between two looks; the peak only rises.
			if m, err := memoryOf(cmd.Process.Pid, "VmHWM"); err == nil {
				peak = m
			}
		}
	}
}
