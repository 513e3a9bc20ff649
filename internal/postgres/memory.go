package postgres

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
)

// What a private cluster keeps of its pages in memory of its own, in MB.
const (
	leastBuffers   = 128
	mostBuffers    = 4096
	unknownBuffers = 256 // where the system does not say how much memory there is
)

// bufferSettings gives the cluster a quarter of the memory that it may use. In a
// large installation every mail touches other pages of the indexes under hashed
// keys, those of threads most of all: what finds no room in the buffers is read and
// written again and again.
func bufferSettings() []string {
	mb := int64(unknownBuffers)
	if memory := memoryIn(os.DirFS("/")); memory > 0 {
		mb = min(mostBuffers, max(leastBuffers, memory>>20/4))
	}
	return []string{fmt.Sprintf("shared_buffers=%dMB", mb)}
}

// memoryIn returns how many bytes of memory this process may use, 0 when the files
// of a Linux system do not tell: those of the machine (proc(5)), or fewer where its
// control group, or one above it, is bounded (cgroups(7)).
func memoryIn(system fs.FS) int64 {
	least := int64(0)
	bound := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	info, _ := fs.ReadFile(system, "proc/meminfo")
	for line := range bytes.Lines(info) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "MemTotal:" {
			kb, _ := strconv.ParseInt(string(f[1]), 10, 53)
			bound(kb << 10)
		}
	}
	groups, _ := fs.ReadFile(system, "proc/self/cgroup") // lines of hierarchy:controllers:path, cgroups(7)
	for line := range bytes.Lines(groups) {
		f := bytes.SplitN(bytes.TrimSpace(line), []byte(":"), 3)
		if len(f) != 3 {
			continue
		}
		root, file := "sys/fs/cgroup", "memory.max" // version 2, the one without controllers
		if controllers := string(f[1]); controllers == "memory" {
			root, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if controllers != "" {
			continue
		}
		for dir := path.Clean("/" + string(f[2])); ; dir = path.Dir(dir) {
			most, _ := fs.ReadFile(system, path.Join(root, dir, file))
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(most)), 10, 64) // "max" where there is no bound
			bound(n)
			if dir == "/" {
				break
			}
		}
	}
	return least
}
