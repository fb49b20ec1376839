//go:build !unix

package app

import "os"

// lockFile trusts that there is one process alone, where there is no lock that ends with its process.
func lockFile(*os.File) error { return nil }
