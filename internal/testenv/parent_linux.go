package testenv

import "syscall"

// dieWithParent makes the kernel kill the child when ours dies, however it dies. The child gets a process group of its
// own, so that an interrupt typed at the terminal reaches it only through us.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// runAs makes the child run as user. The kernel forgets the signal above when a process changes its user, but Go asks for
// it after that.
func runAs(attr *syscall.SysProcAttr, user *unixUser) *syscall.SysProcAttr {
	if user != nil {
		attr.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
	}
	return attr
}
