// Command benchwalk measures the walk beside what people would use instead, on a made-up city: see package
// internal/benchwalk. It prints "name value unit" lines.
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

	"github.com/truyvet/truyvet/internal/benchwalk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchwalk:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("benchwalk", flag.ContinueOnError)
	flags.SetOutput(stderr)
	size := flags.String("size", "20m", "about how many stays the city has: 2m, 20m or 80m")
	seed := flags.Uint64("seed", 1, "what the city is drawn from")
	peers := flags.String("peers", strings.Join(benchwalk.UsualPeers(), ","),
		"what to run beside the walks in memory, of "+strings.Join(benchwalk.PeerNames(), ","))
	memory := flags.Int("walk-memory", benchwalk.DefaultWalkMemory, "MiB in which a walk over ClickHouse tells sources apart")
	cut := flags.Duration("cut", benchwalk.DefaultCut, "how long a query of a peer may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o := benchwalk.Options{Seed: *seed, Cut: *cut, WalkMemory: *memory}
	var err error
	if o.Size, err = benchwalk.SizeNamed(*size); err != nil {
		return err
	}
	if *peers != "" {
		o.Peers = strings.Split(*peers, ",")
	}
	return benchwalk.Run(ctx, o, stdout, stderr)
}
