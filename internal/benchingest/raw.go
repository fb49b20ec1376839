package benchingest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
	// The driver registers itself under the name sqlite.
	_ "modernc.org/sqlite"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

// newScan makes a scan of now.
func newScan(random *rand.Rand) scan.Scan {
	now := time.Now().Unix()
	return scan.Scan{
		ID: newID(random), Alias: newID(random), Place: newID(random), At: now, ReceivedAt: now,
		Kind: stay.In, How: scan.Phone, Serial: 1,
	}
}

// newWires makes the wire forms of scans of now.
func newWires(random *rand.Rand, n int) ([][]byte, error) {
	wires := make([][]byte, n)
	for i := range wires {
		s := newScan(random)
		var err error
		if wires[i], err = s.AppendWire(nil); err != nil {
			return nil, err
		}
	}
	return wires, nil
}

// rawRedis appends wire forms to a stream, some in each pipeline, from some callers.
type rawRedis struct {
	client  *redis.Client
	callers int
	scans   int
}

func (r rawRedis) measure(ctx context.Context, during time.Duration) (float64, error) {
	const stream = "raw:scans"
	defer r.client.Del(context.WithoutCancel(ctx), stream)
	return together(ctx, r.callers, during, func(ctx context.Context, random *rand.Rand) (int, error) {
		wires, err := newWires(random, r.scans)
		if err != nil {
			return 0, err
		}
		_, err = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, wire := range wires {
				p.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []any{"s", wire}})
			}
			return nil
		})
		return r.scans, err
	})
}

// together has callers do something again and again for a while. It returns how many a second they say they did.
func together(
	ctx context.Context, callers int, during time.Duration, do func(ctx context.Context, random *rand.Rand) (int, error),
) (float64, error) {
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for i := range callers {
		group.Go(func() error {
			random := newRandom(i)
			for time.Since(begin) < during && ctx.Err() == nil {
				n, err := do(ctx, random)
				if err != nil {
					return err
				}
				done.Add(int64(n))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return float64(done.Load()) / time.Since(begin).Seconds(), nil
}

// rawSQLite inserts wire forms into a table like a day file's, in groups: what its callers have ready goes into one
// transaction.
type rawSQLite struct {
	db      *sql.DB
	insert  *sql.Stmt
	callers int
	scans   int
}

// rowsPerInsert is how many rows a statement inserts; a group of callers has a multiple of it.
const rowsPerInsert = 50

// openRawSQLite makes the table in a new file.
func openRawSQLite(ctx context.Context, dir string, callers, scans int) (*rawSQLite, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "raw.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, fmt.Errorf("opening the raw table: %w", err)
	}
	db.SetMaxOpenConns(1)
	r := &rawSQLite{db: db, callers: callers, scans: scans}
	if _, err = db.ExecContext(ctx, `CREATE TABLE scans (seq INTEGER PRIMARY KEY, scan BLOB NOT NULL);
CREATE UNIQUE INDEX scans_key ON scans (substr(scan, 5, 32))`); err == nil {
		values := strings.TrimSuffix(strings.Repeat("(?),", rowsPerInsert), ",")
		r.insert, err = db.PrepareContext(ctx, `INSERT INTO scans (scan) VALUES `+values) //nolint:gosec // places for values, none of them
	}
	if err != nil {
		return nil, fmt.Errorf("making the raw table: %w", err)
	}
	return r, nil
}

// measure inserts from one goroutine, which is all that SQLite takes: the groups of all callers in one transaction.
func (r *rawSQLite) measure(ctx context.Context, during time.Duration) (float64, error) {
	return together(ctx, 1, during, func(ctx context.Context, random *rand.Rand) (int, error) {
		wires, err := newWires(random, r.callers*r.scans)
		if err != nil {
			return 0, err
		}
		tx, err := r.db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer func() { _ = tx.Rollback() }() // after a commit it has nothing to do
		insert := tx.StmtContext(ctx, r.insert)
		args := make([]any, 0, rowsPerInsert)
		for part := range slices.Chunk(wires, rowsPerInsert) {
			args = args[:0]
			for _, wire := range part {
				args = append(args, wire)
			}
			if _, err := insert.ExecContext(ctx, args...); err != nil {
				return 0, err
			}
		}
		return len(wires), tx.Commit()
	})
}
