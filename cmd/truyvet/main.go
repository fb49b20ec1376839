// Command truyvet is the whole system in one binary: see `truyvet help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // so that local days are right on machines without a zone database

	"github.com/truyvet/truyvet/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := cli.Run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
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
