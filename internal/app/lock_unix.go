//go:build unix

package app

import (
	"os"
	"syscall"
)

// lockFile locks a file for as long as it is open, if nobody else has.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
