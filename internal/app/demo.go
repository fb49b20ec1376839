package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/demo"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/trips"
	"github.com/truyvet/truyvet/internal/webui/staff"
	"github.com/truyvet/truyvet/tracing"
)

// DemoRetentionDays is how long the demo keeps scans: its month and some days to look at it.
const DemoRetentionDays = 35

// demoFile says, in the data folder, that the made-up data is loaded, and what the home page shows of it.
const demoFile = "demo.json"

// DemoData returns what the home page shows of made-up data, and whether the data folder has any.
func (o *Office) DemoData() (*staff.Demo, bool, error) {
	text, err := os.ReadFile(o.demoPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading what is known of the made-up data: %w", err)
	}
	var d staff.Demo
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, false, fmt.Errorf("%s is damaged; remove the data folder to begin anew: %w", o.demoPath(), err)
	}
	return &d, true, nil
}

func (o *Office) demoPath() string { return filepath.Join(o.Config.DataDir, demoFile) }

// LoadDemo makes up a district, loads it through the ingest path, and traces its cases once. The data folder must hold no
// records yet. progress is told how many of the scans are loaded. It returns the run.
func (p *Parts) LoadDemo(ctx context.Context, size demo.Size, progress func(done, total int)) (registry.Run, error) {
	if areas, err := p.Registry.Areas(ctx); err != nil {
		return registry.Run{}, err
	} else if len(areas) > 0 {
		return registry.Run{}, fmt.Errorf("the data folder %s holds records already, perhaps of a load that was cut off: remove it to begin anew", p.Config.DataDir)
	}
	district, err := demo.Make(demo.DefaultSeed, p.Clock(), p.Location, size)
	if err != nil {
		return registry.Run{}, err
	}
	logins, err := demo.Load(ctx, district, demo.Into{
		Places: p.Registry, Trips: knownTrips{p.Registry, p.Trips}, People: p.Registry, Ingest: p.Ingest, Signer: p.Keys, Aliases: p.Pseudonyms,
		Accounts: p.Accounts, NewPassword: account.NewPassword, Vault: p.secrets.ring,
	}, progress)
	if err != nil {
		return registry.Run{}, err
	}
	if err := p.refresh(ctx); err != nil {
		return registry.Run{}, err
	}
	shown := staff.Demo{Place: district.Tour.Market, Phone: district.Tour.Phone, Onset: district.Tour.Onset}
	var city registry.Account
	for _, login := range logins {
		shown.Logins = append(shown.Logins, staff.DemoLogin{
			Login: login.Account.Login, Password: login.Password, Role: login.Account.Role,
		})
		if login.Account.Role == registry.RoleCity {
			city = login.Account
		}
	}
	stall, err := p.Registry.Place(ctx, district.Tour.Stall)
	if err != nil {
		return registry.Run{}, fmt.Errorf("finding the stall of the tour: %w", err)
	}
	shown.Token = stall.Code
	ids := make([]uuid.UUID, len(district.Cases))
	for i, c := range district.Cases {
		ids[i] = c.ID
	}
	order := cases.Order{Choice: cases.Choice{IDs: ids}, Profile: tracing.DefaultProfile}
	run, err := p.Cases.Run(ctx, city, order)
	for errors.Is(err, snapshot.ErrBehind) { // a worker has more than a million scans to carry
		run, err = p.Cases.Run(ctx, city, order)
	}
	if err != nil {
		return registry.Run{}, fmt.Errorf("tracing the made-up cases: %w", err)
	}
	shown.Run = run.ID
	return run, p.writeDemo(shown)
}

// knownTrips are in the registry and known to this process.
type knownTrips struct {
	registry *sqlstore.Store
	known    *trips.Service
}

// PutTrips implements demo.Trips.
func (k knownTrips) PutTrips(ctx context.Context, all []registry.Trip) error {
	if err := k.registry.PutTrips(ctx, all); err != nil {
		return err
	}
	return k.known.Refresh(ctx)
}

// writeDemo keeps what the home page shows, for the owner of the data folder alone.
func (p *Parts) writeDemo(d staff.Demo) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding what is known of the made-up data: %w", err)
	}
	if err := os.WriteFile(p.demoPath(), text, 0o600); err != nil {
		return fmt.Errorf("writing what is known of the made-up data: %w", err)
	}
	return nil
}
