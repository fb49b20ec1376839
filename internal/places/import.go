package places

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// Intake is what an Importer puts places into. Levels returns, of the given places those that are of the organisation, each with
// how deep it lies: 1 for a site. Survey is told after much was put.
type Intake interface {
	Areas(ctx context.Context) ([]registry.Area, error)
	Organisation(ctx context.Context, id uuid.UUID) (registry.Organisation, error)
	Levels(ctx context.Context, organisation uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]int, error)
	PutPlaces(ctx context.Context, places []registry.Place) error
	Survey(ctx context.Context) error
}

// Importer makes places of the rows of files. It keeps no more in memory than some rows, however long the file.
type Importer struct {
	Intake Intake
	Keys   *qrgen.KeySet
	Clock  func() time.Time
}

// RowFault says why a row of a file did not become a place. It holds nothing that stands in the row.
type RowFault struct {
	Line   int
	Column string // empty where the whole line is meant
	Why    string
}

// Imported says what became of the rows of a file.
type Imported struct {
	Added   int
	Refused int
}

// Watch is told what happens while a file is read; each may be nil. Refused is called for each row that did not become a place, in
// the order of the lines within a batch of rows. Progress is told how many bytes of the file are done.
type Watch struct {
	Refused  func(RowFault) error
	Progress func(bytes int64)
}

// The columns of a file. Name and kind must be there.
const (
	columnKey     = "key"     // what the file calls the place: the same file again does not make it twice, and parts name it
	columnParent  = "parent"  // the key, or the id, of the place that it is a part of
	columnName    = "name"    // as NewPlace has it
	columnKind    = "kind"    // like shop
	columnAddress = "address" // may be empty
	columnWard    = "ward"    // code of a ward; may be empty
	columnDwell   = "dwell"   // minutes; empty for the kind's own
	columnHours   = "hours"   // as registry.ParseHours reads them; empty if unknown
)

// Columns names the columns that a file may have, in the order in which they are explained. Others are ignored.
func Columns() []string {
	return []string{columnKey, columnParent, columnName, columnKind, columnAddress, columnWard, columnDwell, columnHours}
}

// rowsAtOnce is how many rows one transaction takes in.
const rowsAtOnce = 2000

// Import makes places of an organisation from a file of comma-separated values whose first line names the columns: every row that
// can be one, and the others are refused with the reason. A part stands after what it is a part of. Rows that went in stay where
// Import is cut off; a file whose rows have keys may then be given again. The errors: what is wrong with the first line, and what
// the intake or watch gives.
func (im *Importer) Import(ctx context.Context, organisation uuid.UUID, in io.Reader, watch Watch) (Imported, error) {
	if _, err := im.Intake.Organisation(ctx, organisation); err != nil {
		return Imported{}, err
	}
	areas, err := im.Intake.Areas(ctx)
	if err != nil {
		return Imported{}, err
	}
	r := &importing{Importer: im, organisation: organisation, watch: watch, lines: newCSVLines(in), wards: make(map[string]bool)}
	for _, a := range areas {
		r.wards[a.Code] = a.Level == registry.Ward
	}
	if err := r.readHeader(); err != nil {
		return Imported{}, err
	}
	for more := true; more; {
		if more, err = r.batch(ctx); err != nil {
			return r.done, err
		}
		if watch.Progress != nil {
			watch.Progress(r.lines.read)
		}
	}
	if r.done.Added < rowsAtOnce {
		return r.done, nil
	}
	return r.done, im.Intake.Survey(ctx)
}

// importing is one Import under way.
type importing struct {
	*Importer
	organisation uuid.UUID
	watch        Watch
	lines        *csvLines
	column       map[string]int
	width        int
	wards        map[string]bool
	done         Imported
}

// importRow is a row that is a place by itself.
type importRow struct {
	line  int
	place registry.Place
	keyed bool
	fault *RowFault // why it is refused after all
}

func (r *importing) readHeader() error {
	header, err := r.lines.header()
	if errors.Is(err, io.EOF) {
		return ErrFile.Because(errors.New("it is empty"))
	}
	if err != nil {
		return ErrFile.Because(err)
	}
	r.column, r.width = make(map[string]int), len(header)
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := r.column[name]; twice && slices.Contains(Columns(), name) {
			return ErrFile.Because(fmt.Errorf("column %s stands twice", name))
		}
		r.column[name] = i
	}
	for _, name := range []string{columnName, columnKind} {
		if _, there := r.column[name]; !there {
			return ErrFile.Because(fmt.Errorf("column %s is missing", name))
		}
	}
	return nil
}

// batch takes in the next rows, and says whether there are more.
func (r *importing) batch(ctx context.Context) (more bool, err error) {
	var rows []*importRow
	for len(rows) < rowsAtOnce {
		fields, err := r.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return false, r.put(ctx, rows)
		case errors.Is(err, errLineLong), errors.Is(err, errQuotes):
			err = r.refuse(&RowFault{r.lines.number, "", err.Error()})
		case err != nil:
			return false, fmt.Errorf("reading places: %w", err)
		default:
			row, fault := r.read(fields)
			if fault == nil {
				rows = append(rows, row)
				continue
			}
			err = r.refuse(fault)
		}
		if err != nil {
			return false, err
		}
	}
	return true, r.put(ctx, rows)
}

func (r *importing) refuse(f *RowFault) error {
	r.done.Refused++
	if r.watch.Refused == nil {
		return nil
	}
	return r.watch.Refused(*f)
}

// read makes a place of a row, but for its code and for whether its parent can be one.
func (r *importing) read(fields []string) (*importRow, *RowFault) {
	line := r.lines.number
	if len(fields) != r.width {
		return nil, &RowFault{line, "", fmt.Sprintf("it has %d fields and the first line %d", len(fields), r.width)}
	}
	field := func(column string) string {
		if i, there := r.column[column]; there {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	in := NewPlace{Name: field(columnName), Address: field(columnAddress), Area: field(columnWard), Hours: field(columnHours)}
	if column, err := in.readCells(field(columnKind), field(columnDwell)); err != nil {
		return nil, &RowFault{line, column, errs.Of(err).Message}
	}
	if _, err := uuid.Parse(field(columnKey)); err == nil {
		return nil, &RowFault{line, columnKey, "an id is no key: ids are made here"}
	}
	if in.Area != "" && !r.wards[in.Area] {
		return nil, &RowFault{line, columnWard, ErrArea.Message}
	}
	row := &importRow{line: line, keyed: field(columnKey) != ""}
	now := r.Clock().Unix()
	row.place = in.place(r.organisation, now)
	if parent := field(columnParent); parent != "" {
		row.place.Parent = r.named(parent)
	}
	if row.keyed {
		row.place.ID = r.named(field(columnKey))
		return row, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, &RowFault{line, "", "no id could be made"}
	}
	row.place.ID = id
	return row, nil
}

// readCells reads the cells that are no text and checks all, and says which column is wrong.
func (in *NewPlace) readCells(kind, dwell string) (column string, err error) {
	if in.Kind, err = qrgen.ParseKind(kind); err != nil {
		return columnKind, ErrKind
	}
	if dwell != "" {
		if in.DwellMinutes, err = strconv.Atoi(dwell); err != nil || in.DwellMinutes < 1 {
			return columnDwell, ErrDwell
		}
	}
	err = in.check()
	switch {
	case errors.Is(err, ErrName) && in.Name != "" && writable(in.Name):
		return columnAddress, err
	case errors.Is(err, ErrDwell):
		return columnDwell, err
	case errors.Is(err, ErrHours):
		return columnHours, err
	}
	return columnName, err
}

// named returns the id that a key stands for: an id stands for itself, any other text for one that follows from it and the
// organisation.
func (r *importing) named(key string) uuid.UUID {
	if id, err := uuid.Parse(key); err == nil && id != uuid.Nil {
		return id
	}
	return uuid.NewHash(sha256.New(), r.organisation, []byte("truyvet/place/"+key), 8)
}

// putTries is how often rows are put before it counts as a fault that others put the same ones at the same time.
const putTries = 3

// put takes rows in, and refuses those that are there already or whose parent is not.
func (r *importing) put(ctx context.Context, rows []*importRow) error {
	err := error(registry.ErrExists)
	var good []registry.Place
	for try := 0; try < putTries && errors.Is(err, registry.ErrExists); try++ {
		if good, err = r.judge(ctx, rows); err != nil {
			return err
		}
		if err = r.sign(ctx, good); err != nil {
			return err
		}
		err = r.Intake.PutPlaces(ctx, good)
	}
	if err != nil {
		return fmt.Errorf("taking in places: %w", err)
	}
	r.done.Added += len(good)
	for _, row := range rows {
		if row.fault == nil {
			continue
		}
		if err := r.refuse(row.fault); err != nil {
			return err
		}
	}
	return nil
}

// judge returns the places of the rows that can be, and says of the others why not.
func (r *importing) judge(ctx context.Context, rows []*importRow) ([]registry.Place, error) {
	var asked []uuid.UUID
	for _, row := range rows {
		if row.keyed {
			asked = append(asked, row.place.ID)
		}
		if row.place.Parent != uuid.Nil {
			asked = append(asked, row.place.Parent)
		}
	}
	levels, err := r.Intake.Levels(ctx, r.organisation, asked)
	if err != nil {
		return nil, fmt.Errorf("looking for places: %w", err)
	}
	good := make([]registry.Place, 0, len(rows))
	for _, row := range rows {
		p := &row.place
		_, there := levels[p.ID]
		above, known := levels[p.Parent]
		switch {
		case there && row.keyed:
			row.fault = &RowFault{row.line, columnKey, "there is already a place with this key"}
		case p.Parent != uuid.Nil && (!known || above >= maxLevels):
			row.fault = &RowFault{row.line, columnParent, ErrParent.Message}
		default:
			levels[p.ID] = above + 1
			good = append(good, *p)
		}
	}
	return good, nil
}

// sign gives the places their codes.
func (r *importing) sign(ctx context.Context, places []registry.Place) error {
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(places, 100) {
		group.Go(func() (err error) {
			for i := range some {
				if some[i].Code, err = sign(r.Keys, some[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
