package benchwalk

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// sqlitePeer is SQLite on a file, on one connection, with as much cache as the stays take. The stays are stored twice.
type sqlitePeer struct {
	db   *sql.DB
	conn *sql.Conn
}

func openSQLite(ctx context.Context, dir string) (*sqlitePeer, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "stays.db"))
	if err != nil {
		return nil, fmt.Errorf("opening SQLite: %w", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("connecting to SQLite: %w", err)
	}
	s := &sqlitePeer{db: db, conn: conn}
	for _, setting := range []string{
		"journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "temp_store = MEMORY", "cache_size = -2000000", "threads = 2",
	} {
		if err := s.exec(ctx, "PRAGMA "+setting); err != nil {
			_ = s.close()
			return nil, fmt.Errorf("setting up SQLite: %w", err)
		}
	}
	return s, nil
}

func (*sqlitePeer) name() string { return sqliteName }

func (s *sqlitePeer) load(ctx context.Context, city *City, p *Plain) error {
	for _, statement := range []string{
		"CREATE TABLE by_place (place int, enter int, leave int, person int, PRIMARY KEY (place, enter, leave, person)) WITHOUT ROWID",
		"CREATE TABLE by_person (person int, enter int, leave int, place int, PRIMARY KEY (person, enter, leave, place)) WITHOUT ROWID",
		"CREATE TABLE places (place int PRIMARY KEY, longest int) WITHOUT ROWID",
		"BEGIN",
	} {
		if err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := s.insert(ctx, "by_person", len(city.Stays), func(i int) [4]any {
		t := &city.Stays[i]
		return [4]any{int64(t.Person), int64(t.Enter), int64(t.Leave), int64(t.Place)}
	}); err != nil {
		return err
	}
	place := uint32(0)
	if err := s.insert(ctx, "by_place", len(p.byPlace), func(i int) [4]any {
		for uint32(i) >= p.placeStart[place+1] {
			place++
		}
		t := &p.byPlace[i]
		return [4]any{int64(place), int64(t.enter), int64(t.leave), int64(t.other)}
	}); err != nil {
		return err
	}
	for place, longest := range p.longest {
		if err := s.exec(ctx, fmt.Sprintf("INSERT INTO places VALUES (%d, %d)", place, longest)); err != nil {
			return err
		}
	}
	return s.exec(ctx, "COMMIT")
}

// insert puts n rows of four into a table, a hundred at a time.
func (s *sqlitePeer) insert(ctx context.Context, table string, n int, row func(int) [4]any) error {
	const together = 100
	prepare := func(rows int) (*sql.Stmt, error) {
		return s.conn.PrepareContext(ctx, "INSERT INTO "+table+" VALUES "+strings.Repeat("(?,?,?,?),", rows-1)+"(?,?,?,?)")
	}
	many, err := prepare(together)
	if err != nil {
		return err
	}
	defer func() { _ = many.Close() }()
	values := make([]any, 0, 4*together)
	for i := range n {
		four := row(i)
		values = append(values, four[:]...)
		if len(values) < 4*together && i+1 < n {
			continue
		}
		statement := many
		if len(values) < 4*together {
			if statement, err = prepare(len(values) / 4); err != nil {
				return err
			}
			defer func() { _ = statement.Close() }()
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return err
		}
		values = values[:0]
	}
	return nil
}

func (*sqlitePeer) formulations(q Question) []formulation {
	return dialect{
		// The joins with stays are on the place but where somebody's presences are looked for.
		text: strings.NewReplacer("GREATEST(", "MAX(", "LEAST(", "MIN(", "CROSS JOIN stays s ", "CROSS JOIN by_person s ", "JOIN stays t ", "JOIN by_place t "),
		ways: []way{
			{name: "ranges/distinct-rows", contacts: ordered, sources: distinctRows},
			{name: "ranges/distinct-count", contacts: ordered, sources: distinctCount},
		},
	}.formulations(q)
}

func (s *sqlitePeer) exec(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	return err
}

func (s *sqlitePeer) ask(ctx context.Context, query string) (d Digest, err error) {
	err = s.conn.QueryRowContext(ctx, query).Scan(&d.People, &d.Sum, &d.Hash)
	return d, err
}

func (s *sqlitePeer) reset(ctx context.Context) error {
	for _, table := range stageTables() {
		if err := s.exec(ctx, "DROP TABLE IF EXISTS temp."+table); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlitePeer) close() error {
	_ = s.conn.Close()
	return s.db.Close()
}
