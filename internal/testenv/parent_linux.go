package testenv

import "syscall"

// dieWithParent makes the kernel kill the child when ours dies, however it dies. The child gets a process group of its
// own, so that an interrupt typed at the terminal reaches it only through us.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
