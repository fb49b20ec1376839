// Command truyvet is the whole system in one binary: see `truyvet help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	_ "time/tzdata" // so that local days are right on machines without a zone database

	"github.com/truyvet/truyvet/internal/cli"
)

func main() {
	err := cli.Run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "truyvet:", err)
	code := 1
	if exit := new(cli.ExitError); errors.As(err, &exit) {
		code = exit.Code
	}
	os.Exit(code)
}
