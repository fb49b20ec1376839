package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore"
)

// byDay are the tables that retention drops the days of. The scans themselves go last: a day counts as there until nothing
// of it is left.
var byDay = []string{"scans_by_place", "scans_by_position", "scans"}

// partition is a partition that a server has of a table, all of one day.
type partition struct {
	server driver.Conn
	table  string
	id     string // the day as 20060102, and then perhaps a dash and more
	day    scan.Day
	rows   uint64
}

// Before implements scanstore.Dropper.
func (s *Store) Before(ctx context.Context, first scan.Day) ([]scanstore.DayCount, error) {
	servers, err := s.checkedServers(ctx)
	if err != nil {
		return nil, err
	}
	defer servers.close()
	rows := make(map[scan.Day]int64)
	for _, table := range byDay {
		for _, server := range servers {
			of, err := s.partitions(ctx, server, table)
			if err != nil {
				return nil, err
			}
			for _, p := range of {
				if p.day < first && table != "scans" {
					rows[p.day] += 0 // an earlier drop has left something of it
				} else if p.day < first {
					rows[p.day] += int64(p.rows)
				}
			}
		}
	}
	var counts []scanstore.DayCount
	for _, day := range slices.Sorted(maps.Keys(rows)) {
		counts = append(counts, scanstore.DayCount{Day: day, Scans: rows[day]})
	}
	return counts, nil
}

// checkedServers connects to all servers, where the tables are of the kind that is configured.
func (s *Store) checkedServers(ctx context.Context) (servers, error) {
	all, err := s.servers(ctx, s.options.Auth.Database)
	if err != nil {
		return nil, err
	}
	for _, server := range all {
		if err := s.checkKind(ctx, server); err != nil {
			all.close()
			return nil, err
		}
	}
	return all, nil
}

// DropBefore implements scanstore.Dropper. A day is dropped when every server has dropped it. What was derived from the scans
// and is kept by day goes with them.
func (s *Store) DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error) {
	servers, err := s.checkedServers(ctx)
	if err != nil {
		return nil, err
	}
	defer servers.close()
	if err := s.dropSealed(ctx, servers, first-sealedLater); err != nil {
		return nil, err
	}
	var all []partition
	for _, table := range byDay {
		for _, server := range servers {
			of, err := s.partitions(ctx, server, table)
			if err != nil {
				return nil, err
			}
			all = append(all, of...)
		}
	}
	// Those of a day stay in the order of the tables.
	slices.SortStableFunc(all, func(a, b partition) int { return cmp.Compare(a.day, b.day) })
	var dropped []scan.Day
	for i, p := range all {
		if p.day >= first {
			break
		}
		if err := p.server.Exec(ctx, "ALTER TABLE "+s.local(p.table)+" DROP PARTITION ID '"+p.id+"'"); err != nil {
			return dropped, fmt.Errorf("dropping %s of %s: %w", p.day, p.table, err)
		}
		if i+1 == len(all) || all[i+1].day != p.day {
			dropped = append(dropped, p.day)
		}
	}
	return dropped, nil
}

// partitions lists those that a server has of a table, oldest first.
func (s *Store) partitions(ctx context.Context, server driver.Conn, table string) ([]partition, error) {
	rows, err := server.Query(ctx, "SELECT partition_id, sum(rows) FROM system.parts"+
		" WHERE active AND database = currentDatabase() AND table = '"+s.local(table)+"' GROUP BY partition_id ORDER BY partition_id")
	if err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }()
	var all []partition
	for rows.Next() {
		p := partition{server: server, table: table}
		if err := rows.Scan(&p.id, &p.rows); err != nil {
			return nil, fmt.Errorf("listing the days of %s: %w", table, err)
		}
		day, _, _ := strings.Cut(p.id, "-")
		at, err := time.Parse("20060102", day)
		if err != nil {
			return nil, fmt.Errorf("a partition of %s names no day: %w", table, err)
		}
		p.day = scan.DayOf(at.Unix())
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	return all, nil
}

// sealedLater is how many days after the scans what was made of them is dropped here. By then whoever makes it has let it go,
// an hour after the scans, so that nobody is in the middle of reading it; this is for what is left because nobody makes it any more.
const sealedLater = 2

// dropSealed drops the finished stays of days before first: the partitions of tables named sealed_… that are (day, version).
func (s *Store) dropSealed(ctx context.Context, servers servers, first scan.Day) error {
	for _, server := range servers {
		left, err := sealedBefore(ctx, server, first)
		if err != nil {
			return fmt.Errorf("listing the days of finished stays: %w", err)
		}
		for _, p := range left {
			if err := server.Exec(ctx, "ALTER TABLE "+p.table+" DROP PARTITION ID '"+p.id+"'"); err != nil {
				return fmt.Errorf("dropping the finished stays of %s: %w", p.day, err)
			}
		}
	}
	return nil
}

func sealedBefore(ctx context.Context, server driver.Conn, first scan.Day) ([]partition, error) {
	rows, err := server.Query(ctx, "SELECT DISTINCT table, partition, partition_id FROM system.parts"+
		" WHERE active AND database = currentDatabase() AND startsWith(table, 'sealed_')")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var left []partition
	for rows.Next() {
		var p partition
		var name string
		if err := rows.Scan(&p.table, &name, &p.id); err != nil {
			return nil, err
		}
		var version uint64
		if n, _ := fmt.Sscanf(name, "(%d,%d)", &p.day, &version); n == 2 && p.day < first {
			left = append(left, p)
		}
	}
	return left, rows.Err()
}
