package clickhouse

import (
	"context"
	"fmt"
)

// Ping says whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("asking ClickHouse for an answer: %w", err)
	}
	return nil
}
