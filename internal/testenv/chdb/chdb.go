// Package chdb runs a current ClickHouse engine inside the process of a test: chDB, the library libchdb.so, loaded without
// cgo. clickhouse-go speaks to it through the transport that its HTTP protocol lets be replaced.
//
// It is one engine and one session: queries run one after another. What the driver asks for is answered but for what has no
// meaning without a server: compression, sessions, query ids, query parameters, progress. Temporary tables that clients make
// are seen by all of them.
package chdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Engine is the engine. It is safe for concurrent use.
type Engine struct {
	library *library
	files   string // folder for what a query reads from a file
	version string

	mu       sync.Mutex      // held while a query runs
	conn     *unsafe.Pointer // nil once it is closed
	database string
	settings map[string]string // that are not what they are by default
}

// running says that this process has an engine, of which there can be one.
var running atomic.Bool

// Start starts the engine with its data in dir. A process can start it once. It must be closed before the process ends:
// libraries are unloaded then, with the engine's threads at work in this one.
func Start(dir string) (*Engine, error) {
	if running.Swap(true) {
		return nil, errors.New("this process has a chDB already, and can have one")
	}
	library, err := load()
	if err != nil {
		return nil, err
	}
	e := &Engine{library: library, files: filepath.Join(dir, "files"), database: "default", settings: make(map[string]string)}
	if err := os.MkdirAll(e.files, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of chDB: %w", err)
	}
	library.setSignalHandlers(0) // Go has its own
	args := []*byte{cString("clickhouse"), cString("--path=" + filepath.Join(dir, "data"))}
	e.conn = library.connect(int32(len(args)), &args[0])
	runtime.KeepAlive(args)
	version, err := e.run("SELECT version()", "TSV")
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("starting chDB: %w", err)
	}
	e.version = strings.TrimSpace(string(version))
	return e, nil
}

// Close ends the engine. Queries fail from then on.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil {
		e.library.closeConn(e.conn)
		e.conn = nil
	}
}

func cString(s string) *byte { return unsafe.StringData(s + "\x00") }

// Exception is an error of the engine.
type Exception struct{ Text string }

func (e *Exception) Error() string { return e.Text }

// request is a query with what goes with it.
type request struct {
	database string
	settings map[string]string
	query    string
	tables   []table // external ones
}

// table is a temporary table with rows in the Native format.
type table struct {
	name, structure string
	rows            []byte
}

// do runs a request and returns its result in the Native format. What has begun is not given up when ctx ends.
func (e *Engine) do(ctx context.Context, r request) (result []byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := e.adopt(r); err != nil {
		return nil, err
	}
	for _, t := range r.tables {
		if _, err := e.run("CREATE TEMPORARY TABLE "+t.name+" ("+t.structure+")", "Null"); err != nil {
			return nil, err
		}
		defer func() {
			_, dropped := e.run("DROP TEMPORARY TABLE "+t.name, "Null")
			err = errors.Join(err, dropped)
		}()
		if err := e.insert("INSERT INTO "+t.name, t.rows); err != nil {
			return nil, err
		}
	}
	return e.run(r.query, "Native")
}

// load inserts rows in the Native format with a statement that names the table and the columns.
func (e *Engine) load(ctx context.Context, r request, rows []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.adopt(r); err != nil {
		return err
	}
	return e.insert(r.query, rows)
}

// adopt makes the session's database and settings those of a request. The caller holds the lock.
func (e *Engine) adopt(r request) error {
	if r.database != e.database {
		if _, err := e.run("USE "+r.database, "Null"); err != nil {
			return err
		}
		e.database = r.database
	}
	for _, name := range slices.Collect(maps.Keys(e.settings)) {
		if _, wanted := r.settings[name]; !wanted {
			if _, err := e.run("SET "+name+" = DEFAULT", "Null"); err != nil {
				return err
			}
			delete(e.settings, name)
		}
	}
	for name, value := range r.settings {
		if was, is := e.settings[name]; is && was == value {
			continue
		}
		if _, err := e.run("SET "+name+" = "+quoted(value), "Null"); err != nil {
			return err
		}
		e.settings[name] = value
	}
	return nil
}

// insert goes through a file: no binary data passes inside a query. The caller holds the lock.
func (e *Engine) insert(statement string, rows []byte) error {
	path := filepath.Join(e.files, "rows")
	if err := os.WriteFile(path, rows, 0o600); err != nil {
		return fmt.Errorf("handing rows to chDB: %w", err)
	}
	_, err := e.run(statement+" SELECT * FROM file("+quoted(path)+", 'Native')", "Null")
	return err
}

// run runs a query. The caller holds the lock.
func (e *Engine) run(query, format string) ([]byte, error) {
	if e.conn == nil {
		return nil, errors.New("chDB is not running")
	}
	result := e.library.query(*e.conn, unsafe.StringData(query), uintptr(len(query)), unsafe.StringData(format), uintptr(len(format)))
	runtime.KeepAlive(query)
	if result == nil {
		return nil, errors.New("chDB gave no result")
	}
	defer e.library.destroyQueryResult(result)
	if text := e.library.resultError(result); text != "" {
		return nil, &Exception{Text: text}
	}
	length := e.library.resultLength(result)
	if length == 0 {
		return nil, nil
	}
	return slices.Clone(unsafe.Slice((*byte)(e.library.resultBuffer(result)), length)), nil
}

var quotes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// quoted writes a string as queries do.
func quoted(s string) string { return "'" + quotes.Replace(s) + "'" }
