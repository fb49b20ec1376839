//go:build !linux

package memindex

// makeLarge makes a slice.
func makeLarge[T any](n int) []T { return make([]T, n) }
