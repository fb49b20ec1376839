//go:build !linux

package testenv

import "syscall"

// dieWithParent can do nothing where the kernel has no such signal: there a server ends through Stop and Kill.
func dieWithParent() *syscall.SysProcAttr { return nil }
