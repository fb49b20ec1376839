package cli

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// staysData is the stays of a file, small enough to hold tens of millions of them.
type staysData struct {
	people, places *names
	rows           []stayRow
}

type stayRow struct {
	person, place int32
	enter, leave  int64
	basis         tracing.Basis
}

// readStays reads a file with the columns person, place, enter, leave and, if it is there, basis: without it both times are
// taken as known. Stays of no length are dropped.
func readStays(file string) (*staysData, error) {
	d := &staysData{people: newNames(), places: newNames()}
	if err := readCSV(file, []string{"person", "place", "enter", "leave"}, d.add); err != nil {
		return nil, fmt.Errorf("reading stays: %w", err)
	}
	return d, nil
}

func (d *staysData) add(t *csvTable) error {
	person, err := t.name("person")
	if err != nil {
		return err
	}
	place, err := t.name("place")
	if err != nil {
		return err
	}
	row := stayRow{basis: tracing.Checkout}
	if row.enter, err = t.instant("enter"); err != nil {
		return err
	}
	if row.leave, err = t.instant("leave"); err != nil {
		return err
	}
	if row.leave < row.enter {
		return t.fault("leave", fmt.Errorf("%d is before the entry at %d", row.leave, row.enter))
	}
	if basis := t.field("basis"); basis != "" {
		if err := row.basis.UnmarshalText([]byte(basis)); err != nil {
			return t.fault("basis", err)
		}
	}
	row.person, row.place = d.people.add(person), d.places.add(place)
	if row.leave > row.enter {
		d.rows = append(d.rows, row)
	}
	return nil
}

// stays returns the stays; the names must have been ranked.
func (d *staysData) stays() iter.Seq[tracing.Stay] {
	return func(yield func(tracing.Stay) bool) {
		for _, r := range d.rows {
			s := tracing.Stay{
				Person: d.people.id(r.person), Place: tracing.Place{ID: d.places.id(r.place)},
				Enter: r.enter, Leave: r.leave, Basis: r.basis,
			}
			if !yield(s) {
				return
			}
		}
	}
}

// scansData is the scans of a file and the places of another.
type scansData struct {
	people, places *names
	tree           *tracing.Places
	scans          []scanRow
	ids            *names // of the scans
}

type scanRow struct {
	person, place, id int32
	kind              stay.Kind
	at                int64
}

// placeRow is a row of a places file.
type placeRow struct {
	place, parent int32 // parent is -1 where there is none
	dwell         int64
	area          string
	line          int
}

// readScans reads a file of scans with the columns person, place, at, kind (in, out or renew) and, if it is there, id, and a
// file of places with the columns place, parent (may be empty), dwell (in minutes) and, if it is there, area (as
// tracing.PlaceInfo has it). The names of the places are ranked, those of the people are not yet.
func readScans(scansFile, placesFile string) (*scansData, error) {
	d := &scansData{people: newNames(), places: newNames(), ids: newNames()}
	if err := d.readPlaces(placesFile); err != nil {
		return nil, fmt.Errorf("reading places: %w", err)
	}
	if err := readCSV(scansFile, []string{"person", "place", "at", "kind"}, d.add); err != nil {
		return nil, fmt.Errorf("reading scans: %w", err)
	}
	d.ids.rank()
	return d, nil
}

func (d *scansData) readPlaces(file string) error {
	var rows []placeRow
	err := readCSV(file, []string{"place", "parent", "dwell"}, func(t *csvTable) error {
		row, err := d.placeRow(t)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return err
	}
	return d.growTree(file, rows)
}

func (d *scansData) placeRow(t *csvTable) (placeRow, error) {
	row := placeRow{parent: -1, line: t.line()}
	name, err := t.name("place")
	if err != nil {
		return row, err
	}
	row.place = d.places.add(name)
	if parent := t.field("parent"); parent != "" {
		row.parent = d.places.add(parent)
	}
	minutes, err := strconv.ParseInt(strings.TrimSpace(t.field("dwell")), 10, 64)
	if err != nil || minutes < 1 || minutes > math.MaxInt32 {
		return row, t.fault("dwell", fmt.Errorf("%q is not a positive number of minutes", t.field("dwell")))
	}
	row.dwell = minutes * 60
	row.area = strings.Clone(t.field("area"))
	return row, nil
}

// growTree makes the tree of places and words what is wrong with it in terms of the file.
func (d *scansData) growTree(file string, rows []placeRow) error {
	d.places.rank()
	infos := make([]tracing.PlaceInfo, len(rows))
	line := make(map[uuid.UUID]int, len(rows))
	for i, row := range rows {
		infos[i] = tracing.PlaceInfo{ID: d.places.id(row.place), Dwell: row.dwell, Area: row.area}
		if row.parent >= 0 {
			infos[i].Parent = d.places.id(row.parent)
		}
		line[infos[i].ID] = row.line // of the last, where it stands twice
	}
	var err error
	d.tree, err = tracing.NewPlaces(infos)
	var fault *tracing.PlaceError
	if errors.As(err, &fault) {
		column := map[string]string{"ID": "place", "Parent": "parent", "Dwell": "dwell"}[fault.Field]
		return columnFault(file, line[fault.ID], column, fmt.Errorf("place %q: %s", d.places.name(fault.ID), fault.Why))
	}
	return err
}

func (d *scansData) add(t *csvTable) error {
	person, err := t.name("person")
	if err != nil {
		return err
	}
	place, err := t.name("place")
	if err != nil {
		return err
	}
	number, known := d.places.number[place]
	if !known {
		return t.fault("place", fmt.Errorf("%q is not in the file of places", place))
	}
	row := scanRow{place: number}
	if row.at, err = t.instant("at"); err != nil {
		return err
	}
	switch kind := t.field("kind"); kind {
	case "in":
		row.kind = stay.In
	case "out":
		row.kind = stay.Out
	case "renew":
		row.kind = stay.Renew
	default:
		return t.fault("kind", fmt.Errorf("%q is none of in, out, renew", kind))
	}
	id := t.field("id")
	if id == "" {
		id = fmt.Sprintf("%012d", len(d.scans)) // so that scans without an id count in the order of the file
	}
	row.person, row.id = d.people.add(person), d.ids.add(id)
	d.scans = append(d.scans, row)
	return nil
}

// stays derives the stays, sorted by person; the names of the people must have been ranked. Ids order scans of one time and
// do no more: rows that share one are scans of their own, in the order of the file.
func (d *scansData) stays(asOf int64) []tracing.Stay {
	scans := make([]stay.Scan, len(d.scans))
	for i, row := range d.scans {
		s := &scans[i]
		binary.BigEndian.PutUint64(s.ID[:8], uint64(d.ids.ranks[row.id]))
		binary.BigEndian.PutUint64(s.ID[8:], uint64(i))
		s.Alias, s.Place.ID, s.At, s.Kind = d.people.id(row.person), d.places.id(row.place), row.at, row.kind
	}
	return stay.All(scans, stay.NewLinks(nil), d.tree, asOf)
}
