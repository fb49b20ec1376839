package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/retention"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

// retention makes what purges a scan store and the registry.
func (o *Office) retention(scans scanstore.Dropper, presence retention.Presence) *retention.Service {
	return retention.New(retention.Deps{
		Scans: scans, Lists: o.Registry, Expiring: o.Registry, Trips: o.Registry, Vault: o.Registry, Presence: presence, Turns: o.Registry, Ledger: o.Audit,
		Clock: o.Clock, ScanAge: o.Config.Retention(), ListAge: o.Config.ListAge(),
	})
}

// present says who has scans, as traces find them.
type present struct {
	snapshots cases.Snapshots
	clock     func() time.Time
}

// Present implements retention.Presence.
func (p present) Present(ctx context.Context, people []uuid.UUID) (map[uuid.UUID]bool, error) {
	now := p.clock().Unix()
	sight, err := p.snapshots.Snapshot(ctx, now)
	for errors.Is(err, snapshot.ErrLoading) { // a server that has just begun; its purge has the time
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
			sight, err = p.snapshots.Snapshot(ctx, now)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("taking a snapshot: %w", err)
	}
	windows := make([]tracing.PersonWindow, len(people))
	for i, person := range people {
		windows[i] = tracing.PersonWindow{Person: person, To: now + 1}
	}
	there := make(map[uuid.UUID]bool)
	err = sight.Source.OfPeople(ctx, tracing.ScopePlace, windows, func(i int, _ tracing.United) error {
		there[people[i]] = true
		return nil
	})
	return there, err
}

// purge lets go, once a day and in one process, of what is kept no longer. What this process has in memory of it goes too, whoever
// has dropped the rest.
func (p *Parts) purge(ctx context.Context) error {
	gone, err := p.Retention.RunDaily(ctx)
	for _, of := range gone.Days {
		p.Logger.Info("dropped the scans of a day", "day", of.Day.String(), "scans", of.Scans)
	}
	if len(gone.Runs) > 0 || gone.Expired > 0 || gone.Dated > 0 || gone.Trips > 0 || gone.People > 0 {
		p.Logger.Info("dropped what is kept no longer", "lists", len(gone.Runs), "expired", gone.Expired, "declarations", gone.Dated,
			"trips", gone.Trips, "people", gone.People)
	}
	p.Scans.forgetBefore(p.Retention.FirstDay())
	return err
}

// forgetTries drops what is counted of tries and counts no more.
func (p *Parts) forgetTries(ctx context.Context) error {
	return p.Registry.DropFull(ctx, p.Clock().Unix())
}

// exportHead writes the signed head of the audit log, once a day into each folder.
func (p *Parts) exportHead(ctx context.Context) error {
	wrote, err := p.Audit.ExportHead(ctx, p.Config.HeadDirs()...)
	if wrote {
		p.Logger.Info("wrote the head of the audit log", "folders", p.Config.HeadDirs())
	}
	return err
}

// PlanPurge says what a purge would let go, beside a server that may be running.
func PlanPurge(ctx context.Context, cfg *config.Config, clock func() time.Time) (due retention.Purge, err error) {
	o, err := OpenOffice(ctx, cfg, clock)
	if err != nil {
		return due, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if !cfg.Cluster() {
		return o.retention(listed{dir: cfg.ScansDir()}, nil).Plan(ctx)
	}
	store, err := clickhouse.Open(cfg.ClickHouseURL, cfg.ClickHouseCluster)
	if err != nil {
		return due, fmt.Errorf("TRUYVET_CLICKHOUSE_URL: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return o.retention(store, nil).Plan(ctx)
}

// listed is a scan directory that another process may be using: it can be looked at, and nothing else.
type listed struct {
	scanstore.Dropper
	dir string
}

// Before implements scanstore.Dropper.
func (l listed) Before(ctx context.Context, first scan.Day) ([]scanstore.DayCount, error) {
	return sqlite.Before(ctx, l.dir, first)
}
