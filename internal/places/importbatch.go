package places

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// importBatch is the rows that one transaction takes in.
type importBatch struct {
	rows   []*importRow
	faults []RowFault
	end    int64 // bytes of the file until after them
}

// importRow is a row that is a place by itself.
type importRow struct {
	line   int
	place  registry.Place // without what it is a part of
	parent string         // how the file calls that; empty for a site
}

func (b *importBatch) refuse(line int, column string, err error) {
	why := *errs.Of(err)
	why.Cause = nil // it may quote the row
	b.faults = append(b.faults, RowFault{line, column, &why})
}

// putTries is how often rows are put before it counts as a fault that others put the same ones, or so many, at the same time.
const putTries = 3

// put takes rows in, and refuses those that are there already or whose parent is not.
func (r *importing) put(ctx context.Context, b *importBatch) error {
	err := error(registry.ErrExists)
	var good []registry.Place
	faults := b.faults
	for try := 0; try < putTries && (errors.Is(err, registry.ErrExists) || errors.Is(err, registry.ErrFull)); try++ {
		b.faults = slices.Clone(faults)
		if good, err = r.judge(ctx, b); err != nil {
			return err
		}
		err = r.Intake.PutPlacesWithin(ctx, good, r.Most)
	}
	if errors.Is(err, registry.ErrFull) {
		return ErrMany
	}
	if err != nil {
		return fmt.Errorf("taking in places: %w", err)
	}
	r.done.Added += len(good)
	r.done.Refused += len(b.faults)
	slices.SortFunc(b.faults, func(a, b RowFault) int { return cmp.Compare(a.Line, b.Line) })
	for _, fault := range b.faults {
		if r.watch.Refused == nil {
			break
		}
		if err := r.watch.Refused(fault); err != nil {
			return err
		}
	}
	if r.watch.Progress != nil {
		r.watch.Progress(b.end)
	}
	return nil
}

// judge returns the places of the rows that can be, and says of the others why not.
func (r *importing) judge(ctx context.Context, b *importBatch) ([]registry.Place, error) {
	known, err := r.known(ctx, b.rows)
	if err != nil {
		return nil, fmt.Errorf("looking for places: %w", err)
	}
	there := 0
	if r.Most > 0 {
		if there, err = r.Intake.CountPlaces(ctx, r.organisation); err != nil {
			return nil, err
		}
	}
	good := make([]registry.Place, 0, len(b.rows))
	for _, row := range b.rows {
		_, taken := known[row.place.Key]
		above, lies := known[row.parent]
		switch {
		case taken && row.place.Key != "":
			b.refuse(row.line, columnKey, errKeyTaken)
			continue
		case row.parent != "" && (!lies || above.Level >= maxLevels):
			b.refuse(row.line, columnParent, errRowParent)
			continue
		case r.Most > 0 && there+len(good) >= r.Most:
			b.refuse(row.line, "", ErrMany)
			continue
		}
		p := row.place
		p.Parent, p.Area = above.id, cmp.Or(p.Area, above.Area)
		if p.Key != "" {
			known[p.Key] = knownPlace{p.ID, registry.Lying{Area: p.Area, Level: above.Level + 1}}
		}
		good = append(good, p)
	}
	return good, nil
}

// knownPlace is a place that a file names. The zero value is around every site.
type knownPlace struct {
	id uuid.UUID
	registry.Lying
}

// known returns which of the places that rows name are there, by what they are called. A name is a key, else an id. Places that were
// taken in before keys were kept have ids that follow from their keys, and are known by these.
func (r *importing) known(ctx context.Context, rows []*importRow) (map[string]knownPlace, error) {
	names := make(map[string]uuid.UUID)
	for _, row := range rows {
		for _, name := range []string{row.place.Key, row.parent} {
			if name != "" {
				names[name] = uuid.Nil
			}
		}
	}
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	keyed, err := r.Intake.Keyed(ctx, r.organisation, list)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(list))
	for i, name := range list {
		id, there := keyed[name]
		if !there {
			id = r.idOf(name)
		}
		names[name], ids[i] = id, id
	}
	lying, err := r.Intake.Lying(ctx, r.organisation, ids)
	if err != nil {
		return nil, err
	}
	known := make(map[string]knownPlace, len(names))
	for name, id := range names {
		if l, there := lying[id]; there {
			known[name] = knownPlace{id, l}
		}
	}
	return known, nil
}

// idOf returns the id that a name stands for which is nobody's key: an id stands for itself, any other text for the one that used to
// follow from it and the organisation.
func (r *importing) idOf(name string) uuid.UUID {
	if id, err := uuid.Parse(name); err == nil {
		return id
	}
	return uuid.NewHash(sha256.New(), r.organisation, []byte("truyvet/place/"+name), 8)
}
