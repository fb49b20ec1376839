package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	// The driver registers itself under the name sqlite.
	_ "modernc.org/sqlite"

	"github.com/truyvet/truyvet/internal/scan"
)

// applicationID marks our files, so that a foreign database is not taken for one ("tvsc").
const applicationID = 0x74767363

// schemaVersion is the user_version of our files.
const schemaVersion = 1

// rowKey is the expression for what a row's scan is known by. A row is the wire form of a scan, and SQLite counts its bytes
// from 1.
func rowKey() string { return fmt.Sprintf("substr(scan, %d, %d)", scan.KeyOffset+1, scan.KeySize) }

// daySchema is the schema of a day's file. Rows are only ever added, so seq is never used twice.
func daySchema() string {
	return `
CREATE TABLE scans (seq INTEGER PRIMARY KEY, scan BLOB NOT NULL);
CREATE UNIQUE INDEX scans_key ON scans (` + rowKey() + `);
`
}

// chunk is how many keys a prepared statement looks for at once.
const chunk = 50

// insertRows is how many rows the statements insert at once, the largest first: what a statement costs by itself is as much
// as several rows.
var insertRows = [...]int{64, 16, 4, 1}

// dayFile is an open file of a day. The connection writer and its statements belong to the goroutine that commits; db
// serves reads.
type dayFile struct {
	db        *sql.DB
	writer    *sql.Conn
	insert    [len(insertRows)]*sql.Stmt // of so many rows
	lookup    *sql.Stmt                  // chunk keys
	readBlock *sql.Stmt
}

// dsn names a SQLite file with what every connection to it sets. With mode rw the file must exist.
func dsn(path, mode string, pragmas ...string) string {
	query := url.Values{"mode": {mode}, "_pragma": pragmas}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// initialise gives an empty file its schema and refuses one that is not ours.
func initialise(ctx context.Context, conn *sql.Conn, schema string) error {
	var id, version, tables int
	if err := conn.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).
		Scan(&id, &version, &tables); err != nil {
		return err
	}
	if id == 0 && tables == 0 {
		_, err := conn.ExecContext(ctx, fmt.Sprintf(`BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT`, applicationID, schemaVersion, schema))
		return err
	}
	if id != applicationID {
		return errors.New("it is a database of something else")
	}
	if version != schemaVersion {
		return fmt.Errorf("its schema has version %d, this program knows version %d", version, schemaVersion)
	}
	return nil
}

// openDayFile opens the file of a day and returns with it the seq of its last row.
func openDayFile(ctx context.Context, path, mode string) (_ *dayFile, last uint64, err error) {
	db, err := sql.Open("sqlite", dsn(path, mode, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", fmt.Sprintf("wal_autocheckpoint(%d)", maxLogPages)))
	if err != nil {
		return nil, 0, err
	}
	f := &dayFile{db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(2)
	if f.writer, err = db.Conn(ctx); err != nil {
		return nil, 0, err
	}
	if err = initialise(ctx, f.writer, daySchema()); err != nil {
		return nil, 0, err
	}
	if err = f.writer.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM scans`).Scan(&last); err != nil {
		return nil, 0, err
	}
	if err = f.prepare(ctx); err != nil {
		return nil, 0, err
	}
	return f, last, nil
}

func (f *dayFile) prepare(ctx context.Context) (err error) {
	for i, rows := range insertRows {
		//nolint:gosec // nothing but constants is put together here
		text := `INSERT INTO scans (seq, scan) VALUES ` + repeat("(?,?)", rows) + ` ON CONFLICT (` + rowKey() + `) DO NOTHING`
		//nolint:sqlclosecheck // closed with the file
		if f.insert[i], err = f.writer.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	//nolint:gosec // nothing but constants is put together here
	if f.lookup, err = f.writer.PrepareContext(ctx, `SELECT seq, scan FROM scans WHERE `+rowKey()+` IN (`+repeat("?", chunk)+`)`); err != nil {
		return err
	}
	f.readBlock, err = f.db.PrepareContext(ctx, readBlockQuery)
	return err
}

// readBlockQuery reads rows after one and up to another, as many as there may be.
const readBlockQuery = `SELECT seq, scan FROM scans WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`

func repeat(what string, times int) string {
	return strings.TrimSuffix(strings.Repeat(what+",", times), ",")
}

// find returns what is stored under the keys: the digest of each, and the position.
func (f *dayFile) find(ctx context.Context, keys []scan.Key, found func(k scan.Key, seq uint64, digest scan.Digest)) error {
	args := make([]any, chunk)
	for len(keys) > 0 {
		n := min(chunk, len(keys))
		for i := range args {
			k := keys[min(i, n-1)] // the remainder is filled up with repetitions of the last
			args[i] = k[:]
		}
		keys = keys[n:]
		if err := f.findChunk(ctx, args, found); err != nil {
			return err
		}
	}
	return nil
}

func (f *dayFile) findChunk(ctx context.Context, args []any, found func(k scan.Key, seq uint64, digest scan.Digest)) error {
	rows, err := f.lookup.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var seq uint64
		var wire sql.RawBytes
		if err := rows.Scan(&seq, &wire); err != nil {
			return err
		}
		s, err := scan.DecodeWire(wire)
		if err != nil {
			return fmt.Errorf("row %d: %w", seq, err)
		}
		found(s.Key(), seq, s.Digest())
	}
	return rows.Err()
}

// close closes what was opened. It is safe on a file that was opened in part.
func (f *dayFile) close() error {
	var errAll []error
	for _, stmt := range append(f.insert[:], f.lookup, f.readBlock) {
		if stmt != nil {
			errAll = append(errAll, stmt.Close())
		}
	}
	if f.writer != nil {
		errAll = append(errAll, f.writer.Close())
	}
	return errors.Join(append(errAll, f.db.Close())...)
}

// removeFile deletes a database with what belongs to it, the database itself last: a crash in between leaves a file that
// is still there to be dropped again. The write-ahead log is empty once the file was closed.
func removeFile(path string) error {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
