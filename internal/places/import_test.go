package places_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/qrgen"
)

// intake is a registry with a ward and an organisation, and what puts files into it.
type intake struct {
	*places.Importer
	store        *sqlstore.Store
	organisation uuid.UUID
	faults       []string
}

func newIntake(t *testing.T) *intake {
	t.Helper()
	in := &intake{store: openStore(t), organisation: uuid.New()}
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	in.Importer = &places.Importer{Intake: in.store, Keys: keys, Clock: func() time.Time { return time.Unix(2000, 0) }, Forms: []string{"general"}}
	for _, err := range []error{
		in.store.PutAreas(t.Context(), []registry.Area{{Code: "01", Level: registry.Province, Name: "P"}, {Code: "00001", Level: registry.Ward, Parent: "01", Name: "W"}}),
		in.store.PutOrganisation(t.Context(), registry.Organisation{ID: in.organisation, Name: "O"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func (in *intake) load(t *testing.T, text string) places.Imported {
	t.Helper()
	in.faults = nil
	var last int64
	done, err := in.Import(t.Context(), in.organisation, strings.NewReader(text), places.Watch{
		Refused: func(f places.RowFault) error {
			in.faults = append(in.faults, fmt.Sprintf("%d %s %s", f.Line, f.Column, f.Why.Message))
			return nil
		},
		Progress: func(bytes int64) { last = bytes },
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != int64(len(text)) {
		t.Errorf("%d of %d bytes were read", last, len(text))
	}
	return done
}

func (in *intake) places(t *testing.T) map[string]registry.Place {
	t.Helper()
	g, err := in.store.Gazetteer(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]registry.Place)
	for _, p := range g.Places {
		named[p.Name] = p
	}
	return named
}

func TestImport(t *testing.T) {
	in := newIntake(t)
	file := "\ufeffName,KIND,ward,key,parent,dwell,hours,address,note\r\n" +
		"Chợ Bến,market,00001,cho,,45,T2-T6 7:00-17:00,\"1 Bến, \"\"Cũ\"\"\",x\r\n" +
		"\r\n" +
		"Quầy 1,stall,,q1,cho,,,,\r\n" +
		"Quầy 2,stall,,,q1,,,,\n" +
		"Xưởng,factory,01,,,,,,\n" + // a province is no ward
		"Sạp,stand,,,,,,,\n" +
		",shop,,,,,,,\n" +
		"Sạp,shop,,,,0,,,\n" +
		"Sạp,shop,,,,,always,,\n" +
		"Sạp,shop,,,nowhere,,,,\n" +
		"Sạp,shop,,q1,,,,,\n" +
		"Sạp,shop\n" +
		"\"Sạp,shop,,,,,,,\n" +
		"Sạp,shop,,,,,,\"a\"b,\n" +
		"Sạp,shop,,,,,,tab\there,\n" +
		strings.Repeat("x", 20_000) + ",shop,,,,,,,\n" +
		"Sạp,shop,," + strings.Repeat("k", 201) + ",,,,,\n" +
		"Sau cùng,shop,,,,,,,"
	done := in.load(t, file)
	want := []string{
		"6 ward The ward is not known.", "7 kind The kind of place is not known.", "8 name A place needs a name", "9 dwell The assumed stay",
		"10 hours Opening hours are written", "11 parent None of your places", "12 key There is already a place with this key",
		"13  The row has more or fewer fields", "14  A quote is not closed", "15  A quote is not closed", "16 address A place needs a name",
		"17  The line is longer than", "18 key A key has at most",
	}
	if done.Added != 4 || done.Refused != len(want) || len(in.faults) != len(want) {
		t.Errorf("%+v, refused are %q", done, in.faults)
	}
	for i := range min(len(want), len(in.faults)) {
		if !strings.HasPrefix(in.faults[i], want[i]) {
			t.Errorf("refused is %q, want %q", in.faults[i], want[i])
		}
	}
	named := in.places(t)
	market, stall := named["Chợ Bến"], named["Quầy 1"]
	if market.Address != `1 Bến, "Cũ"` || market.Area != "00001" || market.Dwell != 45*60 || market.Hours != "Mo-Fr 07:00-17:00" ||
		market.Organisation != in.organisation || market.Kind != qrgen.KindMarket || market.Created != 2000 || market.Serial != 1 {
		t.Errorf("the market is %+v", market)
	}
	if stall.Area != "00001" || stall.Key != "q1" || stall.Parent != market.ID || named["Quầy 2"].Parent != stall.ID || named["Sau cùng"].Parent != uuid.Nil {
		t.Errorf("the stalls are %+v and %+v", stall, named["Quầy 2"])
	}
	token, err := in.Keys.Verify(stall.Code, time.Unix(3000, 0), nil)
	if err != nil || token.Place != stall.ID || token.Kind != qrgen.KindStall {
		t.Errorf("its code says %+v, %v", token, err)
	}

	// The same rows again, by themselves: what has a key is there; its parts may name it by its key or by its id.
	again := in.load(t, "name,kind,key,parent\nChợ Bến,market,cho,\nQuầy 3,stall,q3,cho\nQuầy 4,stall,,"+market.ID.String()+"\n")
	if again != (places.Imported{Added: 2, Refused: 1}) || len(in.faults) != 1 || !strings.HasPrefix(in.faults[0], "2 key") {
		t.Errorf("again: %+v, %q", again, in.faults)
	}
	named = in.places(t)
	if len(named) != 6 || named["Quầy 3"].Parent != market.ID || named["Quầy 4"].Parent != market.ID {
		t.Errorf("there are %d places", len(named))
	}
}

// TestImportManyBatches has parts in another batch than what they are parts of, and one too deep.
func TestImportManyBatches(t *testing.T) {
	in := newIntake(t)
	var file strings.Builder
	file.WriteString("key;parent;name;kind\n") // as spreadsheets write it here
	const n = 5000
	for i := range n {
		parent := ""
		if i%10 > 0 {
			parent = fmt.Sprint(i - 1)
		}
		fmt.Fprintf(&file, "%d;%s;Phòng %d;office\n", i, parent, i)
	}
	if done := in.load(t, file.String()); done.Added != n*8/10 || done.Refused != n*2/10 { // eight levels of ten
		t.Errorf("%+v", done)
	}
	if done := in.load(t, file.String()); done.Added != 0 || done.Refused != n {
		t.Errorf("again: %+v", done)
	}
}

func TestImportRefusesTheFile(t *testing.T) {
	in := newIntake(t)
	for _, text := range []string{"", "name\nx\n", "name,kind,name\n", "\"name,kind\n", strings.Repeat("n", 20_000)} {
		if _, err := in.Import(t.Context(), in.organisation, strings.NewReader(text), places.Watch{}); !errors.Is(err, places.ErrFile) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := in.Import(t.Context(), uuid.New(), strings.NewReader("name,kind\n"), places.Watch{}); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("an unknown organisation: %v", err)
	}
	stop := errors.New("enough")
	_, err := in.Import(t.Context(), in.organisation, strings.NewReader("name,kind\n,\n"), places.Watch{Refused: func(places.RowFault) error { return stop }})
	if !errors.Is(err, stop) {
		t.Errorf("a report that cannot be written: %v", err)
	}
}

// FuzzSplitCSV holds the reading of a line to the standard library's, where that reads it on one line.
func FuzzSplitCSV(f *testing.F) {
	for _, line := range []string{`a,b`, `"a,""b""",c`, `a"b`, `"a"b`, `"`, ``, `,`, `"",""`, `a,"b`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") || line == "" {
			return
		}
		got, err := places.SplitCSV(line, ',')
		r := csv.NewReader(strings.NewReader(line))
		want, wantErr := r.Read()
		if (err == nil) != (wantErr == nil) && !errors.Is(wantErr, io.EOF) || err == nil && !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q, %v", line, got, err, want, wantErr)
		}
	})
}

// TestAnOrganisationHasAsManyPlacesAsItMay takes in a file of too many places, and makes one more by hand.
func TestAnOrganisationHasAsManyPlacesAsItMay(t *testing.T) {
	in := newIntake(t)
	in.Most = 3
	for _, want := range []places.Imported{{Added: 2}, {Added: 1, Refused: 1}, {Refused: 2}} {
		if done := in.load(t, "name,kind\nA,shop\nB,shop\n"); done != want {
			t.Errorf("%+v, want %+v", done, want)
		}
	}
	if want := "3  " + places.ErrMany.Message; len(in.faults) != 2 || in.faults[1] != want {
		t.Errorf("the faults are %q", in.faults)
	}
	owner := registry.Account{Organisation: in.organisation}
	for _, c := range []struct {
		most int
		want error
	}{{3, places.ErrMany}, {4, nil}, {4, places.ErrMany}, {0, nil}} {
		s := places.New(in.store, in.Keys, in.Clock).Bounded(c.most)
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), owner, places.NewPlace{Name: "C", Kind: qrgen.KindShop}); !errors.Is(err, c.want) {
			t.Errorf("with a limit of %d: %v", c.most, err)
		}
	}
}
