// Command benchregistry measures how a registry with many places is filled and searched: see package internal/benchregistry. It
// prints "name value unit" lines.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/truyvet/truyvet/internal/benchregistry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchregistry:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("benchregistry", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o benchregistry.Options
	flags.IntVar(&o.Places, "places", 1_000_000, "places of the registry")
	flags.IntVar(&o.Searches, "searches", 1000, "searches of each kind")
	engines := flags.String("engines", "sqlite,postgres", "engines to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.Engines = strings.Split(*engines, ",")
	return benchregistry.Run(ctx, o, stdout, stderr)
}
