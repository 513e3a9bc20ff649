package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc (USER_HZ, the same on every Linux).
const tick = 10 * time.Millisecond

// A procStat is what /proc/PID/stat tells of a process.
type procStat struct {
	parent int
	own    time.Duration // user and system time of the process
	ended  time.Duration // that of its children that have ended and were waited for
}

func readStat(pid string) (procStat, error) {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return procStat{}, err
	}
	// "pid (name) state ppid …", and the name may hold anything. The fields after it
	// are counted from state, which is the third.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return procStat{}, fmt.Errorf("/proc/%s/stat: %d fields", pid, len(fields))
	}
	var n [5]int64
	for i, at := range []int{1, 11, 12, 13, 14} {
		if n[i], err = strconv.ParseInt(fields[at], 10, 64); err != nil {
			return procStat{}, fmt.Errorf("/proc/%s/stat: %w", pid, err)
		}
	}
	return procStat{int(n[0]), time.Duration(n[1]+n[2]) * tick, time.Duration(n[3]+n[4]) * tick}, nil
}

// cpuTime returns the user and system time of a process and all its descendants,
// those that have ended included.
func cpuTime(root int) (time.Duration, error) {
	stats := map[int]procStat{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		s, err := readStat(filepath.Base(dir))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		stats[pid] = s
	}
	var sum time.Duration
	for pid, s := range stats {
		if descends(stats, pid, root) {
			sum += s.own + s.ended
		}
	}
	return sum, nil
}

func descends(stats map[int]procStat, pid, from int) bool {
	for pid > 1 && pid != from {
		pid = stats[pid].parent
	}
	return pid == from
}

// memoryOf returns a figure of /proc/PID/status, such as VmRSS or VmHWM, in bytes.
func memoryOf(pid int, name string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d: no %s", pid, name)
}

// forgetPeak makes VmHWM of a process start anew from what it uses now.
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// waitGone waits until a process has ended.
func waitGone(pid int, within time.Duration) bool {
	for end := time.Now().Add(within); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
