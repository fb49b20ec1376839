package clickhouse

import (
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

// DropBefore implements scanstore.Dropper. A day is dropped when every server has dropped it.
func (s *Store) DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error) {
	all, err := s.servers(ctx, s.options.Auth.Database)
	if err != nil {
		return nil, err
	}
	defer all.close()
	var days []scan.Day
	for _, server := range all {
		if err := s.checkKind(ctx, server); err != nil {
			return nil, err
		}
		for _, table := range byDay {
			of, err := s.days(ctx, server, table)
			if err != nil {
				return nil, err
			}
			days = append(days, of...)
		}
	}
	slices.Sort(days)
	var dropped []scan.Day
	for _, day := range slices.Compact(days) {
		if day >= first {
			break
		}
		if err := s.dropDay(ctx, all, day); err != nil {
			return dropped, err
		}
		dropped = append(dropped, day)
	}
	return dropped, nil
}

func (s *Store) dropDay(ctx context.Context, all servers, day scan.Day) error {
	for _, table := range byDay {
		for _, server := range all {
			if err := server.Exec(ctx, "ALTER TABLE "+s.local(table)+" DROP PARTITION "+partition(day)); err != nil {
				return fmt.Errorf("dropping %s of %s: %w", day, table, err)
			}
		}
	}
	return nil
}

// days lists the days that a server has partitions of in a table.
func (s *Store) days(ctx context.Context, server driver.Conn, table string) ([]scan.Day, error) {
	rows, err := server.Query(ctx, "SELECT DISTINCT partition FROM system.parts"+
		" WHERE active AND database = currentDatabase() AND table = '"+s.local(table)+"' ORDER BY partition")
	if err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }()
	var days []scan.Day
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("listing the days of %s: %w", table, err)
		}
		at, err := time.Parse("20060102", name)
		if err != nil {
			return nil, fmt.Errorf("a partition of %s names no day: %w", table, err)
		}
		days = append(days, scan.DayOf(at.Unix()))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	return days, nil
}

// partition is the partition that a day is in, as queries write it.
func partition(day scan.Day) string { return strings.ReplaceAll(day.String(), "-", "") }
