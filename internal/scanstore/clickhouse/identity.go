package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ID returns a random id that this store has and no other: tables that are made anew have another one.
func (s *Store) ID(ctx context.Context) (uuid.UUID, error) {
	id, err := s.identity(ctx)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	if err := s.conn.Exec(ctx, "INSERT INTO identity (id) SELECT toUUID('"+uuid.NewString()+"')"); err != nil {
		return uuid.Nil, fmt.Errorf("giving the scan store an id: %w", err)
	}
	return s.identity(ctx) // perhaps that of another process, which asked at the same time
}

func (s *Store) identity(ctx context.Context) (id uuid.UUID, err error) {
	if err := s.conn.QueryRow(ctx, "SELECT id FROM identity ORDER BY id LIMIT 1").Scan(&id); err != nil {
		return uuid.Nil, fmt.Errorf("reading the id of the scan store: %w", err)
	}
	return id, nil
}
