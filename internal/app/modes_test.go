package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/demo"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/tracing"
)

// mode is the settings of one way to run.
type mode struct {
	name     string
	settings []string
}

// TestSameListsInEveryMode loads the same small district standalone and into a cluster of two ClickHouse shards with a registry
// in PostgreSQL, and sees the same lists, byte for byte, traced from memory over either store and from ClickHouse itself, under every profile.
func TestSameListsInEveryMode(t *testing.T) {
	redis := testserver.Redis(t, testenv.RedisOptions{})
	postgres := testserver.Postgres(t, testenv.PostgresOptions{})
	shards := testserver.ClickHouseCluster(t, 2, testenv.ClickHouseOptions{Timezone: "America/Lima"})
	cluster := []string{
		"TRUYVET_REDIS_URL=redis://" + redis.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://" + shards[0].Addr + "/default",
		"TRUYVET_CLICKHOUSE_CLUSTER=" + testenv.ClickHouseCluster,
		"TRUYVET_REGISTRY_URL=postgres://postgres@" + postgres.Addr + "/postgres",
	}

	standalone := load(t, mode{"standalone", nil}, nil)
	want := standalone.lists(t)
	if len(want) != len(tracing.Profiles()) {
		t.Fatalf("%d lists", len(want))
	}
	for name, report := range want {
		if len(report) < 1000 {
			t.Errorf("the list of %s is all but empty: %s", name, report)
		}
	}

	inCluster := load(t, mode{"cluster", cluster}, standalone)
	compare(t, "cluster, from memory", inCluster.lists(t), want)
	direct := inCluster.reopen(t, append(cluster, "TRUYVET_TRACE_SOURCE=clickhouse"))
	compare(t, "cluster, from ClickHouse", direct.lists(t), want)

	over := direct.reopen(t, append(cluster, "TRUYVET_MEMORY_BUDGET=1"))
	compare(t, "cluster, over the budget of memory", over.lists(t), want)
	direct = over

	// Erased scans are in no list from then on, in none of the modes.
	gone := someContact(t, standalone)
	standalone.erase(t, gone)
	direct.erase(t, gone)
	less := standalone.lists(t)
	for profile, report := range less {
		if bytes.Contains(report, []byte(gone.String())) {
			t.Errorf("who was erased is listed under %s", profile)
		}
	}
	compare(t, "cluster, from ClickHouse, after an erasure", direct.lists(t), less)
	compare(t, "cluster, from memory, after an erasure", direct.reopen(t, cluster).lists(t), less)
}

// someContact returns a person whom every profile lists.
func someContact(t *testing.T, d *district) uuid.UUID {
	t.Helper()
	lists := d.lists(t)
	sight, err := d.parts.Registry.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cases, err := d.parts.Registry.Cases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range sight.Links {
		listed := !slices.ContainsFunc(cases, func(c registry.Case) bool { return c.Person == person })
		for _, report := range lists {
			listed = listed && bytes.Contains(report, []byte(person.String()))
		}
		if listed {
			return person
		}
	}
	t.Fatal("nobody is listed under every profile")
	return uuid.Nil
}

// erase erases all that was ever scanned of a person.
func (d *district) erase(t *testing.T, person uuid.UUID) {
	t.Helper()
	sight, err := d.parts.Registry.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for alias, of := range sight.Links {
		if of == person {
			if err := d.parts.Registry.Erase(t.Context(), registry.Erasure{Alias: alias, Before: math.MaxInt64}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func compare(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	for profile, report := range want {
		if !bytes.Equal(got[profile], report) {
			t.Errorf("%s: the list under %s differs: %d bytes, %d standalone", what, profile, len(got[profile]), len(report))
		}
	}
}

// district is a loaded one.
type district struct {
	parts *app.Parts
	data  string
}

var loadedAt = time.Date(2021, 12, 2, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return loadedAt }

// load makes a data folder, with the keys of another so that the aliases are the same, and loads the district into it.
func load(t *testing.T, m mode, keysOf *district) *district {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if keysOf != nil {
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"keys.json", "secrets.json"} {
			text, err := os.ReadFile(filepath.Join(keysOf.data, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	cfg := configure(t, data, m.settings)
	if err := app.Init(t.Context(), cfg, clock); err != nil {
		t.Fatal(err)
	}
	if cfg.Cluster() {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- app.Work(ctx, cfg, slog.New(slog.DiscardHandler)) }()
		t.Cleanup(func() {
			stop()
			if err := <-done; err != nil {
				t.Errorf("the worker: %v", err)
			}
		})
	}
	d := &district{data: data, parts: open(t, cfg)}
	last := 0
	_, err := d.parts.LoadDemo(t.Context(), demo.Small(), func(done, total int) {
		if done < last || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func configure(t *testing.T, data string, settings []string) *config.Config {
	t.Helper()
	env := append([]string{"TRUYVET_DATA=" + data, "TRUYVET_RETENTION_DAYS=35"}, settings...)
	cfg, err := config.Load(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func open(t *testing.T, cfg *config.Config) *app.Parts {
	t.Helper()
	parts, err := app.Open(t.Context(), cfg, slog.New(slog.DiscardHandler), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parts.Close() })
	return parts
}

// reopen closes the district's parts and opens its data with other settings.
func (d *district) reopen(t *testing.T, settings []string) *district {
	t.Helper()
	if err := d.parts.Close(); err != nil {
		t.Fatal(err)
	}
	return &district{data: d.data, parts: open(t, configure(t, d.data, settings))}
}

// lists traces all cases under every profile and returns the reports.
func (d *district) lists(t *testing.T) map[string][]byte {
	t.Helper()
	city, err := d.parts.Registry.AccountByLogin(t.Context(), string(registry.RoleCity))
	if err != nil {
		t.Fatal(err)
	}
	reports := make(map[string][]byte)
	for _, profile := range tracing.Profiles() {
		run, err := d.parts.Cases.Run(t.Context(), city, cases.Order{Choice: cases.Choice{All: true}, Profile: profile.Name})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := d.parts.Registry.Run(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		reports[profile.Name] = kept.Report
	}
	return reports
}
