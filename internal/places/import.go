package places

import (
	"context"
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
	"github.com/truyvet/truyvet/internal/sheet"
	"github.com/truyvet/truyvet/qrgen"
)

// Intake is what an Importer puts places into. Keyed returns which places of the organisation files call by the given keys; Lying,
// of the given places those that are of the organisation, each with how it lies. PutPlacesWithin is that of Store. Survey is told
// after much was put.
type Intake interface {
	Areas(ctx context.Context) ([]registry.Area, error)
	Organisation(ctx context.Context, id uuid.UUID) (registry.Organisation, error)
	CountPlaces(ctx context.Context, organisation uuid.UUID) (int, error)
	Keyed(ctx context.Context, organisation uuid.UUID, keys []string) (map[string]uuid.UUID, error)
	Lying(ctx context.Context, organisation uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]registry.Lying, error)
	PutPlacesWithin(ctx context.Context, places []registry.Place, most int) error
	Survey(ctx context.Context) error
}

// Importer makes places of the rows of files. It keeps no more in memory than some rows, however long the file.
type Importer struct {
	Intake Intake
	Keys   *qrgen.KeySet
	Clock  func() time.Time
	Forms  []string // that a place may ask for
	Most   int      // places of an organisation; 0 = no limit
}

// RowFault says why a row of a file did not become a place. It holds nothing that stands in the row.
type RowFault struct {
	Line   int
	Column string      // empty where the whole line is meant
	Why    *errs.Error // without a cause
}

// What is wrong with rows beside what is wrong with places.
var (
	errRowFields = errs.New(errs.Invalid, "row_fields", "The row has more or fewer fields than the first line.")
	errRowParent = errs.New(errs.Invalid, "row_parent", "None of your places, and no row above, has this key; or it lies too deep.")
	errKey       = errs.New(errs.Invalid, "place_key", "A key has at most 200 characters.")
	errKeyTaken  = errs.New(errs.Invalid, "place_key_taken", "There is already a place with this key.")
)

// Imported says what became of the rows of a file.
type Imported struct {
	Added   int
	Refused int
}

// Watch is told what happens while a file is read; each may be nil. Refused is called for each row that did not become a place, in
// the order of the lines. Progress is told how many bytes of the file are done.
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
	columnWard    = "ward"    // code of a ward; may be empty, then it is that of what the place is a part of
	columnDwell   = "dwell"   // minutes; empty for the kind's own
	columnHours   = "hours"   // as registry.ParseHours reads them; empty if unknown
	columnForm    = "form"    // the name of the one that people are asked to declare with, or none; empty for what the place around it asks
)

// Columns names the columns that a file may have, in the order in which they are explained. Others are ignored.
func Columns() []string {
	return []string{columnKey, columnParent, columnName, columnKind, columnAddress, columnWard, columnDwell, columnHours, columnForm}
}

// rowsAtOnce is how many rows one transaction takes in: many, since it writes all over the indices of the names, and few enough that
// others who change something need not wait for long.
const rowsAtOnce = 20_000

// surveyedFrom is from how many new places on the store is told that much was put.
const surveyedFrom = 2000

// Import makes places of an organisation from a file of comma-separated values whose first line names the columns: every row that
// can be one, and the others are refused with the reason. A part stands after what it is a part of. Rows that went in stay where
// Import is cut off; a file whose rows have keys may then be given again. The errors: what is wrong with the first line, ErrMany
// where others take up what room there is again and again, and what the intake or watch gives.
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
	if err := r.takeAll(ctx); err != nil || r.done.Added < surveyedFrom {
		return r.done, err
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

// takeAll reads rows while those before them are put.
func (r *importing) takeAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan *importBatch)
	group.Go(func() error {
		defer close(batches)
		return r.readAll(ctx, batches)
	})
	group.Go(func() error {
		for b := range batches {
			if err := r.put(ctx, b); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
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

// readAll hands on the rows of the file in batches.
func (r *importing) readAll(ctx context.Context, batches chan<- *importBatch) error {
	for more := true; more; {
		var b *importBatch
		var err error
		if b, more, err = r.batch(); err != nil {
			return err
		}
		if err := r.sign(ctx, b.rows); err != nil {
			return err
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// batch reads the next rows, and says whether there are more.
func (r *importing) batch() (b *importBatch, more bool, err error) {
	b = &importBatch{}
	for len(b.rows) < rowsAtOnce && len(b.faults) < rowsAtOnce {
		fields, err := r.lines.next()
		b.end = r.lines.read
		switch {
		case errors.Is(err, io.EOF):
			return b, false, nil
		case errors.Is(err, errLineLong), errors.Is(err, errQuotes):
			b.refuse(r.lines.number, "", err)
		case err != nil:
			return nil, false, fmt.Errorf("reading places: %w", err)
		default:
			row, column, err := r.read(fields)
			if err != nil {
				b.refuse(r.lines.number, column, err)
				continue
			}
			b.rows = append(b.rows, row)
		}
	}
	return b, true, nil
}

// read makes a place of a row, but for its code and for whether its parent can be one. Where it cannot be one column says what is
// wrong.
func (r *importing) read(fields []string) (row *importRow, column string, err error) {
	if len(fields) != r.width {
		return nil, "", errRowFields
	}
	field := func(column string) string {
		if i, there := r.column[column]; there {
			return sheet.Read(strings.TrimSpace(fields[i]))
		}
		return ""
	}
	in := NewPlace{
		Name: field(columnName), Address: field(columnAddress), Area: field(columnWard), Hours: field(columnHours), Form: field(columnForm),
	}
	if column, err := in.readCells(field(columnKind), field(columnDwell)); err != nil {
		return nil, column, err
	}
	row = &importRow{line: r.lines.number, place: in.place(r.organisation, r.Clock().Unix()), parent: nameInFiles(field(columnParent))}
	if row.place.Key = nameInFiles(field(columnKey)); !writable(row.place.Key) {
		return nil, columnKey, errKey
	}
	if in.Area != "" && !r.wards[in.Area] {
		return nil, columnWard, ErrArea
	}
	if !mayAsk(in.Form, r.Forms) {
		return nil, columnForm, ErrForm
	}
	if row.place.ID, err = uuid.NewV7(); err != nil {
		return nil, "", fmt.Errorf("making an id: %w", err)
	}
	return row, "", nil
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

// nameInFiles writes a key, or an id that stands for one, in the one way in which it is looked for.
func nameInFiles(text string) string {
	if id, err := uuid.Parse(text); err == nil {
		return id.String()
	}
	return text
}

// sign gives the places their codes.
func (r *importing) sign(ctx context.Context, rows []*importRow) error {
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(rows, 100) {
		group.Go(func() (err error) {
			for _, row := range some {
				if row.place.Code, err = sign(r.Keys, row.place); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
