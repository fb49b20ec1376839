// Package clickhousetest gives tests empty stores on the real engines that the scan store is for. A package that uses it
// has
//
//	func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }
//
// and its tests run what they hold of every engine over Engines. The engines are shared by the tests of the process: they
// start when they are first asked for, and each store has a database of its own.
package clickhousetest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/chdb"
)

// Engine is a kind of ClickHouse, alone or several servers.
type Engine struct {
	Name    string
	Servers int

	cluster string
	start   func(dir string) (options *driver.Options, stop func(), err error)
}

// Store is a store with its tables, empty at first.
type Store struct {
	*clickhouse.Store
	Tap *Tap
}

// Engines are all engines: one server and two shards of Debian's release, 18.16, and a current engine in process.
func Engines() []*Engine { return []*Engine{OneServer, TwoShards, Current} }

// The servers' time zone is not UTC, for days are.
var serverOptions = testenv.ClickHouseOptions{Timezone: "Asia/Ho_Chi_Minh"}

// The engines.
var (
	OneServer = &Engine{Name: "OneServer", Servers: 1, start: func(dir string) (*driver.Options, func(), error) {
		server, err := testenv.StartClickHouse(context.Background(), dir, serverOptions)
		if err != nil {
			return nil, nil, err
		}
		return native(server.Addr), func() { _ = server.Kill() }, nil
	}}
	TwoShards = &Engine{Name: "TwoShards", Servers: 2, cluster: testenv.ClickHouseCluster, start: func(dir string) (*driver.Options, func(), error) {
		servers, err := testenv.StartClickHouseCluster(context.Background(), dir, 2, serverOptions)
		if err != nil {
			return nil, nil, err
		}
		return native(servers[0].Addr), func() {
			for _, server := range servers {
				_ = server.Kill()
			}
		}, nil
	}}
	Current = &Engine{Name: "Current", Servers: 1, start: func(dir string) (*driver.Options, func(), error) {
		engine, err := chdb.Start(dir)
		if err != nil {
			return nil, nil, err
		}
		return engine.Options(), engine.Close, nil
	}}
)

func native(address string) *driver.Options {
	return &driver.Options{
		Addr: []string{address}, Auth: driver.Auth{Username: "default"}, Compression: &driver.Compression{Method: driver.CompressionLZ4},
	}
}

// shared is what the tests of the process share, between the begin and the end of Main.
var shared struct {
	mu        sync.Mutex
	dir       string
	started   map[*Engine]*driver.Options
	stops     []func()
	databases atomic.Int64
}

// Main runs the tests of a package, ends the engines that they started, and returns the status to exit with.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "truyvet-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared.dir, shared.started = dir, make(map[*Engine]*driver.Options)
	defer func() {
		for _, stop := range shared.stops {
			stop()
		}
	}()
	return m.Run()
}

// options returns how the engine is reached, having started it where it was not. It fails the test when it cannot.
func (e *Engine) options(t testing.TB) driver.Options {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.dir == "" {
		t.Fatal("the package has no TestMain that calls clickhousetest.Main")
	}
	if shared.started[e] == nil {
		options, stop, err := e.start(filepath.Join(shared.dir, e.Name))
		if err != nil {
			t.Fatal(err)
		}
		shared.started[e], shared.stops = options, append(shared.stops, stop)
	}
	return *shared.started[e]
}

// Unmade opens a store on a database that is not there yet. It is closed with the test.
func (e *Engine) Unmade(t testing.TB) Store {
	t.Helper()
	o, tap := e.options(t), new(Tap)
	o.DialContext = tap.dial
	if replaced := o.TransportFunc; replaced != nil {
		o.TransportFunc = func(usual *http.Transport) (http.RoundTripper, error) {
			next, err := replaced(usual)
			return tap.through(next), err
		}
	}
	o.Auth.Database = fmt.Sprintf("t%d", shared.databases.Add(1))
	store, err := clickhouse.OpenWith(&o, e.cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return Store{store, tap}
}

// New makes an empty store. It is closed with the test.
func (e *Engine) New(t testing.TB) Store {
	t.Helper()
	store := e.Unmade(t)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// Each runs a test on every engine.
func Each(t *testing.T, test func(*testing.T, *Engine)) {
	for _, e := range Engines() {
		t.Run(e.Name, func(t *testing.T) { test(t, e) })
	}
}
