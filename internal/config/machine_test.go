package config

import (
	"testing"
	"testing/fstest"
)

func TestMachineMemory(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const meminfo = "MemTotal:       16000000 kB\nMemFree:          600000 kB\n"
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"nothing is known": {fstest.MapFS{}, unknownMemory},
		"the machine":      {fstest.MapFS{"proc/meminfo": file(meminfo)}, 16_000_000 << 10},
		"a damaged file":   {fstest.MapFS{"proc/meminfo": file("MemTotal: much kB\n")}, unknownMemory},
		"a group without bounds": {fstest.MapFS{
			"proc/meminfo": file(meminfo), "proc/self/cgroup": file("0::/a.slice/b.service\n"), "sys/fs/cgroup/a.slice/memory.max": file("max\n"),
		}, 16_000_000 << 10},
		"a service": {fstest.MapFS{
			"proc/meminfo": file(meminfo), "proc/self/cgroup": file("0::/a.slice/b.service\n"), "sys/fs/cgroup/a.slice/b.service/memory.max": file("1000\n"),
		}, 1000},
		"the group above it": {fstest.MapFS{
			"proc/meminfo": file(meminfo), "proc/self/cgroup": file("0::/a.slice/b.service\n"), "sys/fs/cgroup/a.slice/memory.max": file("2000\n"),
		}, 2000},
		"a container": {fstest.MapFS{
			"proc/meminfo": file(meminfo), "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("3000\n"),
		}, 3000},
		"a container of the old kind": {fstest.MapFS{
			"proc/meminfo": file(meminfo), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("4000\n"),
		}, 4000},
	} {
		if got := memoryOf(c.files); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
