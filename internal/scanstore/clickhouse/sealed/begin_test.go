package sealed

import (
	"context"
	"errors"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// crowded is connections of which none is free for the next so many queries.
type crowded struct {
	driver.Conn
	turns, asked int
	then         error
}

func (c *crowded) Query(context.Context, string, ...any) (driver.Rows, error) {
	c.asked++
	if c.turns--; c.turns >= 0 {
		return nil, clickhouse.ErrAcquireConnTimeout
	}
	return nil, c.then
}

func TestAWalkWaitsForAConnection(t *testing.T) {
	refused := errors.New("refused")
	for _, c := range []struct {
		name  string
		turns int
		asked int
		want  error
	}{
		{"at once", 0, 1, nil},
		{"after others", 3, 4, nil},
		{"refused then", 2, 3, refused},
		{"never", 1000, patience, clickhouse.ErrAcquireConnTimeout},
	} {
		conn := &crowded{turns: c.turns, then: c.want}
		_, err := (&Stays{conn: conn}).begin(t.Context(), "SELECT 1")
		if !errors.Is(err, c.want) || conn.asked != c.asked {
			t.Errorf("%s: asked %d times, %v", c.name, conn.asked, err)
		}
	}
}
