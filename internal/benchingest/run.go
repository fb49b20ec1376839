package benchingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/testenv"
)

// Options say what to measure, and with what.
type Options struct {
	Binary      string                       // truyvet
	Noop        func(listen string) []string // the command that runs ServeNoop
	Connections int                          // that posts of one scan go over
	Callers     int                          // that batches come from
	Rounds      int                          // of which the median counts
	During      time.Duration                // of one contestant in one round
	Drain       int                          // scans that a worker carries; a multiple of 1,000
	Only        []string                     // contestants to run, all where it is empty
}

// batch is how many scans a batch has.
const batch = 100

// insertRows is how many rows a raw block has.
const insertRows = 100_000

// contestant is what takes its turn in every round.
type contestant struct {
	name    string
	unit    string
	measure func(ctx context.Context, during time.Duration) (float64, error)
}

// Run measures everything and writes a line "name value unit" for each figure to out, and what it is doing to progress.
func Run(ctx context.Context, o Options, out, progress io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "truyvet-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	b := &bench{Options: o, dir: dir, out: out, progress: progress, figures: make(map[string]float64)}
	defer func() { err = errors.Join(err, b.close(), os.RemoveAll(dir)) }()
	contestants, err := b.open(ctx)
	if err != nil {
		return err
	}
	if err := b.rounds(ctx, contestants); err != nil {
		return err
	}
	b.compare()
	return nil
}

// bench is a run.
type bench struct {
	Options
	dir           string
	out, progress io.Writer
	closing       []func() error
	figures       map[string]float64
}

// close ends what was started, the last first.
func (b *bench) close() error {
	var faults []error
	for _, closing := range slices.Backward(b.closing) {
		faults = append(faults, closing())
	}
	return errors.Join(faults...)
}

// rounds has the contestants take turns, and writes the median of each.
func (b *bench) rounds(ctx context.Context, contestants []contestant) error {
	taken := make(map[string][]float64)
	for round := range b.Rounds + 1 { // the first warms up
		for _, c := range contestants {
			fmt.Fprintf(b.progress, "round %d of %d: %s", round, b.Rounds, c.name)
			figure, err := c.measure(ctx, b.During)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Fprintf(b.progress, " %.0f %s\n", figure, c.unit)
			if round > 0 {
				taken[c.name] = append(taken[c.name], figure)
			}
		}
	}
	for _, c := range contestants {
		figures := slices.Sorted(slices.Values(taken[c.name]))
		b.figures[c.name] = figures[(len(figures)-1)/2]
		b.line(c.name, b.figures[c.name], c.unit)
	}
	return nil
}

// line writes a figure, with four digits that count where it is small.
func (b *bench) line(name string, value float64, unit string) {
	digits := 0
	if value < 100 {
		digits = 3
	}
	fmt.Fprintln(b.out, name, strconv.FormatFloat(value, 'f', digits, 64), unit)
}

// compare sets ours against the limits.
func (b *bench) compare() {
	slower := min(b.figures["raw.redis.read"], b.figures["raw.clickhouse.insert"])
	for _, c := range []struct {
		name       string
		ours, than float64
	}{
		{"ingest.single.redis.vs_noop", b.figures["ingest.single.redis"], b.figures["noop.single"]},
		{"ingest.single.sqlite.vs_noop", b.figures["ingest.single.sqlite"], b.figures["noop.single"]},
		{"ingest.batch100.redis.vs_raw", b.figures["ingest.batch100.redis"], b.figures["raw.redis.pipelined100"]},
		{"ingest.batch100.sqlite.vs_raw", b.figures["ingest.batch100.sqlite"], b.figures["raw.sqlite.grouped"]},
		{"ingest.worker.vs_raw", b.figures["ingest.worker"], slower},
	} {
		if c.ours > 0 && c.than > 0 {
			b.line(c.name, c.ours/c.than, "x")
		}
	}
}

// open starts the servers and returns the contestants.
func (b *bench) open(ctx context.Context) ([]contestant, error) {
	redisServer, clickHouseServer, err := b.startServers(ctx)
	if err != nil {
		return nil, err
	}
	redisURL, clickHouseURL := "redis://"+redisServer.Addr+"/0", "clickhouse://"+clickHouseServer.Addr+"/default"

	noop, err := startServer(ctx, filepath.Join(b.dir, "noop.log"), os.Environ(), b.Noop)
	if err != nil {
		return nil, err
	}
	b.closing = append(b.closing, noop.stop)
	standalone, err := b.install(ctx, "standalone")
	if err != nil {
		return nil, err
	}
	cluster, err := b.install(ctx, "cluster", "TRUYVET_REDIS_URL="+redisURL, "TRUYVET_CLICKHOUSE_URL="+clickHouseURL)
	if err != nil {
		return nil, err
	}
	store, err := clickhouse.Open(clickHouseURL, "")
	if err != nil {
		return nil, err
	}
	b.closing = append(b.closing, store.Close)
	client := redis.NewClient(&redis.Options{Addr: redisServer.Addr, PoolSize: b.Connections})
	b.closing = append(b.closing, client.Close)
	rows, err := openRawSQLite(ctx, b.dir, b.Callers, batch)
	if err != nil {
		return nil, err
	}
	b.closing = append(b.closing, rows.db.Close)
	full := stream{address: redisURL, client: client, store: store, scans: b.Drain}
	return b.chosen([]contestant{
		{"noop.single", "scans/s", poster{standalone.town, noop.url, b.Connections, 1}.measure},
		{"ingest.single.redis", "scans/s", poster{cluster.town, cluster.url, b.Connections, 1}.measure},
		{"ingest.single.sqlite", "scans/s", poster{standalone.town, standalone.url, b.Connections, 1}.measure},
		{"noop.batch100", "scans/s", poster{standalone.town, noop.url, b.Callers, batch}.measure},
		{"raw.redis.single", "scans/s", rawRedis{client, b.Connections, 1}.measure},
		{"raw.redis.pipelined100", "scans/s", rawRedis{client, b.Callers, batch}.measure},
		{"ingest.batch100.redis", "scans/s", poster{cluster.town, cluster.url, b.Callers, batch}.measure},
		{"raw.sqlite.grouped", "scans/s", rows.measure},
		{"ingest.batch100.sqlite", "scans/s", poster{standalone.town, standalone.url, b.Callers, batch}.measure},
		{"raw.clickhouse.insert", "scans/s", rawClickHouse{store, min(insertRows, b.Drain), b.Drain}.measure},
		{"raw.redis.read", "scans/s", full.read},
		{"ingest.worker", "scans/s", full.carry},
	}), nil
}

// startServers starts what a cluster needs. In the end they are killed: what they hold is thrown away.
func (b *bench) startServers(ctx context.Context) (redisServer, clickHouseServer *testenv.Server, err error) {
	fmt.Fprintln(b.progress, "starting the servers")
	redisServer, err = testenv.StartRedis(ctx, filepath.Join(b.dir, "redis"), testenv.RedisOptions{
		Args: []string{"--auto-aof-rewrite-percentage", "0"},
	})
	if err != nil {
		return nil, nil, err
	}
	b.closing = append(b.closing, redisServer.Kill)
	clickHouseServer, err = testenv.StartClickHouse(ctx, filepath.Join(b.dir, "clickhouse"), testenv.ClickHouseOptions{})
	if err != nil {
		return nil, nil, err
	}
	b.closing = append(b.closing, clickHouseServer.Kill)
	return redisServer, clickHouseServer, nil
}

// chosen returns those contestants that are to run.
func (b *bench) chosen(all []contestant) []contestant {
	if len(b.Only) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(c contestant) bool { return !slices.Contains(b.Only, c.name) })
}

func (b *bench) install(ctx context.Context, name string, settings ...string) (*installation, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	i, err := install(ctx, b.Binary, dir, settings...)
	if err != nil {
		return nil, err
	}
	b.closing = append(b.closing, i.stop)
	return i, nil
}
