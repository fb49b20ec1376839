//go:build linux || darwin

package app

import (
	"fmt"
	"syscall"
)

// diskRoom returns how many bytes may yet be written to the disk that a folder is on, and how many it has.
func diskRoom(folder string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, 0, fmt.Errorf("asking for the room on the disk: %w", err)
	}
	block := uint64(s.Bsize)
	return s.Bavail * block, s.Blocks * block, nil
}
