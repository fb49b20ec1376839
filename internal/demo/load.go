package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// Places takes what stands still.
type Places interface {
	PutAreas(ctx context.Context, areas []registry.Area) error
	PutOrganisation(ctx context.Context, o registry.Organisation) error
	PutPlaces(ctx context.Context, places []registry.Place) error
}

// Trips takes the runs of vehicles. Ingest knows of them when PutTrips returns.
type Trips interface {
	PutTrips(ctx context.Context, trips []registry.Trip) error
}

// People takes who lives there and who fell ill.
type People interface {
	PutPeople(ctx context.Context, people []registry.Person, links []registry.Link) error
	PutSealed(ctx context.Context, values []registry.Sealed, replace bool) error
	PutCase(ctx context.Context, c registry.Case) error
	PutIsolations(ctx context.Context, isolations []registry.Isolation) error
}

// Ingest takes scans as clients send them. It must be safe for concurrent use.
type Ingest interface {
	Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error)
}

// Signer signs the codes of places.
type Signer interface {
	Sign(t qrgen.Token) (string, error)
}

// Aliases makes the pseudonyms that scans carry.
type Aliases interface {
	Phone(text string) (uuid.UUID, error)
	IDCard(number string) (uuid.UUID, error)
}

// Sealer seals who people are.
type Sealer interface {
	Seal(person uuid.UUID, field vault.Field, text string) (value []byte, key uint32, err error)
}

// Into is what a district is loaded into.
type Into struct {
	Places      Places
	Trips       Trips
	People      People
	Accounts    Accounts
	NewPassword func() string // called once for each account
	Ingest      Ingest
	Signer      Signer
	Aliases     Aliases
	Vault       Sealer
}

// submitters is how many scans are under way at a time: enough that each durable commit of the log takes hundreds.
const submitters = 512

// patience is how long a scan waits for a log that is full. With so many under way, one that takes them slowly, as on a machine with
// much else to do, soon says that it is.
const patience = 5 * time.Minute

// reportEvery is after how many scans progress is reported.
const reportEvery = 5_000

// Load writes the district's records, makes an account for each role, and then submits the scans, roughly in the order of
// time, each with the signed code of its place and for the alias of its person, as if it came from a phone or a gate. A
// scan that is refused ends the load with an error that says why; what was written until then stays. One that the log has no room for is
// submitted again.
//
// The stores should be empty: records that exist already are an error. progress is told how many scans are done, from one
// goroutine at a time, and may be nil. The accounts come with their passwords, which are kept nowhere else.
func Load(ctx context.Context, d *District, into Into, progress func(done, total int)) ([]Login, error) {
	tokens, err := d.loadPlaces(ctx, into)
	if err != nil {
		return nil, fmt.Errorf("loading the made-up places: %w", err)
	}
	logins, author, err := d.createAccounts(ctx, into.Accounts, into.NewPassword)
	if err != nil {
		return nil, err
	}
	aliases, err := d.loadPeople(ctx, into, author.ID)
	if err != nil {
		return nil, fmt.Errorf("loading the made-up people: %w", err)
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	l := &loader{d: d, ingest: into.Ingest, tokens: tokens, aliases: aliases, progress: progress}
	if err := l.run(ctx); err != nil {
		return nil, fmt.Errorf("loading the made-up scans: %w", err)
	}
	return logins, nil
}

// loadPlaces signs a code for each place and writes what stands still, and what runs. It returns the codes, by the position of the place.
func (d *District) loadPlaces(ctx context.Context, into Into) ([]string, error) {
	places := make([]registry.Place, len(d.Places))
	tokens := make([]string, len(d.Places))
	for i, p := range d.Places {
		code, err := into.Signer.Sign(qrgen.Token{Kind: p.Kind, Place: p.ID, IssuedAt: time.Unix(p.Issued, 0), Serial: p.Serial})
		if err != nil {
			return nil, err
		}
		p.Code = code
		places[i], tokens[i] = p, code
	}
	if err := into.Places.PutAreas(ctx, d.Areas); err != nil {
		return nil, err
	}
	for _, o := range d.Organisations {
		if err := into.Places.PutOrganisation(ctx, o); err != nil {
			return nil, err
		}
	}
	if err := into.Places.PutPlaces(ctx, places); err != nil {
		return nil, err
	}
	return tokens, into.Trips.PutTrips(ctx, d.Trips)
}

// pseudonyms are the aliases of one person; card is uuid.Nil for those of whom no ID card is on record.
type pseudonyms struct{ phone, card uuid.UUID }

// loadPeople links everybody's aliases and writes the cases and isolations. It returns the aliases, by the position of the
// person.
func (d *District) loadPeople(ctx context.Context, into Into, author uuid.UUID) ([]pseudonyms, error) {
	people := make([]registry.Person, len(d.People))
	links := make([]registry.Link, 0, len(d.People))
	aliases := make([]pseudonyms, len(d.People))
	for i := range d.People {
		p, a := &d.People[i], &aliases[i]
		people[i] = p.Person
		var err error
		if a.phone, err = into.Aliases.Phone(p.Phone); err != nil {
			return nil, err
		}
		links = append(links, registry.Link{Alias: a.phone, Person: p.ID, Kind: citizen.KindPhone, Linked: p.Created})
		if p.IDCard == "" {
			continue
		}
		if a.card, err = into.Aliases.IDCard(p.IDCard); err != nil {
			return nil, err
		}
		links = append(links, registry.Link{Alias: a.card, Person: p.ID, Kind: citizen.KindIDCard, Linked: p.Created})
	}
	if err := into.People.PutPeople(ctx, people, links); err != nil {
		return nil, err
	}
	if err := d.loadDetails(ctx, into); err != nil {
		return nil, err
	}
	for _, c := range d.Cases {
		c.Author = author
		if err := into.People.PutCase(ctx, c); err != nil {
			return nil, err
		}
	}
	return aliases, into.People.PutIsolations(ctx, d.Isolations)
}

// loadDetails seals everybody's name and numbers, and what they declared.
func (d *District) loadDetails(ctx context.Context, into Into) error {
	var values []registry.Sealed
	seal := func(person uuid.UUID, field vault.Field, text string, made int64) error {
		value, key, err := into.Vault.Seal(person, field, text)
		values = append(values, registry.Sealed{Person: person, Field: string(field), Key: key, Value: value, Made: made})
		return err
	}
	for i := range d.People {
		p := &d.People[i]
		for _, detail := range []struct {
			field vault.Field
			text  string
		}{{vault.Name, personName(i)}, {vault.Phone, p.Phone}, {vault.IDCard, p.IDCard}} {
			if detail.text == "" {
				continue
			}
			if err := seal(p.ID, detail.field, detail.text, 0); err != nil {
				return err
			}
		}
	}
	for _, given := range d.Declarations {
		field, text, err := given.Kept()
		if err != nil {
			return err
		}
		if err := seal(d.People[given.Person].ID, field, text, given.At); err != nil {
			return err
		}
	}
	return into.People.PutSealed(ctx, values, false)
}

// loader submits scans from several goroutines, which take them one after the other.
type loader struct {
	d        *District
	ingest   Ingest
	tokens   []string
	aliases  []pseudonyms
	progress func(done, total int)

	next atomic.Int64
	mu   sync.Mutex // of progress
	done int
}

func (l *loader) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for range submitters {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(l.next.Add(1)) - 1
				if i >= len(l.d.Scans) {
					return
				}
				if err := l.submit(ctx, &l.d.Scans[i]); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func (l *loader) submit(ctx context.Context, s *Scan) error {
	alias := l.aliases[s.Person].phone
	if s.How == scan.GateCard {
		alias = l.aliases[s.Person].card
	}
	results, err := l.insist(ctx, alias, []ingest.Submission{{
		ID: s.ID, Token: l.tokens[s.Place], Kind: s.Kind, How: s.How, At: s.At,
	}})
	if err != nil {
		return err
	}
	if results[0].Status == ingest.Refused {
		return fmt.Errorf("scan %s was refused: %w", s.ID, results[0].Err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done++; l.done%reportEvery == 0 || l.done == len(l.d.Scans) {
		l.progress(l.done, len(l.d.Scans))
	}
	return nil
}

// insist submits what the log has no room for again and again, as any client does, until patience is over. Each has its instant, so
// that it is the same scan every time.
func (l *loader) insist(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	for waited := time.Duration(0); ; {
		results, err := l.ingest.Submit(ctx, alias, subs)
		if !errors.Is(err, scanlog.ErrFull) || waited >= patience {
			return results, err
		}
		again := time.NewTimer(scanlog.ErrFull.RetryAfter)
		select {
		case <-again.C:
			waited += scanlog.ErrFull.RetryAfter
		case <-ctx.Done():
			again.Stop()
			return nil, context.Cause(ctx)
		}
	}
}
