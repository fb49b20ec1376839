package owner

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func FuzzReadPlaceList(f *testing.F) {
	own := []registry.Place{{ID: uuid.MustParse("00000000-0000-4000-8000-000000000001")}, {ID: uuid.MustParse("00000000-0000-4000-8000-000000000002")}}
	f.Add([]byte("\ufeffname;id\na;00000000-0000-4000-8000-000000000001\n"))
	f.Add([]byte("00000000-0000-4000-8000-000000000002\n\n00000000-0000-4000-8000-000000000001"))
	f.Add(bytes.Repeat([]byte("x\n"), 2*mostFaults))
	f.Add([]byte("place_id\n\"00000000-0000-4000-8000-000000000001\nx"))
	f.Fuzz(func(t *testing.T, file []byte) {
		ids, faults := readPlaceList(file, own)
		if len(ids) > len(own) || len(ids) == 2 && ids[0] == ids[1] {
			t.Errorf("%v were read", ids)
		}
		for _, id := range ids {
			if !slices.ContainsFunc(own, func(p registry.Place) bool { return p.ID == id }) {
				t.Errorf("%v is not the owner's", id)
			}
		}
		if len(faults.First) > mostFaults || faults.More > 0 && len(faults.First) < mostFaults {
			t.Errorf("%d faults are kept, and %d more", len(faults.First), faults.More)
		}
		for _, fault := range faults.First {
			if fault.Line < 1 || fault.Line > bytes.Count(file, []byte("\n"))+1 {
				t.Errorf("line %d of a file of %d", fault.Line, bytes.Count(file, []byte("\n"))+1)
			}
		}
	})
}
