package places_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// exported returns the file of an organisation's places.
func (in *intake) exported(t *testing.T, organisation uuid.UUID) string {
	t.Helper()
	service := places.New(in.store, in.Keys, in.Clock)
	if err := service.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := service.WriteCSV(registry.Account{Organisation: organisation}, &file); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// TestExportedPlacesComeBack draws trees of places whose texts are all that a spreadsheet and a reader of files could stumble over.
func TestExportedPlacesComeBack(t *testing.T) {
	in := newIntake(t)
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"=", "+", "-", "@", "'", "''", "＝", `"`, `""`, ",", ";", " ", "Chợ Đồng Xuân", "1", "\u00a0", "\ufeff", `\.`, "é"}
	text := func() string {
		var s strings.Builder
		for range 1 + dice.IntN(4) {
			s.WriteString(pieces[dice.IntN(len(pieces))])
		}
		return strings.TrimSpace(s.String())
	}
	var made []registry.Place
	for i := range 300 {
		p := registry.Place{
			ID: uuid.New(), Organisation: in.organisation, Kind: qrgen.Kinds()[dice.IntN(len(qrgen.Kinds()))], Name: "x" + text(),
			Address: text(), Dwell: 60 * dice.Int64N(3), Serial: 1, Revision: 1, Created: 5, Form: []string{"", registry.NoForm, "general"}[dice.IntN(3)],
		}
		if name := text(); name != "" {
			p.Name = name
		}
		if dice.IntN(2) == 0 {
			p.Key = fmt.Sprintf("%s/%d", text(), i)
		}
		if dice.IntN(3) == 0 {
			p.Area, p.Hours = "00001", "Mo-Fr 07:00-17:00; Sa 07:00-11:30"
		}
		if i > 0 && dice.IntN(3) > 0 {
			if above := made[dice.IntN(min(i, 6))]; above.Parent == uuid.Nil {
				p.Parent = above.ID
			}
		}
		made = append(made, p)
	}
	if err := in.store.PutPlaces(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	file := in.exported(t, in.organisation)
	if again := in.load(t, file); again != (places.Imported{Refused: len(made)}) {
		t.Errorf("seed %d: given back it makes %+v", seed, again)
	}
	other := registry.Organisation{ID: uuid.New(), Name: "Other"}
	if err := in.store.PutOrganisation(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	in.organisation = other.ID
	if done := in.load(t, file); done != (places.Imported{Added: len(made)}) {
		t.Fatalf("seed %d: given to another it makes %+v, %v", seed, done, in.faults)
	}
	if copied := in.exported(t, other.ID); copied != file {
		t.Errorf("seed %d: the file of the copies is another one", seed)
	}
}

func TestExportBeginsNoFormula(t *testing.T) {
	in := newIntake(t)
	in.load(t, "key,name,kind,address\n'=1+1,'=cmd,shop,'-2\n")
	want := "key,parent,name,kind,address,ward,dwell,hours,form\n'=1+1,,'=cmd,shop,'-2,,,,\n"
	if got := in.exported(t, in.organisation); got != want {
		t.Errorf("the file is %q", got)
	}
	if p := in.places(t)["=cmd"]; p.Key != "=1+1" || p.Address != "-2" {
		t.Errorf("the place is %+v", p)
	}
}

// TestPlacesFromBeforeKeysWereKept has places with ids that follow from their keys.
func TestPlacesFromBeforeKeysWereKept(t *testing.T) {
	in := newIntake(t)
	old := registry.Place{
		ID:           uuid.NewHash(sha256.New(), in.organisation, []byte("truyvet/place/cho"), 8),
		Organisation: in.organisation, Kind: qrgen.KindMarket, Name: "Chợ", Serial: 1, Revision: 1,
	}
	if err := in.store.PutPlaces(t.Context(), []registry.Place{old}); err != nil {
		t.Fatal(err)
	}
	done := in.load(t, "key,parent,name,kind\ncho,,Chợ,market\nq1,cho,Quầy 1,stall\n"+old.ID.String()+",,Chợ,market\n")
	if done != (places.Imported{Added: 1, Refused: 2}) {
		t.Errorf("%+v, %v", done, in.faults)
	}
	if part := in.places(t)["Quầy 1"]; part.Parent != old.ID {
		t.Errorf("the part is %+v", part)
	}
	if file := in.exported(t, in.organisation); !strings.Contains(file, "\nq1,"+old.ID.String()+",") {
		t.Errorf("the file is\n%s", file)
	}
}

// TestFilesOfTwoAtOnce has the same file given twice at the same time: each place is made once.
func TestFilesOfTwoAtOnce(t *testing.T) {
	in := newIntake(t)
	var file strings.Builder
	file.WriteString("key,name,kind\n")
	for i := range 500 {
		fmt.Fprintf(&file, "k%d,Phòng %d,office\n", i, i)
	}
	added := make(chan int, 2)
	for range 2 {
		go func() {
			done, err := in.Import(t.Context(), in.organisation, strings.NewReader(file.String()), places.Watch{})
			if err != nil {
				t.Error(err)
			}
			added <- done.Added
		}()
	}
	if sum := <-added + <-added; sum != 500 {
		t.Errorf("%d places were made of 500 rows", sum)
	}
}

// TestTheLimitHoldsForTwoAtOnce has two files given at the same time, which together are more than there may be.
func TestTheLimitHoldsForTwoAtOnce(t *testing.T) {
	in := newIntake(t)
	in.Most = 500
	done := make(chan places.Imported, 2)
	for range 2 {
		go func() {
			file := "name,kind\n" + strings.Repeat("Phòng,office\n", 400)
			d, err := in.Import(t.Context(), in.organisation, strings.NewReader(file), places.Watch{})
			if err != nil {
				t.Error(err)
			}
			done <- d
		}()
	}
	a, b := <-done, <-done
	if there, err := in.store.CountPlaces(t.Context(), in.organisation); err != nil || there != 500 || a.Added+b.Added != 500 || a.Refused+b.Refused != 300 {
		t.Errorf("there are %d places, %v; the files made %+v and %+v", there, err, a, b)
	}
}

// TestOthersFillItUp has others put so many again and again that none of a file ever fits.
func TestOthersFillItUp(t *testing.T) {
	in := newIntake(t)
	in.Most, in.Intake = 9, filling{in.Intake}
	_, err := in.Import(t.Context(), in.organisation, strings.NewReader("name,kind\nA,shop\n"), places.Watch{})
	if !errors.Is(err, places.ErrMany) {
		t.Error(err)
	}
}

// filling is full whenever something is put into it.
type filling struct{ places.Intake }

func (filling) PutPlacesWithin(context.Context, []registry.Place, int) error { return registry.ErrFull }

// cut is a file whose reading fails.
type cut struct{ io.Reader }

func (c cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestImportOfAFileThatIsCutOff(t *testing.T) {
	in := newIntake(t)
	_, err := in.Import(t.Context(), in.organisation, cut{strings.NewReader("name,kind\nx,shop\ny,shop")}, places.Watch{})
	if err == nil || len(in.places(t)) != 0 {
		t.Errorf("%v, and there are %d places", err, len(in.places(t)))
	}
}
