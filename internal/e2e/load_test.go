package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/benchingest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// TestLoad sends a short morning to a server in each mode; loadgen itself fails where the store is not exactly what was
// answered, or an answer was not what its request deserved.
func TestLoad(t *testing.T) {
	t.Run("standalone", func(t *testing.T) {
		in := install(t)
		in.serve()
		sendMorning(t, in)
	})
	t.Run("cluster", func(t *testing.T) {
		redis := testserver.Redis(t, testenv.RedisOptions{})
		clickhouse := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
		in := install(t, "TRUYVET_REDIS_URL=redis://"+redis.Addr+"/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://"+clickhouse.Addr+"/default")
		in.run("migrate")
		in.serve()
		in.start("worker")
		sendMorning(t, in)
	})
}

func sendMorning(t *testing.T, in *installation) {
	t.Helper()
	out := in.run("loadgen", "--rate", "100", "--for", "3s", "--rush", "--people", "300", "--places", "30",
		"--offline", "20", "--duplicates", "20", "--bad", "20", "--timeout", "60s")
	if !strings.Contains(out, "lost 0, altered 0, refused and stored 0, accepted twice 0") || strings.Contains(out, " 0 acknowledged") {
		t.Errorf("it says:\n%s", out)
	}
}

// TestReplay replays a small day in each mode, which fails where the store is not exactly what was acknowledged.
func TestReplay(t *testing.T) {
	var out, progress strings.Builder
	day := benchingest.Day{People: 2_000, Places: 100, Scans: 3_000, Offline: 10}
	if err := benchingest.Replay(t.Context(), benchingest.Options{Binary: binary}, day, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	for _, figure := range []string{
		"cluster.stored", "cluster.sealed", "cluster.redis.streams", "cluster.redis.file_anew", "cluster.clickhouse.sealed_stays",
		"cluster.clickhouse.disk", "cluster.clickhouse.peak", "cluster.worker.peak", "cluster.redis.cpu",
		"standalone.stored", "standalone.sqlite.disk", "standalone.serve.peak",
	} {
		if !strings.Contains(out.String(), "replay."+figure+" ") {
			t.Errorf("no %s in\n%s", figure, out.String())
		}
	}
}

// TestOverload overloads a server for a moment, which fails where an answer was wrong or the store is not exactly what was
// acknowledged.
func TestOverload(t *testing.T) {
	var out, progress strings.Builder
	o := benchingest.Options{Binary: binary, Only: []string{"standalone"}}
	if err := benchingest.Overload(t.Context(), o, 600*time.Millisecond, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	for _, figure := range []string{"serve.memory.before", "capacity", "half.accepted.sent.p99", "twice.503", "again", "serve.memory.most"} {
		if !strings.Contains(out.String(), "overload.standalone."+figure+" ") {
			t.Errorf("no %s in\n%s", figure, out.String())
		}
	}
}
