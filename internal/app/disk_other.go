//go:build !linux && !darwin

package app

import "errors"

// diskRoom is not known here.
func diskRoom(string) (free, size uint64, err error) {
	return 0, 0, errors.New("the room on the disk cannot be seen on this system")
}
