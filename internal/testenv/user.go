package testenv

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// unixUser is a user whom a server runs as. A nil one is ourselves.
type unixUser struct{ uid, gid uint32 }

// unprivileged returns whom to run a server as that refuses root: ourselves, unless we are root.
func unprivileged() (*unixUser, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var found *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if found, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("finding a user who is not root: %w", err)
	}
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the id of user %s: %w", found.Username, err)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the group of user %s: %w", found.Username, err)
	}
	return &unixUser{uid: uint32(uid), gid: uint32(gid)}, nil
}

// own gives a folder to the user.
func (u *unixUser) own(dir string) error {
	if u == nil {
		return nil
	}
	return os.Chown(dir, int(u.uid), int(u.gid))
}
