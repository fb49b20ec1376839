package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/telemetry"
)

// operations answers operators beside what a process is for.
type operations struct {
	server   telemetry.Operations
	listener net.Listener // nil where nothing is answered
}

// openOperations listens for operators where the configuration says. An address that was chosen and cannot be had is an
// error; the default one is a convenience, and the process goes on without.
func openOperations(cfg *config.Config, process string, metrics *prometheus.Registry, board *telemetry.Board, logger *slog.Logger) (*operations, error) {
	o := &operations{server: telemetry.Operations{Process: process, Board: board, Metrics: metrics, Logger: logger}}
	if err := telemetry.CollectBoard(metrics, board); err != nil {
		return nil, fmt.Errorf("registering the metrics of health: %w", err)
	}
	address, chosen := cfg.OpsAddress(process)
	if address == "" {
		return o, nil
	}
	listener, err := net.Listen("tcp", address)
	switch {
	case err != nil && chosen:
		return nil, fmt.Errorf("TRUYVET_OPS_LISTEN: listening: %w", err)
	case err != nil:
		logger.Warn("no metrics: the default address for them is taken; set TRUYVET_OPS_LISTEN", "address", address, "error", err)
		return o, nil
	}
	o.listener = listener
	logger.Info("metrics and health", "url", "http://"+listener.Addr().String()+"/metrics")
	return o, nil
}

// run answers until the function that it returns is called, which waits for the end.
func (o *operations) run(logger *slog.Logger) (stop func()) {
	if o.listener == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var answering sync.WaitGroup
	answering.Go(func() {
		if err := o.server.Serve(ctx, o.listener); err != nil {
			logger.Error("metrics and health are answered no more", "error", err)
		}
	})
	return func() {
		cancel()
		answering.Wait()
	}
}
