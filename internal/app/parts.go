// Package app builds everything from the configuration, runs it, and drains it in order.
package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/retention"
	"github.com/truyvet/truyvet/internal/telemetry"
	"github.com/truyvet/truyvet/internal/trips"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// Office is the part of a process that works on the registry alone, which commands may do while a server runs.
type Office struct {
	Config     *config.Config
	Clock      func() time.Time
	Secrets    config.Secrets
	Registry   *sqlstore.Store
	Audit      *audit.Log
	Accounts   *account.Service
	Pseudonyms *citizen.Pseudonyms
	Vault      *vault.Vault
	secrets    *secretsFile
	tries      ratelimit.SharedDeps
}

// OpenOffice opens the registry. Close it when done.
func OpenOffice(ctx context.Context, cfg *config.Config, clock func() time.Time) (*Office, error) {
	secrets, err := cfg.Secrets()
	if err != nil {
		return nil, err
	}
	followed, err := followSecrets(cfg, secrets)
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.Open(ctx, cfg.Registry())
	if err != nil {
		return nil, err
	}
	log, err := audit.New(store, secrets.Audit, clock)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	o := &Office{
		Config: cfg, Clock: clock, Secrets: secrets, Registry: store, Audit: log,
		Pseudonyms: followed.pseudonyms, Vault: vault.New(followed.ring, store, log, clock), secrets: followed,
	}
	o.tries = ratelimit.SharedDeps{Buckets: store, Clock: clock}
	if o.tries.Key, err = o.derived(triesContext, sha256.Size); err == nil {
		o.Accounts, err = o.openAccounts()
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return o, nil
}

// What tells the keys apart that are made from the page key (RFC 5869).
const (
	factorContext = "truyvet/second-factor/v1"
	triesContext  = "truyvet/tries/v1"
)

// derived returns the key of a context.
func (o *Office) derived(context string, size int) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, o.Secrets.Page, nil, context, size)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

// openAccounts returns the accounts of the registry.
func (o *Office) openAccounts() (*account.Service, error) {
	key, err := o.derived(factorContext, account.KeySize)
	if err != nil {
		return nil, err
	}
	var need []registry.Role
	for _, role := range o.Config.FactorRoles() {
		need = append(need, registry.Role(role))
	}
	return account.New(account.Deps{Store: o.Registry, Audit: o.Audit, Clock: o.Clock, Tries: o.tries, Key: key, NeedFactor: need})
}

// Importer returns what takes in places from files.
func (o *Office) Importer() (*places.Importer, error) {
	keys, err := openKeyFile(o.Config.KeyFile)
	if err != nil {
		return nil, err
	}
	forms, err := offeredForms(o.Config.FormsDir)
	if err != nil {
		return nil, err
	}
	return &places.Importer{
		Intake: o.Registry, Keys: keys.keys, Clock: o.Clock, Forms: declaration.Names(forms), Most: o.Config.PlaceLimit,
	}, nil
}

// Places returns what is known of places and codes at this moment.
func (o *Office) Places(ctx context.Context) (*places.Service, error) {
	keys, err := openKeyFile(o.Config.KeyFile)
	if err != nil {
		return nil, err
	}
	known := places.New(o.Registry, keys.keys, o.Clock)
	return known, known.Refresh(ctx)
}

// Register returns what takes in posters that were printed without a server.
func (o *Office) Register() (*places.Register, error) {
	keys, err := openKeyFile(o.Config.KeyFile)
	if err != nil {
		return nil, err
	}
	return &places.Register{Store: o.Registry, Keys: keys.keys, Clock: o.Clock}, nil
}

// Close closes the registry.
func (o *Office) Close() error { return o.Registry.Close() }

// Parts is everything that a server is made of. Close it when done.
type Parts struct {
	*Office
	Location    *time.Location
	Logger      *slog.Logger
	Keys        *qrgen.KeySet
	keyFile     *keyFile
	keysEntered bool // in the audit log; used by refresh alone
	Scans       *Scans
	Places      *places.Service
	PlaceFiles  *places.Files
	Trips       *trips.Service
	Credentials *citizen.Credentials
	Proofs      *citizen.Proofs
	Gate        *citizen.Gate
	Dependants  *citizen.Dependants
	Erasures    *citizen.Erasures
	History     *citizen.History
	Retention   *retention.Service
	Ingest      *ingest.Ingest
	Cases       *cases.Service
	Printing    *printing.Service
	Declared    *declaration.Service
	Turnout     *turnout.Service

	registry *prometheus.Registry // of this process's metrics
	metrics  *telemetry.Metrics
	limits   *limits
	taking   telemetry.Ingest // Ingest, counted and limited: what people send goes through it
}

// Open builds the parts. What the configuration names and is not there is an error that says which command makes it.
func Open(ctx context.Context, cfg *config.Config, logger *slog.Logger, clock func() time.Time) (_ *Parts, err error) {
	office, err := OpenOffice(ctx, cfg, clock)
	if err != nil {
		return nil, err
	}
	p := &Parts{Office: office, Logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.Location, err = cfg.Location(); err != nil {
		return nil, err
	}
	if p.keyFile, err = openKeyFile(cfg.KeyFile); err != nil {
		return nil, err
	}
	p.Keys = p.keyFile.keys
	if p.Scans, err = openScans(ctx, office, logger); err != nil {
		return nil, err
	}
	return p, p.build(ctx)
}

// build makes the services from what is open.
func (p *Parts) build(ctx context.Context) error {
	forms, err := offeredForms(p.Config.FormsDir)
	if err != nil {
		return err
	}
	names := declaration.Names(forms)
	p.Places = places.New(p.Registry, p.Keys, p.Clock, names...).Bounded(p.Config.PlaceLimit)
	p.PlaceFiles = &places.Files{
		Importer: &places.Importer{Intake: p.Registry, Keys: p.Keys, Clock: p.Clock, Forms: names, Most: p.Config.PlaceLimit},
		Shelf:    p.Registry, Service: p.Places, Audit: p.Audit,
	}
	p.Trips = trips.New(trips.Deps{Store: p.Registry, Kind: p.Places.Kind, Clock: p.Clock, Keep: p.Config.Retention()})
	if p.Credentials, err = citizen.NewCredentials(p.Secrets.Credential, p.Clock); err != nil {
		return err
	}
	if p.registry, err = telemetry.NewRegistry(); err != nil {
		return err
	}
	if p.metrics, err = telemetry.NewMetrics(p.registry); err != nil {
		return fmt.Errorf("registering the metrics: %w", err)
	}
	p.Proofs = citizen.NewProofs(citizen.ProofDeps{
		Store: p.Registry, Pseudonyms: p.Pseudonyms, Credentials: p.Credentials, Sender: p.sender(), Locker: p.secrets.ring,
		Vault: p.Vault, Tries: p.tries, Clock: p.Clock,
	})
	p.Gate = citizen.NewGate(p.Pseudonyms, p.Keys, p.Registry, p.Vault, p.Clock)
	p.Dependants = citizen.NewDependants(p.Registry, p.Pseudonyms, p.Vault, p.Clock)
	p.Erasures = citizen.NewErasures(p.Registry, p.Audit, p.Config.ListAge(), p.Clock)
	p.History = citizen.NewHistory(citizen.HistoryDeps{
		People: p.Registry, Snapshots: p.Scans.Snapshots, Openings: p.Audit, Trips: p.Registry, Clock: p.Clock, Delay: p.Config.OpenedDelay(),
	})
	p.Retention = p.retention(p.Scans.dropper, present{p.Scans.Snapshots, p.Clock})
	p.Ingest = ingest.New(ingest.Config{
		Keys: p.Keys, Log: p.metrics.TimeLog(p.Scans.Log), Ends: p.Places.Ends, Retention: p.Config.Retention(), Clock: p.Clock,
		Trips:  p.Trips.At,
		Closed: func(place uuid.UUID, at int64) bool { return p.Places.Closed(place, time.Unix(at, 0).In(p.Location)) },
	})
	p.limits = newLimits(p.Config.DeviceLimit, p.Config.AddressLimit, p.metrics, p.Clock)
	p.taking = &limitedIngest{Ingest: p.metrics.CountIngest(p.Ingest), limits: p.limits}
	p.Cases = cases.New(cases.Deps{
		People: p.Registry, Book: p.Registry, Runs: p.Registry, Listings: p.Registry, Approvals: p.Registry, Vault: p.Vault, Aliases: p.Pseudonyms, Places: p.Places,
		Trips:     p.Registry,
		Snapshots: p.Scans.Snapshots, Audit: p.Audit, Clock: p.Clock, Location: p.Location,
	})
	p.Printing = printing.New(printing.Deps{
		Store: p.Registry, Names: p.Places, Ends: p.Places.Ends, Base: p.Config.BaseURL, Location: p.Location, Dir: filepath.Join(p.Config.DataDir, "posters"),
		Clock: p.Clock, Logger: p.Logger,
	})
	if p.Declared, err = declaration.New(ctx, declaration.Deps{
		Offered: forms, Store: p.Registry, Vault: p.Vault, People: p.Registry, Places: p.Places, Ledger: p.Audit, Clock: p.Clock, Location: p.Location,
		Logger: p.Logger,
	}); err != nil {
		return err
	}
	p.Turnout = turnout.New(p.Scans.Snapshots, p.Trips, p.Clock, p.Location)
	return p.refresh(ctx)
}

// offeredForms reads the forms that places can ask for: those of the program, and the operator's where there is a folder of them.
func offeredForms(dir string) ([]declaration.Form, error) {
	if dir == "" {
		return declaration.Offered(nil)
	}
	forms, err := declaration.Offered(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_FORMS: %w", err)
	}
	return forms, nil
}

// refresh takes over what other processes, or commands, have written to the registry and to the key file.
func (p *Parts) refresh(ctx context.Context) error {
	keysChanged, keysErr := p.keyFile.refresh()
	keysErr = errors.Join(keysErr, p.secrets.refresh())
	if keysChanged || !p.keysEntered {
		entered := p.enterKeys(ctx)
		p.keysEntered = entered == nil
		keysErr = errors.Join(keysErr, entered)
	}
	placesErr, tripsErr := p.Places.Refresh(ctx), p.Trips.Refresh(ctx)
	revoked, revokedErr := p.Registry.RevokedCredentials(ctx)
	if revokedErr != nil {
		revokedErr = fmt.Errorf("reading revoked credentials: %w", revokedErr)
	} else {
		p.Credentials.SetRevoked(revoked)
	}
	return errors.Join(keysErr, placesErr, tripsErr, revokedErr)
}

// Close stops drawing posters, and closes what is open: first the log, so that whatever it has taken is durable, then the registry.
func (p *Parts) Close() error {
	var fault error
	if p.Printing != nil {
		fault = p.Printing.Close()
	}
	if p.Scans != nil {
		fault = errors.Join(fault, p.Scans.Close())
	}
	return errors.Join(fault, p.Office.Close())
}

// Init makes the data folder with new keys and secrets, and an empty registry. What is there already stays as it is.
func Init(ctx context.Context, cfg *config.Config, clock func() time.Time) error {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	if _, err := os.Stat(cfg.SecretsFile); cfg.SecretsText == "" && errors.Is(err, os.ErrNotExist) {
		if err := config.WriteSecrets(cfg.SecretsFile, config.NewSecrets()); err != nil {
			return err
		}
	}
	if _, err := os.Stat(cfg.KeyFile); errors.Is(err, os.ErrNotExist) {
		keys := qrgen.NewKeySet()
		if _, err := keys.Create(clock()); err != nil {
			return fmt.Errorf("making a signing key: %w", err)
		}
		if err := keys.CreateFile(cfg.KeyFile); err != nil {
			return fmt.Errorf("writing the signing keys: %w", err)
		}
	}
	return Migrate(ctx, cfg)
}
