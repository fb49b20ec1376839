package registrytest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func testPlaceFiles(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	other := registry.Organisation{ID: id(0xa0, 2), Name: "Bến xe"}
	must(t, s.PutOrganisation(ctx, other))
	foreign := registry.PlaceFile{ID: id(0x70, 9), Organisation: other.ID, Taken: 1}
	must(t, s.PutPlaceFile(ctx, foreign, 2))
	for n := range byte(4) { // the third and the fourth of the same second
		f := registry.PlaceFile{ID: id(0x70, n), Organisation: organisation.ID, Taken: min(int64(n), 2), Added: 5, Refused: 1, Faults: "3,kind,place_kind\n"}
		must(t, s.PutPlaceFile(ctx, f, 2))
		wantValue(t, f)(s.PlaceFile(ctx, organisation.ID, f.ID))
		_, err := s.PlaceFile(ctx, other.ID, f.ID)
		wantError(t, err, registry.ErrNotFound)
		if n > 1 {
			_, err := s.PlaceFile(ctx, organisation.ID, id(0x70, n-2))
			wantError(t, err, registry.ErrNotFound)
		}
	}
	wantValue(t, foreign)(s.PlaceFile(ctx, other.ID, foreign.ID))
	wantError(t, s.PutPlaceFile(ctx, foreign, 2), registry.ErrExists)
	wantError(t, s.PutPlaceFile(ctx, registry.PlaceFile{ID: id(0x70, 10), Organisation: uuid.UUID{1}}, 2), registry.ErrDangling)
}
