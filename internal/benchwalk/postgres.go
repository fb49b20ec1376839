package benchwalk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// postgresPeer is a PostgreSQL server with the stays in one table and two indices that hold all that is asked of it.
type postgresPeer struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn
}

// postgresArgs are the settings of a machine that has nothing else to do. Its shared buffers hold what is read.
func postgresArgs() []string {
	var args []string
	for _, setting := range []string{
		"shared_buffers=2GB", "effective_cache_size=8GB", "work_mem=512MB", "maintenance_work_mem=1GB", "temp_buffers=256MB",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=16GB",
		"random_page_cost=1.1", "max_parallel_workers_per_gather=2", "max_parallel_maintenance_workers=2", "jit=off", "autovacuum=off",
		"dynamic_shared_memory_type=mmap", // a container's /dev/shm may be too small for what workers share
	} {
		args = append(args, "-c", setting)
	}
	return args
}

func openPostgres(ctx context.Context, addr string) (*postgresPeer, error) {
	config, err := pgx.ParseConfig("postgres://postgres@" + addr + "/postgres")
	if err != nil {
		return nil, fmt.Errorf("reading the address of PostgreSQL: %w", err)
	}
	// A query that is given up is to end on the server too, before the next one is asked.
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 10 * time.Second}
	}
	p := &postgresPeer{config: config}
	return p, p.reset(ctx)
}

func (*postgresPeer) name() string { return postgresName }

func (p *postgresPeer) load(ctx context.Context, city *City, plain *Plain) error {
	if err := p.exec(ctx, "CREATE UNLOGGED TABLE stays (place int NOT NULL, enter int NOT NULL, leave int NOT NULL, person int NOT NULL);"+
		"CREATE UNLOGGED TABLE places (place int PRIMARY KEY, longest int NOT NULL)"); err != nil {
		return err
	}
	place := uint32(0)
	if err := p.copy(ctx, "stays", []string{"place", "enter", "leave", "person"}, len(city.Stays), func(i int) []any {
		for uint32(i) >= plain.placeStart[place+1] {
			place++
		}
		t := &plain.byPlace[i]
		return []any{int32(place), int32(t.enter), int32(t.leave), int32(t.other)}
	}); err != nil {
		return err
	}
	if err := p.copy(ctx, "places", []string{"place", "longest"}, len(plain.longest), func(i int) []any {
		return []any{int32(i), int32(plain.longest[i])}
	}); err != nil {
		return err
	}
	for _, statement := range []string{
		"CREATE INDEX ON stays (place, enter, leave, person)",
		"CREATE INDEX ON stays (person, enter, leave, place)",
		"VACUUM ANALYZE stays",
		"VACUUM ANALYZE places",
	} {
		if err := p.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (p *postgresPeer) copy(ctx context.Context, table string, columns []string, n int, row func(int) []any) error {
	_, err := p.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	return err
}

func (*postgresPeer) formulations(q Question) []formulation {
	return dialect{
		// The tables of stages are ordinary ones without a log, since workers that help with a query do not see temporary ones.
		text:    strings.NewReplacer("CREATE TEMP TABLE", "CREATE UNLOGGED TABLE"),
		analyze: true,
		ways: []way{
			{name: "look-ups/distinct-rows", contacts: looked, sources: distinctRows},
			{name: "join/distinct-rows", contacts: joined, sources: distinctRows},
			{name: "look-ups/distinct-count", contacts: looked, sources: distinctCount},
			{name: "hash-slots/distinct-rows", stages: []string{inSlots, "ANALYZE slots"}, contacts: hashed, sources: distinctRows},
		},
	}.formulations(q)
}

func (p *postgresPeer) exec(ctx context.Context, statement string) error {
	_, err := p.conn.Exec(ctx, statement)
	return err
}

func (p *postgresPeer) ask(ctx context.Context, query string) (d Digest, err error) {
	err = p.conn.QueryRow(ctx, query, pgx.QueryExecModeSimpleProtocol).Scan(&d.People, &d.Sum, &d.Hash)
	return d, err
}

func (p *postgresPeer) reset(ctx context.Context) error {
	if p.conn == nil || p.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, p.config)
		if err != nil {
			return fmt.Errorf("connecting to PostgreSQL: %w", err)
		}
		p.conn = conn
	}
	return p.exec(ctx, "DROP TABLE IF EXISTS "+strings.Join(stageTables(), ", "))
}

func (p *postgresPeer) close() error { return p.conn.Close(context.Background()) }
