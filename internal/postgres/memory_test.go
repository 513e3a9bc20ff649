package postgres

import (
	"testing"
	"testing/fstest"
)

func TestMemoryIn(t *testing.T) {
	const machine = "MemTotal:        8000000 kB\nMemFree:          100000 kB\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing told":        {nil, 0},
		"no bound":            {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 8_000_000 << 10},
		"a container":         {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		"a service":           {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/system.slice/postroom.service\n", "sys/fs/cgroup/system.slice/postroom.service/memory.max": "1073741824\n"}, 1 << 30},
		"a slice above":       {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a.slice/b.service\n", "sys/fs/cgroup/a.slice/memory.max": "1073741824\n", "sys/fs/cgroup/a.slice/b.service/memory.max": "max\n"}, 1 << 30},
		"version 1":           {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n0::/\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1073741824\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 1 << 30},
		"more than there is":  {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999999\n"}, 8_000_000 << 10},
		"a group out of view": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/../other\n", "sys/fs/cgroup/memory.max": "1073741824\n"}, 1 << 30},
		"no numbers":          {map[string]string{"proc/meminfo": "MemTotal: lots kB\n", "proc/self/cgroup": "1:name=x:/\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			system := fstest.MapFS{}
			for path, text := range tt.files {
				system[path] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryIn(system); got != tt.want {
				t.Errorf("memoryIn() = %d, want %d", got, tt.want)
			}
		})
	}
}
