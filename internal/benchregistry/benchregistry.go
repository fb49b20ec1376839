// Package benchregistry measures a registry with as many places as a large city has: taking them in from one file, finding them by
// name, and reading them as a server does when it starts. Each engine gets the same places and the same searches; PostgreSQL runs
// with the settings that Debian gives it.
package benchregistry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/qrgen"
)

// Options say how much is measured.
type Options struct {
	Places   int
	Searches int // of each kind
	Engines  []string
}

// pageSize is how many places a page of a search has.
const pageSize = 50

// bench is one measurement under way.
type bench struct {
	Options
	file   string // of the places
	stdout io.Writer
	stderr io.Writer
}

// Run measures each engine and writes "name value unit" lines.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "truyvet-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{Options: o, file: filepath.Join(dir, "places.csv"), stdout: stdout, stderr: stderr}
	if err := writePlaces(b.file, o.Places); err != nil {
		return err
	}
	b.line("places", float64(o.Places), "places")
	for _, engine := range o.Engines {
		switch engine {
		case "sqlite":
			path := filepath.Join(dir, "registry.db")
			err = b.measure(ctx, engine, path)
			if info, statErr := os.Stat(path); statErr == nil {
				b.line("sqlite.size", float64(info.Size())/1e6, "MB")
			}
		case "postgres":
			err = b.postgres(ctx)
		default:
			err = fmt.Errorf("there is no engine %q", engine)
		}
		if err != nil {
			return fmt.Errorf("measuring %s: %w", engine, err)
		}
	}
	return nil
}

func (b *bench) postgres(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "truyvet-") // the folder above it may let nobody else pass
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := testenv.StartPostgres(ctx, dir, testenv.PostgresOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return b.measure(ctx, "postgres", "postgres://postgres@"+server.Addr+"/postgres")
}

// measure fills and reads one registry.
func (b *bench) measure(ctx context.Context, engine, place string) (err error) {
	store, err := sqlstore.Open(ctx, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	owner := registry.Organisation{ID: uuid.New(), Name: "Thành phố"}
	if err := errors.Join(store.Migrate(ctx), store.PutAreas(ctx, wards()), store.PutOrganisation(ctx, owner)); err != nil {
		return err
	}
	if err := b.load(ctx, engine, store, owner.ID); err != nil {
		return err
	}
	if err := b.search(ctx, engine, store, owner.ID); err != nil {
		return err
	}
	return b.know(ctx, engine, store)
}

// load takes in the file.
func (b *bench) load(ctx context.Context, engine string, store *sqlstore.Store, owner uuid.UUID) error {
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(time.Now()); err != nil {
		return fmt.Errorf("making a signing key: %w", err)
	}
	in, err := os.Open(b.file)
	if err != nil {
		return err
	}
	defer in.Close()
	var most uint64
	begun := time.Now()
	im := &places.Importer{Intake: store, Keys: keys, Clock: time.Now}
	done, err := im.Import(ctx, owner, in, places.Watch{Progress: func(bytes int64) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		fmt.Fprintf(b.stderr, "\r%s: %d MB taken in", engine, bytes/1e6)
	}})
	fmt.Fprintln(b.stderr)
	if err != nil {
		return err
	}
	if done.Added != b.Places {
		return fmt.Errorf("%d of %d places went in", done.Added, b.Places)
	}
	took := time.Since(begun)
	b.line(engine+".import", took.Seconds(), "s")
	b.line(engine+".import_rate", float64(done.Added)/took.Seconds(), "places/s")
	b.line(engine+".import_heap", float64(most)/1e6, "MB")
	return nil
}

// search draws searches of several kinds and times each.
func (b *bench) search(ctx context.Context, engine string, store *sqlstore.Store, owner uuid.UUID) error {
	var all []float64
	for _, kind := range searchKinds {
		dice := rand.New(rand.NewPCG(7, 7))
		var took []float64
		for range b.Searches {
			q := registry.Search{Organisation: owner, Text: kind.text(dice), Limit: pageSize}
			if kind.wards {
				q.Area = fmt.Sprintf("%05d", dice.IntN(wardCount))
			}
			begun := time.Now()
			found, err := store.SearchPlaces(ctx, q)
			if err != nil {
				return err
			}
			took = append(took, milliseconds(begun))
			if found.Next == uuid.Nil || !kind.turns {
				continue
			}
			q.After = found.Next
			begun = time.Now()
			if _, err := store.SearchPlaces(ctx, q); err != nil {
				return err
			}
			took = append(took, milliseconds(begun))
		}
		all = append(all, took...)
		b.times(engine+".search."+kind.name, took)
	}
	b.times(engine+".search", all)
	return nil
}

// know reads what a server keeps in memory.
func (b *bench) know(ctx context.Context, engine string, store *sqlstore.Store) error {
	before := heap()
	service := places.New(store, qrgen.NewKeySet(), time.Now)
	begun := time.Now()
	if err := service.Refresh(ctx); err != nil {
		return err
	}
	b.line(engine+".names_read", time.Since(begun).Seconds(), "s")
	b.line(engine+".names_memory", (heap()-before)/1e6, "MB")
	runtime.KeepAlive(service)
	begun = time.Now()
	if _, err := store.World(ctx); err != nil {
		return err
	}
	b.line(engine+".world_read", time.Since(begun).Seconds(), "s")
	return nil
}

// heap is how much memory is in use once what is garbage is gone.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func milliseconds(begun time.Time) float64 {
	return float64(time.Since(begun)) / float64(time.Millisecond)
}

// times writes the median, the 95th percentile and the greatest of some times.
func (b *bench) times(name string, took []float64) {
	slices.Sort(took)
	b.line(name+".p50", took[len(took)/2], "ms")
	b.line(name+".p95", took[len(took)*95/100], "ms")
	b.line(name+".max", took[len(took)-1], "ms")
}

func (b *bench) line(name string, value float64, unit string) {
	fmt.Fprintf(b.stdout, "%s %.4g %s\n", name, value, unit)
}
