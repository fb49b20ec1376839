package config

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// unknownMemory is taken where the system does not say how much memory there is.
const unknownMemory = 4 << 30

// MachineMemory returns how many bytes of memory this process may use: what the machine has, or the limit of its control
// group.
func MachineMemory() int64 { return memoryOf(os.DirFS("/")) }

// memoryOf reads it from the files of Linux; see proc(5) and the kernel's documentation of control groups, version 2.
func memoryOf(root fs.FS) int64 {
	memory := int64(unknownMemory)
	text, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "MemTotal:" {
			continue
		}
		if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			memory = kib << 10
		}
	}
	limit := func(file string) {
		text, _ := fs.ReadFile(root, file)
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			memory = min(memory, n)
		}
	}
	limit("sys/fs/cgroup/memory/memory.limit_in_bytes") // version 1, as containers have it
	text, _ = fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		group, unified := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		if !unified {
			continue
		}
		for at := path.Join("sys/fs/cgroup", group); strings.HasPrefix(at, "sys/fs/cgroup"); at = path.Dir(at) {
			limit(at + "/memory.max")
		}
	}
	return memory
}
