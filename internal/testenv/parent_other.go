//go:build !linux

package testenv

import "syscall"

// dieWithParent can do nothing where the kernel has no such signal: there a server ends through Stop and Kill.
func dieWithParent() *syscall.SysProcAttr { return nil }

// runAs leaves the child ours: a server that refuses root is to be started by somebody else there.
func runAs(attr *syscall.SysProcAttr, _ *unixUser) *syscall.SysProcAttr { return attr }
