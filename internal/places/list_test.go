package places_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// market is a desk with two markets, each with two stalls, one of which has a table.
func market(t *testing.T) (d *desk, ids map[string]uuid.UUID) {
	t.Helper()
	d, ids = newDesk(t), make(map[string]uuid.UUID)
	put := func(as, name string, parent string) {
		ids[as] = d.create(t, d.own, places.NewPlace{Name: name, Parent: ids[parent]}).ID
	}
	put("ben", "Chợ Bến", "")
	put("ben1", "Quầy 1", "ben")
	put("ben2", "Quầy 2/A", "ben")
	put("table", "Bàn", "ben2")
	put("moi", "Chợ Mới", "")
	put("moi1", "Quầy 1", "moi")
	put("ban", "Bàn", "")
	ids["theirs"] = d.create(t, d.them, places.NewPlace{Name: "Chợ Xa"}).ID
	keyed := registry.Place{ID: uuid.New(), Organisation: d.own.Organisation, Kind: qrgen.KindShop, Name: "Quán", Key: "K-7", Serial: 1, Revision: 1, Code: "x"}
	if err := d.store.PutPlaces(t.Context(), []registry.Place{keyed}); err != nil {
		t.Fatal(err)
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids["keyed"] = keyed.ID
	return d, ids
}

func TestReadList(t *testing.T) {
	d, ids := market(t)
	for _, c := range []struct{ file, places, faults string }{
		{ids["ben"].String() + "\n\n" + strings.ToUpper(ids["moi"].String()) + "\r\n", "ben moi", ""},
		{"\ufeffname;id\na;" + ids["ben1"].String() + "\n", "ben1", ""},
		{"Chợ Bến / Quầy 1\nchợ  mới/QUẦY 1\nQuầy 2/A", "ben1 moi1 ben2", ""},
		{"place\nQuầy 1\nBàn\nQuầy 2/A / Bàn\n", "ban table", "2 list_several"},
		{"name,part\nChợ Bến,Quầy 1\nChợ Mới,\nChợ Bến,Quầy 9\n,Quầy 1", "ben1 moi", "4 list_unknown; 5 list_unknown"},
		{"key,name\nK-7,Chợ Bến\n" + ids["ben"].String() + ",Chợ Mới", "keyed ben", ""},
		{"K-7\nQuán\nChợ Xa\n" + ids["theirs"].String() + "\n" + uuid.NewString(), "keyed", "2 list_twice; 3 list_unknown; 4 list_unknown; 5 list_unknown"},
		{"name,id\n\"Chợ\nBến\",x\nx\n," + ids["ben"].String(), "ben", "2 row_quotes; 3 row_quotes; 4 list_nothing"},
		{"id\n", "", ""},
		{"", "", ""},
	} {
		list := d.ReadList(d.own, []byte(c.file))
		var named, faults []string
		for _, id := range list.Places {
			for name, known := range ids {
				if known == id {
					named = append(named, name)
				}
			}
		}
		for _, f := range list.Faults {
			faults = append(faults, fmt.Sprint(f.Line, " ", f.Why.Code))
		}
		if got := strings.Join(named, " "); got != c.places {
			t.Errorf("%q names %s, want %s", c.file, got, c.places)
		}
		if got := strings.Join(faults, "; "); got != c.faults {
			t.Errorf("%q has the faults %s, want %s", c.file, got, c.faults)
		}
	}
	var exported bytes.Buffer
	if err := d.WriteCSV(d.own, &exported); err != nil {
		t.Fatal(err)
	}
	if list := d.ReadList(d.own, exported.Bytes()); len(list.Places) != d.Count(d.own) || len(list.Faults) > 0 {
		t.Errorf("what was exported is read as %+v", list)
	}
	if list := d.ReadList(d.own, bytes.Repeat([]byte("x\n"), 250)); len(list.Faults) != 100 || list.More != 150 {
		t.Errorf("%d faults are kept, and %d more", len(list.Faults), list.More)
	}
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte("\ufeffname;id\na;00000000-0000-4000-8000-000000000001\n"))
	f.Add([]byte("name,part\nChợ Bến,Quầy 1\n/\n//\n'=1"))
	f.Add([]byte("\"Chợ\n\xff"))
	d := &desk{now: noon, own: registry.Account{Organisation: uuid.New()}}
	d.Service = places.New(nil, qrgen.NewKeySet(), nil)
	f.Fuzz(func(t *testing.T, file []byte) {
		list := d.ReadList(d.own, file)
		for _, fault := range list.Faults {
			if fault.Line < 1 || fault.Line > bytes.Count(file, []byte("\n"))+1 {
				t.Errorf("line %d of a file of %d", fault.Line, bytes.Count(file, []byte("\n"))+1)
			}
		}
	})
}

// TestBranch holds what a place lies in, and its parts, to the whole tree.
func TestBranch(t *testing.T) {
	d, ids := market(t)
	stall := registry.Place{ID: uuid.New(), Parent: ids["theirs"], Organisation: d.own.Organisation, Kind: qrgen.KindStall, Name: "Z", Serial: 1, Revision: 1, Code: "y"}
	if err := d.store.PutPlaces(t.Context(), []registry.Place{stall}); err != nil {
		t.Fatal(err)
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	tree := d.Tree(d.own)
	for _, p := range tree {
		above, parts, err := d.Branch(d.own, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		var wantAbove, wantParts []registry.Place
		for at := p; ; {
			i := slices.IndexFunc(tree, func(other registry.Place) bool { return other.ID == at.Parent })
			if i < 0 {
				break
			}
			at = tree[i]
			wantAbove = append([]registry.Place{at}, wantAbove...)
		}
		for _, other := range tree {
			if other.Parent == p.ID {
				wantParts = append(wantParts, other)
			}
		}
		if !slices.Equal(above, wantAbove) || !slices.Equal(parts, wantParts) {
			t.Errorf("%s lies in %v and has %v", p.Name, above, parts)
		}
	}
	for _, id := range []uuid.UUID{ids["theirs"], uuid.New()} {
		if _, _, err := d.Branch(d.own, id); err != registry.ErrNotFound {
			t.Errorf("a branch of others: %v", err)
		}
	}
}
