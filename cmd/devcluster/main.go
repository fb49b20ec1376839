// Command devcluster runs the cluster mode on one machine, to try it out: the machine's own redis-server, clickhouse-server and
// PostgreSQL on free ports, one `truyvet worker` and one `truyvet serve` with the made-up district, all with their
// data under a temporary folder that is removed at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truyvet/truyvet/internal/testenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	binary := flags.String("truyvet", "bin/truyvet", "the built binary")
	listen := flags.String("listen", "127.0.0.1:8080", "address that serve answers on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "truyvet-cluster-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	redis, err := testenv.StartRedis(ctx, filepath.Join(dir, "redis"), testenv.RedisOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Stop()) }()
	clickhouse, err := testenv.StartClickHouse(ctx, filepath.Join(dir, "clickhouse"), testenv.ClickHouseOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clickhouse.Stop()) }()
	postgresDir, err := os.MkdirTemp("", "truyvet-postgres-") // where root is not the one who runs it, it must get there
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(postgresDir)) }()
	postgres, err := testenv.StartPostgres(ctx, postgresDir, testenv.PostgresOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, postgres.Stop()) }()
	fmt.Fprintf(stdout, "redis-server       %s (appendonly yes, appendfsync always)\nclickhouse-server  %s\nPostgreSQL         %s\ndata               %s\n",
		redis.Addr, clickhouse.Addr, postgres.Addr, dir)

	c := cluster{binary: *binary, stdout: stdout, stderr: stderr, env: append(os.Environ(),
		"TRUYVET_DATA="+filepath.Join(dir, "data"),
		"TRUYVET_LISTEN="+*listen,
		"TRUYVET_REDIS_URL=redis://"+redis.Addr+"/0",
		"TRUYVET_CLICKHOUSE_URL=clickhouse://"+clickhouse.Addr+"/default",
		"TRUYVET_REGISTRY_URL=postgres://postgres@"+postgres.Addr+"/postgres",
	)}
	if err := c.run(ctx); ctx.Err() == nil {
		return err
	}
	return nil // it was told to stop, and what was cut off by that is no failure
}

// cluster is the truyvet processes.
type cluster struct {
	binary         string
	env            []string
	stdout, stderr io.Writer
}

// run makes and fills the data, then serves until ctx ends or a process fails. It returns when all of them have ended.
func (c cluster) run(ctx context.Context) error {
	for _, step := range [][]string{{"init"}, {"migrate"}} {
		if err := c.command(ctx, step...).Run(); err != nil {
			return fmt.Errorf("truyvet %s: %w", step[0], err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	type end struct{ fault error }
	ended := make(chan end)
	running := 0
	start := func(args ...string) {
		running++
		go func() { ended <- end{named(args[0], c.command(ctx, args...).Run())} }()
	}
	start("worker")
	fault := named("demo", c.command(ctx, "demo", "--load-only").Run())
	if fault == nil {
		start("serve", "--demo")
		fault = (<-ended).fault
		running--
	}
	stop()
	for ; running > 0; running-- {
		<-ended // it was told to stop, so how it ended says nothing
	}
	return fault
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("truyvet %s: %w", what, err)
}

// command runs the binary, and stops it by SIGTERM when ctx ends.
func (c cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env, c.stdout, c.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}
