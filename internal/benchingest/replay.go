package benchingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/testenv"
)

// Day is what Replay sends: a day of a made-up city.
type Day struct {
	People  int
	Places  int
	Scans   int
	Offline int // per cent of the requests that bring two to twenty scans of one phone, 11 on average; the others bring one
}

// Replay sends a day to `truyvet serve` as fast as it is answered, in the cluster mode and then in the standalone mode, or in
// those that o.Only names; of o it needs the binary beside that. `truyvet loadgen --replay` sends it and sees that exactly what
// was acknowledged is stored. To out it writes lines "name value unit" of how fast that was, of what a scan takes of processors
// and on disk, and of the most memory that each process took; to progress what it is doing.
func Replay(ctx context.Context, o Options, d Day, out, progress io.Writer) error {
	return inEachMode(ctx, o, "replay", out, progress, func(w *whole) error {
		return (&replay{whole: w, day: d}).run(ctx)
	})
}

// replay is a day in one mode.
type replay struct {
	*whole
	day   Day
	scans float64 // that were stored
}

func (r *replay) run(ctx context.Context) error {
	if err := r.send(ctx); err != nil {
		return err
	}
	if r.mode == standaloneMode {
		files, err := bytesUnder(filepath.Join(r.dataDir(), "scans"))
		if err != nil {
			return err
		}
		r.say("sqlite.disk", files/r.scans, "B/scan")
		return r.sayProcesses()
	}
	if err := r.sayProcesses(); err != nil {
		return err
	}
	if err := r.seal(ctx); err != nil {
		return err
	}
	if err := r.sayRedis(ctx, r.redis); err != nil {
		return err
	}
	return r.sayClickHouse(ctx, r.clickHouse)
}

// send has loadgen send the day.
func (r *replay) send(ctx context.Context) error {
	fmt.Fprintf(r.progress, "%s: sending %d scans\n", r.mode, r.day.Scans)
	figures, err := r.loadgen(ctx, "--timeout", "2m",
		"--replay", strconv.Itoa(r.day.Scans), "--people", strconv.Itoa(r.day.People), "--places", strconv.Itoa(r.day.Places),
		"--offline", strconv.Itoa(r.day.Offline))
	if err != nil {
		return err
	}
	if r.scans = figures["scans"]; r.scans < float64(r.day.Scans) {
		return fmt.Errorf("of %d scans %.0f are stored: the server did not take the others in time", r.day.Scans, r.scans)
	}
	return nil
}

// seal has finished stays made of the whole day, as a server does every two minutes where traces read ClickHouse.
func (r *replay) seal(ctx context.Context) error {
	fmt.Fprintf(r.progress, "%s: making finished stays\n", r.mode)
	cmd := exec.CommandContext(ctx, r.Binary, "seal", "--trace-source", "clickhouse") //nolint:gosec // the program that is to be measured
	cmd.Env, cmd.Stdout, cmd.Stderr = r.site.env, r.progress, r.progress
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("truyvet seal: %w", err)
	}
	r.say("sealed", r.scans/time.Since(begin).Seconds(), "scans/s")
	return nil
}

// sayRedis writes what scans take in Redis: in memory, of that in the streams, where they stay for ten minutes beyond their
// commit (what is left goes to knowing them again for three days), in the append-only file as it was written, and in that file once
// Redis has written it anew.
func (r *replay) sayRedis(ctx context.Context, server *testenv.Server) error {
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { _ = client.Close() }()
	memory, err := info(ctx, client, "memory", "used_memory")
	if err != nil {
		return err
	}
	streams, err := streamBytes(ctx, client)
	if err != nil {
		return err
	}
	file := filepath.Join(server.Dir, "appendonlydir")
	written, err := bytesUnder(file)
	if err != nil {
		return err
	}
	if err := client.BgRewriteAOF(ctx).Err(); err != nil {
		return fmt.Errorf("having the append-only file written anew: %w", err)
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for rewriting := 1.0; rewriting > 0; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if rewriting, err = info(ctx, client, "persistence", "aof_rewrite_in_progress"); err != nil {
			return err
		}
	}
	anew, err := bytesUnder(file)
	if err != nil {
		return err
	}
	r.say("redis.memory", memory/r.scans, "B/scan")
	r.say("redis.streams", streams/r.scans, "B/scan")
	r.say("redis.file", written/r.scans, "B/scan")
	r.say("redis.file_anew", anew/r.scans, "B/scan")
	return nil
}

// streamBytes returns what the streams take in memory, as far as some of their entries tell.
func streamBytes(ctx context.Context, client *redis.Client) (total float64, err error) {
	keys, err := client.Keys(ctx, "tv:*:scans").Result() // there are a handful, in a Redis of our own
	if err != nil {
		return 0, fmt.Errorf("asking Redis: %w", err)
	}
	const samples = 1000
	for _, key := range keys {
		size, err := client.MemoryUsage(ctx, key, samples).Result()
		if err != nil {
			return 0, fmt.Errorf("asking Redis: %w", err)
		}
		total += float64(size)
	}
	return total, nil
}

// info returns a number that Redis says of itself.
func info(ctx context.Context, client *redis.Client, section, field string) (float64, error) {
	text, err := client.Info(ctx, section).Result()
	if err != nil {
		return 0, fmt.Errorf("asking Redis: %w", err)
	}
	for line := range strings.Lines(text) {
		if value, is := strings.CutPrefix(line, field+":"); is {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("redis does not say %s", field)
}

// sayClickHouse writes what the rows of each table take on disk.
func (r *replay) sayClickHouse(ctx context.Context, server *testenv.Server) error {
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{server.Addr}})
	if err != nil {
		return fmt.Errorf("opening ClickHouse: %w", err)
	}
	defer func() { _ = conn.Close() }()
	rows, err := conn.Query(ctx, "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default' GROUP BY table ORDER BY table")
	if err != nil {
		return fmt.Errorf("asking ClickHouse: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all float64
	for rows.Next() {
		var table string
		var size uint64
		if err := rows.Scan(&table, &size); err != nil {
			return fmt.Errorf("asking ClickHouse: %w", err)
		}
		all += float64(size)
		if strings.HasPrefix(table, "scans") || table == "sealed_stays" {
			r.say("clickhouse."+table, float64(size)/r.scans, "B/scan")
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("asking ClickHouse: %w", err)
	}
	r.say("clickhouse.disk", all/r.scans, "B/scan")
	return nil
}

// sayProcesses writes the time of a processor that each process took for a scan, and the most memory that it has taken. Only
// Linux tells that of a process that still runs; elsewhere it writes nothing.
func (r *replay) sayProcesses() error {
	for _, p := range r.processes() {
		stat, err := os.ReadFile(p.dir() + "stat")
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(r.progress, "what %s took of the machine is not known here\n", p.name)
			continue
		}
		if err != nil {
			return fmt.Errorf("looking at the process of %s: %w", p.name, err)
		}
		ticks, err := ticksOf(string(stat))
		if err != nil {
			return fmt.Errorf("reading the time of %s: %w", p.name, err)
		}
		r.say(p.name+".cpu", ticks*microsecondsOfTick/r.scans, "us/scan")
		if err := r.sayMemory(p, "peak", mostMemory); err != nil {
			return err
		}
	}
	return nil
}

// microsecondsOfTick is what Linux counts the time of processes in, on every machine that Go runs on.
const microsecondsOfTick = 10_000

// ticksOf returns how long a process has run, by its own code and by the kernel's for it, from what proc(5) says in stat: the
// fields 14 and 15, of which the second, the name, may hold anything within parentheses.
func ticksOf(stat string) (float64, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("it has too few fields")
	}
	own, err := strconv.ParseFloat(fields[11], 64)
	kernel, errKernel := strconv.ParseFloat(fields[12], 64)
	return own + kernel, errors.Join(err, errKernel)
}

// bytesUnder returns how large the files of a folder are together.
func bytesUnder(dir string) (total float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += float64(info.Size())
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("looking at the files: %w", err)
	}
	return total, nil
}
