// Command benchingest measures how fast scans are taken in, beside the limits of what they go through: see package
// internal/benchingest. With --replay it replays a whole day instead, with --overload it sends too much. It prints "name value unit" lines.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/truyvet/truyvet/internal/benchingest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchingest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("benchingest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o benchingest.Options
	flags.StringVar(&o.Binary, "truyvet", "bin/truyvet", "the built binary")
	flags.IntVar(&o.Connections, "connections", 64, "connections that posts of one scan go over")
	flags.IntVar(&o.Callers, "callers", 16, "callers that batches come from")
	flags.IntVar(&o.Rounds, "rounds", 9, "rounds, of which the median counts")
	flags.DurationVar(&o.During, "during", time.Second, "how long a contestant runs in a round")
	flags.IntVar(&o.Drain, "drain", 400_000, "scans that a worker carries in a round, a multiple of 1,000")
	only := flags.String("only", "", "contestants to run, of the names that are printed; all by default; of a replay or an overload cluster, standalone or both")
	var day benchingest.Day
	flags.IntVar(&day.Scans, "replay", 0, "replay a day of so many scans as fast as it is taken, in place of the contestants")
	flags.IntVar(&day.People, "people", 2_000_000, "people of the day that is replayed")
	flags.IntVar(&day.Places, "places", 80_000, "places of it")
	flags.IntVar(&day.Offline, "offline", 10, "per cent of its requests that bring two to twenty scans from a phone that was offline")
	overload := flags.Duration("overload", 0, "send twice of what it can do for so long, in place of the contestants")
	noop := flags.String("noop", "", "answer posts at this address and do nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *noop != "" {
		listener, err := net.Listen("tcp", *noop)
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		return benchingest.ServeNoop(ctx, listener)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	o.Noop = func(listen string) []string { return []string{self, "--noop", listen} }
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	if *overload > 0 {
		return benchingest.Overload(ctx, o, *overload, stdout, stderr)
	}
	if day.Scans > 0 {
		return benchingest.Replay(ctx, o, day, stdout, stderr)
	}
	return benchingest.Run(ctx, o, stdout, stderr)
}
