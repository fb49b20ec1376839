// Package e2e holds the tests that run the built binary as its users do: in a browser, over HTTP, and through kills of
// every process. It has no code of its own.
package e2e
