package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresEngine gives changes what they have on SQLite: one at a time, over all processes. The lock is taken by a statement
// of its own before anything is read, and PostgreSQL lets go of it after the commit can be seen. So whatever a change reads
// stays true until it has committed, and counters go up in the order of the commits.
//
// Reads see one moment only in a transaction that says so.
var postgresEngine = engine{
	name:     "postgres",
	alone:    `SELECT pg_advisory_xact_lock(8390042714098232)`, // the number says nothing; it must stay the same
	moment:   &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	survey:   `ANALYZE`,
	position: "strpos",
}

// writers is how many changes may be under way at once on PostgreSQL, the most of them waiting for the one that is alone.
const writers = 8

// isPostgres says whether the place of a registry is an address of PostgreSQL.
func isPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// openPostgres opens the database at an address. No error of it holds the address, which may have a password in it.
func openPostgres(ctx context.Context, address string) (*Store, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("its address cannot be read: it is postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	maps.Copy(config.RuntimeParams, map[string]string{
		"application_name": "truyvet",
		"timezone":         "UTC",
		"lock_timeout":     "5000", // milliseconds
		// What a search costs goes by the words: a plan for any words would read too much for some. No query here runs for long
		// enough to be worth compiling.
		"plan_cache_mode": "force_custom_plan",
		"jit":             "off",
		// A process that hangs or is cut off in a change must not keep all others waiting.
		"idle_in_transaction_session_timeout": "30000",
	})
	writer, err := tried(ctx, openPgx(config), writers)
	if err != nil {
		return nil, err
	}
	readOnly := config.Copy()
	readOnly.RuntimeParams["default_transaction_read_only"] = "on"
	reader, err := tried(ctx, openPgx(readOnly), readers)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &Store{engine: postgresEngine, writer: writer, reader: reader}, nil
}

func openPgx(config *pgx.ConnConfig) *sql.DB {
	return sql.OpenDB(pgxConnector{stdlib.GetConnector(*config)})
}

// pgxConnector makes connections that take the queries of this package as they are written, with ? for a value.
type pgxConnector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c pgxConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	pgxConn, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver made a %T", conn), conn.Close())
	}
	return numberedConn{pgxConn}, nil
}

// Close implements io.Closer as sql.DB looks for it.
func (c pgxConnector) Close() error {
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// numberedConn numbers the values of a query before it goes to PostgreSQL.
type numberedConn struct{ *stdlib.Conn }

// PrepareContext implements driver.ConnPrepareContext.
func (c numberedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.PrepareContext(ctx, numbered(query))
}

// ExecContext implements driver.ExecerContext.
func (c numberedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, numbered(query), args)
}

// QueryContext implements driver.QueryerContext.
func (c numberedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.QueryContext(ctx, numbered(query), args)
}

// numbered replaces each ? of a query that stands for a value by $1, $2 and so on. One in quotes stays.
func numbered(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var out strings.Builder
	out.Grow(len(query) + 16)
	n, quoted := 0, false
	for i := range len(query) {
		switch c := query[i]; {
		case c == '\'':
			quoted = !quoted
			out.WriteByte(c)
		case c == '?' && !quoted:
			n++
			out.WriteByte('$')
			out.WriteString(strconv.Itoa(n))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
