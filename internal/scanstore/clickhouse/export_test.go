package clickhouse

import "context"

// MigrateTo brings the tables to what the migrations up to one made of them.
func (s *Store) MigrateTo(ctx context.Context, last string) error {
	var files []string
	all, err := migrations.ReadDir("migrations")
	for _, file := range all {
		if file.Name() <= last {
			files = append(files, "migrations/"+file.Name())
		}
	}
	if err != nil {
		return err
	}
	return s.migrate(ctx, files)
}

// SetStretchRows sets about how many rows a query of Read asks for.
func (s *Store) SetStretchRows(n uint64) { s.stretchRows = n }

// CountHeld returns how many scans each server holds.
func (s *Store) CountHeld(ctx context.Context) ([]uint64, error) {
	all, err := s.servers(ctx, s.options.Auth.Database)
	if err != nil {
		return nil, err
	}
	defer all.close()
	counts := make([]uint64, len(all))
	for i, server := range all {
		if err := server.QueryRow(ctx, "SELECT count() FROM "+s.local("scans")).Scan(&counts[i]); err != nil {
			return nil, err
		}
	}
	return counts, nil
}
