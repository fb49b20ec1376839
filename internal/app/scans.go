package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/telemetry"
)

// Scans is the log, the store and what traces read, in either mode. What uses it cannot tell which.
type Scans struct {
	Log       scanlog.Log
	Progress  scanlog.Progress
	Snapshots cases.Snapshots
	Queue     func() (waiting, bound int) // scans that wait for their commit

	checks  []telemetry.Check // of this mode alone
	dropper scanstore.Dropper
	memory  *snapshot.Memory // nil when traces read the store itself
	sealer  *sealer          // nil when they do not
	close   []func() error
}

// maxWait is how long a scan may have to wait for its commit, as it looks when it comes: beyond it the sender is told at once
// to come again.
const maxWait = 400 * time.Millisecond

// openScans opens the mode that the configuration chooses.
func openScans(ctx context.Context, office *Office, logger *slog.Logger) (*Scans, error) {
	cfg := office.Config
	if cfg.Cluster() {
		return openCluster(ctx, office, logger)
	}
	store, err := sqlite.Open(ctx, cfg.ScansDir(), sqlite.Options{MaxWait: maxWait})
	if err != nil {
		return nil, err
	}
	s := &Scans{Log: store, Progress: store, Queue: store.Queue, dropper: store, close: []func() error{store.Close}}
	s.memory = snapshot.NewMemory(office.Registry, store, inMemory(office, store, logger))
	s.Snapshots = s.memory
	return s, nil
}

// inMemory is what the index of stays may take, and where it is kept.
func inMemory(office *Office, store scanstore.Holding, logger *slog.Logger) snapshot.Options {
	return snapshot.Options{
		Store: store, Budget: office.Config.Budget(), Dir: office.Config.IndexDir(), Retention: office.Config.Retention(),
		Clock: office.Clock, Logger: logger,
	}
}

// Run keeps the index of stays up to date until ctx ends. It returns at once where traces read the store itself.
//
// By itself Go lets garbage take as much room as what is in use, and the index alone may take half of the machine: so the
// collector is told to stay within four fifths of it, unless GOMEMLIMIT says otherwise.
func (s *Scans) Run(ctx context.Context) {
	if s.memory == nil {
		return
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(config.MachineMemory() / 5 * 4))
	}
	s.memory.Run(ctx)
}

// Index returns how the index of stays is, and false where traces read the store itself.
func (s *Scans) Index() (snapshot.Status, bool) {
	if s.memory == nil {
		return snapshot.Status{}, false
	}
	return s.memory.Status(), true
}

// forgetBefore forgets the days before first in memory, where the store has dropped them.
func (s *Scans) forgetBefore(first scan.Day) {
	if s.memory != nil {
		s.memory.DropBefore(first)
	}
}

// Close closes the log first, so that what it has taken is durable.
func (s *Scans) Close() error {
	var faults []error
	for _, closing := range s.close {
		faults = append(faults, closing())
	}
	return errors.Join(faults...)
}
