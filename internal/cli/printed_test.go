package cli

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// TestPlacesPrinted takes in a list that posters were drawn of, twice, and sees their codes in the register.
func TestPlacesPrinted(t *testing.T) {
	b := newBureau(t)
	b.must(newAccountCmd, "create", "--login", "cho", "--role", "owner", "--organisation", "Chợ")
	store := b.store()
	owners, err := store.Organisations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const id = "0191d2c1-0000-7000-8000-00000000000"
	list := file(t, "posters.csv", "place_id,kind,name,part,address,serial,issued\n"+
		id+"1,market,Chợ Bến,,1 Bến,1,2021-12-01T08:00:00+07:00\n"+
		id+"2,stall,Chợ Bến,Quầy 2,,3,1638320400\n"+
		id+"3,stall,,,,1,1638320400\n"+
		id+"4,stand,Chợ,,,1,1638320400\n")
	for _, want := range []string{"2 codes added, 2 rows refused\n", "0 codes added, 2 rows refused\n"} {
		out, err := b.run(newPlacesCmd, "printed", list, "--organisation", owners[0].ID.String())
		var exit *ExitError
		if out != want || !errors.As(err, &exit) || exit.Code != ExitRefused {
			t.Errorf("%q, %v", out, err)
		}
	}
	keys, err := qrgen.ReadKeyFile(filepath.Join(b.data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := places.New(store, keys, time.Now)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	tree := s.Tree(registry.Account{Organisation: owners[0].ID})
	if len(tree) != 2 || tree[1].Name != "Chợ Bến · Quầy 2" || tree[1].Serial != 3 || tree[1].Issued != 1638320400 {
		t.Fatalf("%+v", tree)
	}
	for _, p := range tree {
		if found, err := s.Check(p.Code); err != nil || found.State != places.Valid {
			t.Errorf("%s: %+v, %v", p.Name, found, err)
		}
	}
	entries, err := store.FindAudit(t.Context(), registry.AuditFilter{Action: "codes_imported"}, 0, 9)
	if err != nil || len(entries) != 1 || entries[0].Detail != "2 added, 2 refused" {
		t.Errorf("%+v, %v", entries, err)
	}
	for _, args := range [][]string{{"printed", list}, {"printed", list, "--organisation", id + "9"}, {"printed", list + "x", "--organisation", owners[0].ID.String()}} {
		if _, err := b.run(newPlacesCmd, args...); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
