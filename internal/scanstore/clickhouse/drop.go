package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/truyvet/truyvet/internal/scan"
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
}

// DropBefore implements scanstore.Dropper. A day is dropped when every server has dropped it.
func (s *Store) DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error) {
	servers, err := s.servers(ctx, s.options.Auth.Database)
	if err != nil {
		return nil, err
	}
	defer servers.close()
	for _, server := range servers {
		if err := s.checkKind(ctx, server); err != nil {
			return nil, err
		}
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
	rows, err := server.Query(ctx, "SELECT DISTINCT partition_id FROM system.parts"+
		" WHERE active AND database = currentDatabase() AND table = '"+s.local(table)+"' ORDER BY partition_id")
	if err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }()
	var all []partition
	for rows.Next() {
		p := partition{server: server, table: table}
		if err := rows.Scan(&p.id); err != nil {
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
