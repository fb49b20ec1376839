package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
)

// A scan may be logged once, whatever the day of its At, yet each day file knows its own rows only. So that a scan with
// another At, in another file, is found without looking into every file:
//
//   - The home of a scan is the day that the time in its UUIDv7 id names. At as a rule falls on that day: the scan stands
//     at home. An id of another version has no home.
//   - A scan that does not stand at home gets a marker in elsewhere.db first, durably: its key and the day it goes to.
//   - Whoever appends looks at the scan's own day, at its home, and where its marker points.
//
// Two scans with one key are then always found: the first stands either at home, where every other looks, or where its
// marker points. A crash between marker and scan leaves a marker that points to nothing; it means nothing, and the next
// scan of that key replaces it. Markers are dropped with the day that they point to.
//
// Most scans have no marker. A filter of fixed size in memory says so without a look at the file; it may say "perhaps"
// wrongly, which costs a look. Clients that make random ids cost a marker for every scan.
const markerSchema = `
CREATE TABLE elsewhere (key BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE dropped (day INTEGER PRIMARY KEY, last INTEGER NOT NULL);
`

// identitySchema adds, to files of before too, which store this is: one row.
const identitySchema = `
CREATE TABLE IF NOT EXISTS identity (only INTEGER PRIMARY KEY CHECK (only = 1), id BLOB NOT NULL);
`

// markers is elsewhere.db: the markers, where the numbering of dropped days ended, and the store's id. Its one connection holds the file
// locked for as long as it is open, which keeps other processes out of the whole directory.
type markers struct {
	db     *sql.DB
	conn   *sql.Conn
	insert *sql.Stmt
	lookup *sql.Stmt
	block  *sql.Stmt
	id     uuid.UUID

	sweeping sync.Mutex // one sweep at a time; taken before mu

	mu      sync.Mutex // guards the connection and what follows
	filter  *filter
	next    *filter // the one that a sweep is building; nil as a rule
	dropped map[scan.Day]uint64
}

// homeOf returns the day that a UUIDv7 was made on, and false for ids that do not say.
func homeOf(id uuid.UUID) (scan.Day, bool) {
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		return 0, false
	}
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return scan.DayOf(ms / 1000), true
}

func openMarkers(ctx context.Context, path string) (_ *markers, err error) {
	db, err := sql.Open("sqlite", dsn(path, "rwc", "busy_timeout(0)", "locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	m := &markers{db: db, filter: newFilter(), dropped: make(map[scan.Day]uint64)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening %s (is another process using this directory?): %w", path, err), m.close())
		}
	}()
	db.SetMaxOpenConns(1)
	if m.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	if err = initialise(ctx, m.conn, markerSchema); err != nil {
		return nil, err
	}
	if m.id, err = identify(ctx, m.conn); err != nil {
		return nil, err
	}
	if m.insert, err = m.conn.PrepareContext(ctx, `INSERT INTO elsewhere (key, day) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET day = excluded.day`); err != nil {
		return nil, err
	}
	//nolint:gosec // nothing but constants is put together here
	if m.lookup, err = m.conn.PrepareContext(ctx, `SELECT key, day FROM elsewhere WHERE key IN (`+repeat("?", chunk)+`)`); err != nil {
		return nil, err
	}
	if m.block, err = m.conn.PrepareContext(ctx, `SELECT key, day FROM elsewhere WHERE key > ? ORDER BY key LIMIT ?`); err != nil {
		return nil, err
	}
	if err = m.sweep(ctx, math.MinInt32); err != nil {
		return nil, err
	}
	if err = m.loadDropped(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// identify returns the store's id, and gives it one where it has none.
func identify(ctx context.Context, conn *sql.Conn) (id uuid.UUID, err error) {
	if _, err := conn.ExecContext(ctx, identitySchema); err != nil {
		return uuid.Nil, err
	}
	random := uuid.New()
	if _, err := conn.ExecContext(ctx, `INSERT OR IGNORE INTO identity (only, id) VALUES (1, ?)`, random[:]); err != nil {
		return uuid.Nil, err
	}
	err = conn.QueryRowContext(ctx, `SELECT id FROM identity`).Scan(&id)
	return id, err
}

func (m *markers) loadDropped(ctx context.Context) error {
	rows, err := m.conn.QueryContext(ctx, `SELECT day, last FROM dropped`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var day scan.Day
		var last uint64
		if err := rows.Scan(&day, &last); err != nil {
			return err
		}
		m.dropped[day] = last
	}
	return rows.Err()
}

// find returns where the markers of the keys point, for those that have one.
func (m *markers) find(ctx context.Context, keys []scan.Key) (map[scan.Key]scan.Day, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var perhaps []scan.Key
	for _, k := range keys {
		if m.filter.mayHave(k) {
			perhaps = append(perhaps, k)
		}
	}
	found := make(map[scan.Key]scan.Day)
	args := make([]any, chunk)
	for len(perhaps) > 0 {
		n := min(chunk, len(perhaps))
		for i := range args {
			k := perhaps[min(i, n-1)]
			args[i] = k[:]
		}
		perhaps = perhaps[n:]
		if err := m.findChunk(ctx, args, found); err != nil {
			return nil, fmt.Errorf("looking for markers: %w", err)
		}
	}
	return found, nil
}

func (m *markers) findChunk(ctx context.Context, args []any, found map[scan.Key]scan.Day) error {
	rows, err := m.lookup.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key sql.RawBytes
		var day scan.Day
		if err := rows.Scan(&key, &day); err != nil {
			return err
		}
		found[scan.Key(key)] = day
	}
	return rows.Err()
}

// set makes markers durable.
func (m *markers) set(ctx context.Context, to map[scan.Key]scan.Day) error {
	if len(to) == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range to {
		m.filter.add(k)
		if m.next != nil {
			m.next.add(k)
		}
	}
	err := inTx(ctx, m.conn, func() error {
		for k, day := range to {
			if _, err := m.insert.ExecContext(ctx, k[:], day); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("setting markers: %w", err)
	}
	return nil
}

// droppedUpTo returns the last seq of a day that was dropped, 0 for others.
func (m *markers) droppedUpTo(day scan.Day) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped[day]
}

// rememberDropped notes, before a day is dropped, where its numbering ends.
func (m *markers) rememberDropped(ctx context.Context, day scan.Day, last uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.conn.ExecContext(ctx, `INSERT OR REPLACE INTO dropped (day, last) VALUES (?, ?)`, day, last); err != nil {
		return fmt.Errorf("noting the end of %s: %w", day, err)
	}
	m.dropped[day] = last
	return nil
}

// dropBefore drops the markers that point to days before one.
func (m *markers) dropBefore(ctx context.Context, first scan.Day) error {
	if err := m.sweep(ctx, first); err != nil {
		return fmt.Errorf("dropping markers: %w", err)
	}
	return nil
}

// sweepRows is how many markers a sweep looks at before it lets go of the lock, which every commit needs.
const sweepRows = 5000

// sweep goes over all markers once, in the order of their keys: it drops those that point to days before first, and makes
// a filter of the others. An index by day would save the look at the others, but would double what a marker costs.
func (m *markers) sweep(ctx context.Context, first scan.Day) error {
	m.sweeping.Lock()
	defer m.sweeping.Unlock()
	fresh := newFilter()
	m.build(fresh)
	defer m.build(nil)
	var after scan.Key // no scan has the key of zeros
	for more := true; more; {
		var err error
		if after, more, err = m.sweepBlock(ctx, after, first); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.filter = fresh
	return nil
}

// build makes set add to a filter beside the one in use.
func (m *markers) build(fresh *filter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next = fresh
}

// sweepBlock sweeps the markers after a key. It returns the last key that it saw, and whether there may be more.
func (m *markers) sweepBlock(ctx context.Context, after scan.Key, first scan.Day) (last scan.Key, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows, err := m.block.QueryContext(ctx, after[:], sweepRows)
	if err != nil {
		return after, false, err
	}
	defer func() { _ = rows.Close() }()
	last = after
	seen, expired := 0, false
	for rows.Next() {
		var key sql.RawBytes
		var day scan.Day
		if err := rows.Scan(&key, &day); err != nil {
			return after, false, err
		}
		if len(key) != scan.KeySize {
			return after, false, errors.New("a marker is damaged")
		}
		last = scan.Key(key)
		seen++
		if day < first {
			expired = true
			continue
		}
		m.next.add(last)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return after, false, err
	}
	if expired {
		_, err = m.conn.ExecContext(ctx, `DELETE FROM elsewhere WHERE key > ? AND key <= ? AND day < ?`, after[:], last[:], first)
	}
	return last, seen == sweepRows, err
}

func (m *markers) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errAll []error
	for _, stmt := range []*sql.Stmt{m.insert, m.lookup, m.block} {
		if stmt != nil {
			errAll = append(errAll, stmt.Close())
		}
	}
	if m.conn != nil {
		errAll = append(errAll, m.conn.Close())
	}
	return errors.Join(append(errAll, m.db.Close())...)
}

// inTx runs do in a write transaction of conn and commits it.
func inTx(ctx context.Context, conn *sql.Conn, do func() error) error {
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := do()
	if err == nil {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		// Some errors have rolled back already; then this one has nothing to do and says so.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return err
	}
	return nil
}

// filter is a Bloom filter (B. H. Bloom, 1970) of fixed size, 8 MiB: with a million markers it errs once in ten thousand
// times. Its hash is seeded per process, so that clients cannot choose ids that collide.
type filter struct {
	seed maphash.Seed
	bits []uint64
}

const (
	filterBits   = 1 << 26
	filterProbes = 4
)

func newFilter() *filter {
	return &filter{seed: maphash.MakeSeed(), bits: make([]uint64, filterBits/64)}
}

// probes returns the bits of a key, by double hashing.
func (f *filter) probes(k scan.Key) (bits [filterProbes]uint64) {
	h := maphash.Bytes(f.seed, k[:])
	step := h>>32 | 1
	for i := range bits {
		bits[i] = (h + uint64(i)*step) % filterBits
	}
	return bits
}

func (f *filter) add(k scan.Key) {
	for _, bit := range f.probes(k) {
		f.bits[bit/64] |= 1 << (bit % 64)
	}
}

func (f *filter) mayHave(k scan.Key) bool {
	for _, bit := range f.probes(k) {
		if f.bits[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}
