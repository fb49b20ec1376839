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

// AwaitStored waits, at most for patience, until the workers have stored what the log had when it was called. In the
// standalone mode what is logged is stored.
func AwaitStored(ctx context.Context, cfg *config.Config, patience time.Duration) error {
	if !cfg.Cluster() {
		return nil
	}
	log, err := openLog(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	tail, err := log.Tail(ctx)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		stored, err := log.Stored(waiting)
		if err != nil {
			return err
		}
		if stored.Covers(tail) {
			return nil
		}
		select {
		case <-look.C:
		case <-waiting.Done():
			return errors.Join(fmt.Errorf("the workers have not stored everything within %s (does one run?)", patience), ctx.Err())
		}
	}
}

// ReadStored gives the stored scans from a day on, beside a server that may be running; in the cluster mode rows of all days.
// The block is reused after yield returns.
func ReadStored(ctx context.Context, cfg *config.Config, first scan.Day, yield func([]scan.Scan) error) error {
	if !cfg.Cluster() {
		return sqlite.Export(ctx, cfg.ScansDir(), first, yield)
	}
	log, err := openLog(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	stored, err := log.Stored(ctx)
	if err != nil {
		return err
	}
	store, err := clickhouse.Open(cfg.ClickHouseURL, cfg.ClickHouseCluster)
	if err != nil {
		return fmt.Errorf("TRUYVET_CLICKHOUSE_URL: %w", err)
	}
	return errors.Join(store.Read(ctx, nil, stored, yield), store.Close())
}

func openLog(cfg *config.Config) (*redisstream.Log, error) {
	log, err := redisstream.Open(cfg.RedisURL, redisstream.Options{Layout: layout(cfg)})
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_REDIS_URL: %w", err)
	}
	return log, nil
}
