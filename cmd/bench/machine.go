package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// machineFacts says on what the figures were made.
func machineFacts(ctx context.Context) []string {
	kernel := firstLine("/proc/sys/kernel/osrelease")
	load := firstLine("/proc/loadavg")
	facts := []string{
		fmt.Sprintf("%d cores (%s), %s of memory, Linux %s, %s", runtime.NumCPU(), cpuModel(), memory(), kernel, runtime.Version()),
		fmt.Sprintf("load of the machine before the first run: %s; client, Postroom and Postfix share the cores", load),
	}
	if v := output(ctx, postgresProgram(), "--version"); v != "" {
		facts = append(facts, v)
	}
	if v := output(ctx, "postconf", "-h", "mail_version"); v != "" {
		facts = append(facts, "Postfix "+v)
	}
	return facts
}

func firstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func memory() string {
	var s syscall.Sysinfo_t
	if err := syscall.Sysinfo(&s); err != nil {
		return "unknown amount"
	}
	return fmt.Sprintf("%.0f GiB", float64(s.Totalram)*float64(s.Unit)/(1<<30))
}

// postgresProgram finds the server that an embedded database would be.
func postgresProgram() string {
	if p, err := exec.LookPath("postgres"); err == nil {
		return p
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "postgres"
	}
	return found[len(found)-1]
}

// output returns the first line that a command prints, "" when it cannot run.
func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// need finds a program of Debian's postfix package, or says what to install.
func need(name string) (string, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(dir, name)
		if fi, err := os.Stat(path); err == nil && fi.Mode()&0o111 != 0 && !fi.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: apt-get install postfix", name)
}
