package memindex

import (
	"syscall"
	"unsafe"
)

// hugePage is the size of a large page. A walk jumps about in hundreds of megabytes: with pages of 4 KB nearly every jump
// must first look up where its page is, which on a virtual machine takes longer than the memory itself.
const hugePage = 2 << 20

// makeLarge makes a slice, in large pages where it is long enough for some and the system has them.
func makeLarge[T any](n int) []T {
	s := make([]T, n)
	size := uintptr(n) * unsafe.Sizeof(*new(T))
	if size < 2*hugePage {
		return s
	}
	first := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	skip := -first & (hugePage - 1)
	whole := (size - skip) &^ (hugePage - 1)
	// Advice that is not taken changes nothing but the speed.
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), skip)), whole), syscall.MADV_HUGEPAGE)
	return s
}
