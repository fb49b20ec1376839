package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
)

// ReadStored gives the stored scans from a day on, beside a server that may be running. In the cluster mode it first waits, at
// most for patience, until the workers have stored what the log had when it was called, and it gives rows of all days. The
// block is reused after yield returns.
func ReadStored(ctx context.Context, cfg *config.Config, first scan.Day, patience time.Duration, yield func([]scan.Scan) error) error {
	if !cfg.Cluster() {
		return sqlite.Export(ctx, cfg.ScansDir(), first, yield)
	}
	log, err := redisstream.Open(cfg.RedisURL, redisstream.Options{Layout: layout(cfg)})
	if err != nil {
		return fmt.Errorf("TRUYVET_REDIS_URL: %w", err)
	}
	defer func() { _ = log.Close() }()
	tail, err := log.Tail(ctx)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for look := time.NewTicker(100 * time.Millisecond); ; {
		stored, err := log.Stored(waiting)
		if err != nil {
			return err
		}
		if stored.Covers(tail) {
			look.Stop()
			break
		}
		select {
		case <-look.C:
		case <-waiting.Done():
			look.Stop()
			return errors.Join(fmt.Errorf("the workers have not stored everything within %s (does one run?)", patience), ctx.Err())
		}
	}
	store, err := clickhouse.Open(cfg.ClickHouseURL, cfg.ClickHouseCluster)
	if err != nil {
		return fmt.Errorf("TRUYVET_CLICKHOUSE_URL: %w", err)
	}
	return errors.Join(store.Read(ctx, nil, tail, yield), store.Close())
}
