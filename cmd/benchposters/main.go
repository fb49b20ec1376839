// Command benchposters measures how quickly posters are drawn: see package internal/benchposters. It prints "name value unit"
// lines.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/truyvet/truyvet/internal/benchposters"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchposters:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("benchposters", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o benchposters.Options
	flags.IntVar(&o.Posters, "posters", 500, "posters of each kind")
	ordered := flags.String("ordered", "", "the built binary: measure the memory of a server that draws --posters ordered on the page, in place of the speeds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *ordered != "" {
		return benchposters.Ordered(ctx, *ordered, o.Posters, stdout)
	}
	return benchposters.Run(ctx, o, stdout)
}
