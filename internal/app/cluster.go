package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanmem"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/telemetry"
	"github.com/truyvet/truyvet/internal/worker"
)

// openCluster opens Redis and ClickHouse. Neither need be there yet: until they are, scans and traces are answered with
// errors that say so.
func openCluster(ctx context.Context, office *Office, logger *slog.Logger) (*Scans, error) {
	cfg := office.Config
	log, err := redisstream.Open(cfg.RedisURL, redisstream.Options{Layout: layout(cfg), MaxWait: maxWait})
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_REDIS_URL: %w", err)
	}
	sayFindings(ctx, log, logger)
	store, err := clickhouse.Open(cfg.ClickHouseURL, cfg.ClickHouseCluster)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("TRUYVET_CLICKHOUSE_URL: %w", err), log.Close())
	}
	s := &Scans{
		Log: log, Progress: log, Queue: log.Queue, dropper: store, close: []func() error{log.Close, store.Close},
		checks: []telemetry.Check{backlogCheck(log.Backlog), settingsCheck(log.Check), answers("scan_store", false, store.Ping)},
	}
	if cfg.TraceSource != "memory" {
		s.sealer = newSealer(cfg, office.Registry, log, store, logger)
	}
	if cfg.TraceSource == "clickhouse" {
		s.Snapshots = s.sealer.direct
		return s, scanmem.Remove(cfg.IndexDir())
	}
	o := inMemory(office, store, logger)
	if cfg.TraceSource == "auto" {
		o.Beyond = "traces read ClickHouse"
	}
	s.memory = snapshot.NewMemory(office.Registry, snapshot.NewTail(log, store), o)
	s.Snapshots = s.memory
	if cfg.TraceSource == "auto" {
		s.Snapshots = snapshot.NewFitting(s.memory, s.sealer.direct)
	}
	return s, nil
}

// sayFindings says how Redis is set, in the log.
func sayFindings(ctx context.Context, log *redisstream.Log, logger *slog.Logger) {
	findings, err := log.Check(ctx)
	switch {
	case err != nil:
		logger.Warn("the settings of Redis could not be checked", "error", err)
	case len(findings) == 0:
		logger.Info("the settings of Redis keep what it accepts", "appendonly", "yes", "appendfsync", "always", "maxmemory-policy", "noeviction")
	}
	for _, finding := range findings {
		logger.Warn("a setting of Redis endangers accepted scans", "finding", finding.String())
	}
}

// layout is the streams that servers and workers share.
func layout(cfg *config.Config) redisstream.Layout {
	return redisstream.Layout{Shards: cfg.Shards, MaxLen: int64(cfg.StreamLimit)}
}

// OpenDeadLetters opens what workers could not read. Close it when done.
func OpenDeadLetters(cfg *config.Config) (*redisstream.DeadLetters, error) {
	if !cfg.Cluster() {
		return nil, errors.New("there are dead letters in the cluster mode alone: TRUYVET_REDIS_URL is not set")
	}
	dead, err := redisstream.OpenDeadLetters(cfg.RedisURL, redisstream.Options{Layout: layout(cfg)})
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_REDIS_URL: %w", err)
	}
	return dead, nil
}

// Migrate brings every table up to this program's version.
func Migrate(ctx context.Context, cfg *config.Config) error {
	if cfg.SecretsText == "" {
		if err := config.UpgradeSecrets(cfg.SecretsFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	registry, err := sqlstore.Open(ctx, cfg.Registry())
	if err != nil {
		return err
	}
	if err := errors.Join(registry.Migrate(ctx), registry.Close()); err != nil {
		return err
	}
	if !cfg.Cluster() {
		return nil
	}
	store, err := clickhouse.Open(cfg.ClickHouseURL, cfg.ClickHouseCluster)
	if err != nil {
		return fmt.Errorf("TRUYVET_CLICKHOUSE_URL: %w", err)
	}
	return errors.Join(store.Migrate(ctx), store.Close())
}

// Work carries scans from Redis to ClickHouse until ctx ends, and then finishes what it has begun.
func Work(ctx context.Context, cfg *config.Config, logger *slog.Logger) (err error) {
	if !cfg.Cluster() {
		return errors.New("a worker needs TRUYVET_REDIS_URL and TRUYVET_CLICKHOUSE_URL: standalone, serve stores the scans itself")
	}
	name := cfg.WorkerName
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("TRUYVET_WORKER_NAME is not set, and the machine's name cannot be read: %w", err)
		}
	}
	store, err := clickhouse.Open(cfg.ClickHouseURL, cfg.ClickHouseCluster)
	if err != nil {
		return fmt.Errorf("TRUYVET_CLICKHOUSE_URL: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	consumer, err := redisstream.OpenConsumer(cfg.RedisURL, redisstream.ConsumerOptions{
		Layout: layout(cfg), Name: name, ClaimIdle: time.Duration(cfg.ClaimSeconds) * time.Second, Retention: cfg.Retention(), Log: logger,
	})
	if err != nil {
		return fmt.Errorf("TRUYVET_REDIS_URL: %w", err)
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	metrics, err := telemetry.NewRegistry()
	if err != nil {
		return err
	}
	carrying, err := telemetry.NewCarrying(metrics)
	if err != nil {
		return fmt.Errorf("registering the metrics of a worker: %w", err)
	}
	board := telemetry.NewBoard(logger, time.Now,
		answers("scan_store", true, store.Ping), answers("scan_log", true, func(ctx context.Context) error { _, err := consumer.Backlog(ctx); return err }),
		backlogCheck(consumer.Backlog))
	operators, err := openOperations(cfg, config.WorkerProcess, metrics, board, logger)
	if err != nil {
		return err
	}
	defer operators.run(logger)()
	defer context.AfterFunc(ctx, board.Stop)()
	logger.Info("carrying scans to the store", "worker", name, "shards", cfg.Shards)
	return worker.New(carrying.CountConsumer(consumer), carrying.TimeWriter(store), worker.Options{Log: logger}).Run(ctx)
}
