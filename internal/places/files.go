package places

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// The bounds of what an organisation gives over the network.
const (
	MaxFile      = 8 << 20 // bytes of a file: some 80,000 places
	maxFaults    = 5000    // that are kept of a file
	filesKept    = 20      // of an organisation
	finishWithin = 10 * time.Second
)

// The reasons for refusing a file. Compare with errors.Is.
var (
	ErrFileSize = errs.New(errs.TooLarge, "place_file_size", "A file of places has at most 8 MB; give a longer one in pieces.")
	ErrFileCut  = errs.New(errs.Invalid, "place_file_cut", "The file did not arrive as a whole.")
	ErrFileBusy = errs.Busy("place_file_busy", "Another file of places is being taken in; try again in a moment.", 5*time.Second)
)

// Shelf keeps what became of files. PutPlaceFile keeps no more than the newest of an organisation.
type Shelf interface {
	PutPlaceFile(ctx context.Context, f registry.PlaceFile, most int) error
	PlaceFile(ctx context.Context, organisation, id uuid.UUID) (registry.PlaceFile, error)
}

// Audit takes what was done.
type Audit interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Files takes in files of places from their owners, one at a time. It is safe for concurrent use.
type Files struct {
	Importer *Importer
	Shelf    Shelf
	Service  *Service // is told of the places that went in
	Audit    Audit
	taking   sync.Mutex
}

// Report says what became of a file.
type Report struct {
	registry.PlaceFile
	Faults []RowFault // the first 5,000, in the order of the lines; what is wrong has its code alone
}

// Take makes places of the actor's organisation from a file of at most MaxFile bytes, and keeps what became of its rows. It reads the
// file before its turn comes, so that whoever sends slowly keeps nobody waiting; how many are read at the same time is for the caller
// to bound. The errors: ErrNoOrganisation, ErrFileSize, ErrFileCut, ErrFileBusy, after each of which there are no new places, and
// those of Import.
func (f *Files) Take(ctx context.Context, actor registry.Account, in io.Reader) (registry.PlaceFile, error) {
	if actor.Organisation == uuid.Nil {
		return registry.PlaceFile{}, ErrNoOrganisation
	}
	text, err := io.ReadAll(&bounded{in, MaxFile})
	if err != nil {
		return registry.PlaceFile{}, err
	}
	if !f.taking.TryLock() {
		return registry.PlaceFile{}, ErrFileBusy
	}
	defer f.taking.Unlock()
	file := registry.PlaceFile{Organisation: actor.Organisation, Taken: f.Importer.Clock().Unix()}
	if file.ID, err = uuid.NewV7(); err != nil {
		return file, fmt.Errorf("making an id: %w", err)
	}
	var faults strings.Builder
	out, kept := csv.NewWriter(&faults), 0
	done, err := f.Importer.Import(ctx, actor.Organisation, bytes.NewReader(text), Watch{Refused: func(fault RowFault) error {
		if kept++; kept > maxFaults {
			return nil
		}
		return out.Write([]string{strconv.Itoa(fault.Line), fault.Column, fault.Why.Code})
	}})
	out.Flush()
	file.Added, file.Refused, file.Faults = done.Added, done.Refused, faults.String()
	return file, errors.Join(err, f.finish(ctx, actor, file, err == nil))
}

// finish keeps what became of a file, and enters the places that went in, whatever else fails, and also where the sender has gone.
func (f *Files) finish(ctx context.Context, actor registry.Account, file registry.PlaceFile, whole bool) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	if whole {
		if err = f.Shelf.PutPlaceFile(ctx, file, filesKept); err != nil {
			err = fmt.Errorf("keeping what became of a file: %w", err)
		}
	}
	if file.Added == 0 {
		return err
	}
	detail := fmt.Sprintf("%d added, %d refused", file.Added, file.Refused)
	entered := f.Audit.Append(ctx, actor.Login, "places_imported", actor.Organisation.String(), detail)
	return errors.Join(err, entered, f.Service.Refresh(ctx))
}

// Report returns what became of a file of the actor's organisation; registry.ErrNotFound for any other, and for one before the
// newest 20.
func (f *Files) Report(ctx context.Context, actor registry.Account, id uuid.UUID) (Report, error) {
	if actor.Organisation == uuid.Nil {
		return Report{}, ErrNoOrganisation
	}
	file, err := f.Shelf.PlaceFile(ctx, actor.Organisation, id)
	if err != nil {
		return Report{}, err
	}
	lines, err := csv.NewReader(strings.NewReader(file.Faults)).ReadAll()
	if err != nil {
		return Report{}, fmt.Errorf("reading what became of a file: %w", err)
	}
	report := Report{PlaceFile: file}
	for _, line := range lines {
		number, err := strconv.Atoi(line[0])
		if err != nil || len(line) != 3 {
			return Report{}, fmt.Errorf("reading what became of a file: %w", errors.Join(err, errors.New("a line has no number, column and code")))
		}
		report.Faults = append(report.Faults, RowFault{Line: number, Column: line[1], Why: faultOf(line[2])})
	}
	return report, nil
}

// WriteCSV is Service.WriteCSV for somebody who takes the places away, which is audited before the first byte.
func (f *Files) WriteCSV(ctx context.Context, actor registry.Account, w io.Writer) error {
	if actor.Organisation == uuid.Nil {
		return ErrNoOrganisation
	}
	if err := f.Audit.Append(ctx, actor.Login, "places_exported", actor.Organisation.String(), "csv"); err != nil {
		return fmt.Errorf("auditing an export: %w", err)
	}
	return f.Service.WriteCSV(actor, w)
}

// faultOf returns what is wrong with a row by its code.
func faultOf(code string) *errs.Error {
	for _, known := range []*errs.Error{
		ErrName, ErrKind, ErrDwell, ErrHours, ErrForm, ErrArea, errRowParent, errRowFields, errKey, errKeyTaken, errLineLong, errQuotes, ErrMany,
	} {
		if known.Code == code {
			return known
		}
	}
	return errs.New(errs.Invalid, code, "The row cannot be a place.")
}

// bounded reads so many bytes and no more, and tells a file that is too long, or cut off, from one for which there is no room.
type bounded struct {
	in   io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(into []byte) (int, error) {
	n, err := b.in.Read(into)
	b.left -= int64(n)
	var told *errs.Error // by whoever bounds what is read at the same time
	switch {
	case b.left < 0:
		return 0, ErrFileSize
	case errors.As(err, &told):
		return n, err
	case err != nil && !errors.Is(err, io.EOF):
		return n, ErrFileCut.Because(err)
	}
	return n, err
}
