package benchingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/truyvet/truyvet/internal/testenv"
)

// The modes that a whole is run in.
const (
	clusterMode    = "cluster"
	standaloneMode = "standalone"
)

// whole is everything that scans go through in one mode: processes of their own, with their data in a temporary folder.
type whole struct {
	bench
	name  string // before the mode in the names of the figures
	mode  string
	site  *site
	serve *server

	worker            *server // nil in the standalone mode, as what follows
	redis, clickHouse *testenv.Server
}

// inEachMode starts the whole in the cluster mode and then in the standalone mode, or in those that o.Only names, and does
// something with it.
func inEachMode(ctx context.Context, o Options, name string, out, progress io.Writer, do func(*whole) error) error {
	for _, mode := range []string{clusterMode, standaloneMode} {
		if len(o.Only) > 0 && !slices.Contains(o.Only, mode) {
			continue
		}
		w := &whole{bench: bench{Options: o, out: out, progress: progress}, name: name, mode: mode}
		if err := w.run(ctx, do); err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
	}
	return nil
}

func (w *whole) run(ctx context.Context, do func(*whole) error) (err error) {
	if w.dir, err = os.MkdirTemp("", "truyvet-"+w.name+"-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, w.close(), os.RemoveAll(w.dir)) }()
	var settings []string
	if w.mode == clusterMode {
		if w.redis, w.clickHouse, err = w.startServers(ctx); err != nil {
			return err
		}
		settings = []string{"TRUYVET_REDIS_URL=redis://" + w.redis.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://" + w.clickHouse.Addr + "/default"}
	}
	if w.site, err = newSite(ctx, w.Binary, w.dir, settings...); err != nil {
		return err
	}
	if w.mode == clusterMode {
		if w.worker, err = w.start(ctx, "worker", "--ops-listen"); err != nil {
			return err
		}
	}
	if w.serve, err = w.start(ctx, "serve", "--listen"); err != nil {
		return err
	}
	return do(w)
}

// start starts a command until the run ends.
func (w *whole) start(ctx context.Context, command, flag string) (*server, error) {
	started, err := w.site.start(ctx, command, flag)
	if err == nil {
		w.closing = append(w.closing, started.stop)
	}
	return started, err
}

// say writes a figure of the mode.
func (w *whole) say(name string, value float64, unit string) {
	w.line(w.name+"."+w.mode+"."+name, value, unit)
}

// loadgen has `truyvet loadgen` send scans, and says and returns the figures that it writes.
func (w *whole) loadgen(ctx context.Context, args ...string) (figures map[string]float64, err error) {
	cmd := exec.CommandContext(ctx, w.Binary, append([]string{"loadgen", "--target", w.serve.url.String()}, args...)...) //nolint:gosec // the program that is to be measured
	cmd.Env, cmd.Stderr = w.site.env, w.progress
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	text, err := cmd.Output()
	figures = make(map[string]float64)
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := lines.Text()
		fields := strings.Fields(line)
		name, is := strings.CutPrefix(line, w.name+".")
		if !is || len(fields) != 3 {
			fmt.Fprintln(w.progress, line)
			continue
		}
		fmt.Fprintln(w.out, w.name+"."+w.mode+"."+name)
		figures[strings.TrimPrefix(fields[0], w.name+".")], _ = strconv.ParseFloat(fields[1], 64) // it is a number, or the caller misses it
	}
	if err != nil {
		return figures, fmt.Errorf("truyvet loadgen: %w", err)
	}
	return figures, nil
}

// running is a process whose work is of interest.
type running struct {
	name string
	pid  int
}

// dir is where Linux tells of the process.
func (p running) dir() string { return fmt.Sprintf("/proc/%d/", p.pid) }

func (w *whole) processes() []running {
	all := []running{{"serve", w.serve.cmd.Process.Pid}}
	if w.mode == clusterMode {
		all = append(all, running{"worker", w.worker.cmd.Process.Pid}, running{"redis", w.redis.PID()}, running{"clickhouse", w.clickHouse.PID()})
	}
	return all
}

// What Linux says of a process's memory, see proc(5).
const (
	memory     = "VmRSS:"
	mostMemory = "VmHWM:"
)

// sayMemory writes what a process takes of memory. Where that is not to be known it writes nothing.
func (w *whole) sayMemory(p running, name, field string) error {
	status, err := os.ReadFile(p.dir() + "status")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the process of %s: %w", p.name, err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == field {
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return fmt.Errorf("reading the memory of %s: %w", p.name, err)
			}
			w.say(p.name+"."+name, kib/1024, "MiB")
		}
	}
	return nil
}

// dataDir is where serve keeps its data.
func (w *whole) dataDir() string { return filepath.Join(w.dir, "data") }
