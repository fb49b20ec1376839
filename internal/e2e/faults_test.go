package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// fault is something that goes wrong for a while. Two faults of one target never happen at the same time.
type fault struct {
	name   string
	target string
	begin  func() (end func())
}

// step is a part of a schedule: some faults at the same time, for so long, and the calm before it.
type step struct {
	calm   time.Duration
	faults []fault
	length time.Duration
}

// schedule draws what happens from a seed: the same seed over the same faults gives the same schedule.
func schedule(seed uint64, faults []fault) []step {
	dice := rand.New(rand.NewPCG(seed, 0))
	steps := make([]step, 2+dice.IntN(3))
	for i := range steps {
		s := &steps[i]
		s.calm = time.Duration(dice.IntN(400)) * time.Millisecond
		s.length = time.Duration(20+dice.IntN(800)) * time.Millisecond
		hit := make(map[string]bool)
		for range 1 + dice.IntN(2) {
			f := faults[dice.IntN(len(faults))]
			if !hit[f.target] {
				hit[f.target] = true
				s.faults = append(s.faults, f)
			}
		}
	}
	return steps
}

func describe(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, " after %v", s.calm)
		for _, f := range s.faults {
			fmt.Fprintf(&b, " [%s]", f.name)
		}
		fmt.Fprintf(&b, " for %v;", s.length)
	}
	return b.String()
}

// carryOut has the steps happen. Everything is as it should be when it returns.
func carryOut(ctx context.Context, steps []step) {
	for _, s := range steps {
		pause(ctx, s.calm)
		ends := make([]func(), len(s.faults))
		for i, f := range s.faults {
			ends[i] = f.begin()
		}
		pause(ctx, s.length)
		for _, end := range ends {
			end()
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// killing is the fault of a process of ours that dies and is started again.
func killing(name string, p *process, started func()) fault {
	return fault{"kill " + name, name, func() func() {
		p.kill()
		return func() { p.begin(); started() }
	}}
}

// pausing is the fault of a process that is stopped for so long, and wakes without knowing.
func pausing(name string, signal func(syscall.Signal) error, atLeast time.Duration) fault {
	return fault{"pause " + name, name, func() func() {
		_ = signal(syscall.SIGSTOP)
		since := time.Now()
		return func() {
			time.Sleep(atLeast - time.Since(since))
			_ = signal(syscall.SIGCONT)
		}
	}}
}

// dying is the fault of a server that dies and comes back with what its disk has.
func dying(t *testing.T, name string, s *testenv.Server) fault {
	return fault{"kill " + name, name, func() func() {
		mustDo(t, s.Kill)
		return func() { mustDo(t, func() error { return s.Restart(context.Background()) }) }
	}}
}

// spoiling are the faults of a line.
func spoiling(name string, l *line) []fault {
	toxic := func(what, text string) fault {
		return fault{what + " " + name, name, func() func() { l.spoil(text); return l.clean }}
	}
	return []fault{
		{"cut " + name, name, func() func() { l.cut(); return l.mend }},
		toxic("stall", `{"type":"timeout","attributes":{"timeout":0}}`),
		toxic("corrupt", `{"type":"corrupt","attributes":{"one_in":7}}`),
		toxic("slow", `{"type":"latency","attributes":{"latency":60,"jitter":50}}`),
		toxic("slice", `{"type":"slicer","attributes":{"average_size":64,"size_variation":32,"delay":100}}`),
		toxic("break off", `{"type":"limit_data","attributes":{"bytes":3000}}`),
	}
}

// fullMemory is the fault of a Redis that has no room left.
func fullMemory(t *testing.T, s *testenv.Server) fault {
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	t.Cleanup(func() { _ = client.Close() })
	set := func(limit string) {
		mustDo(t, func() error { return client.ConfigSet(context.Background(), "maxmemory", limit).Err() })
	}
	return fault{"fill memory of redis", "redis", func() func() { set("1mb"); return func() { set("0") } }}
}

// fullDisk is the fault of a ClickHouse whose disk, one of its own in memory, has no room left: it shrinks to what is on it.
func fullDisk(t *testing.T, dir string) fault {
	return fault{"fill disk of clickhouse", "clickhouse", func() func() {
		eventually(t, "the disk is as large as what is on it", func() error {
			var disk syscall.Statfs_t
			if err := syscall.Statfs(dir, &disk); err != nil {
				return err
			}
			return resize(dir, int64(disk.Blocks-disk.Bfree)*disk.Bsize) // fails when more has come meanwhile
		})
		return func() { mustDo(t, func() error { return resize(dir, roomy) }) }
	}}
}

// roomy is the size of a disk in memory, which takes only what is on it, that never fills up by itself.
const roomy = 8 << 30

func resize(dir string, size int64) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", size))
}

// ownDisk mounts a disk of its own in memory. It is not there for who may not mount.
func ownDisk(t *testing.T) (dir string, there bool) {
	t.Helper()
	dir, err := os.MkdirTemp("", "truyvet-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", roomy)); err != nil {
		t.Logf("no disk of its own for ClickHouse, so none is filled: %v", err)
		return dir, false
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir, true
}

// clickHouseOn starts a ClickHouse on a disk of its own where that is possible, and returns the fault of filling it.
func clickHouseOn(t *testing.T) (*testenv.Server, []fault) {
	t.Helper()
	dir, there := ownDisk(t)
	if !there {
		return testserver.ClickHouse(t, testenv.ClickHouseOptions{}), nil
	}
	server, err := testenv.StartClickHouse(t.Context(), filepath.Join(dir, "clickhouse"), testenv.ClickHouseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server, []fault{fullDisk(t, dir)}
}
