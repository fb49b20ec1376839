package cli

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/tracing"
)

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-20": -20, " 1640739600 ": 1640739600, "2021-12-29T08:00:00+07:00": 1640739600, "2021-12-29T01:00:00Z": 1640739600,
	} {
		if got, err := parseInstant(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "x", "1.0", "1e3", "2021-12-29", "2021-12-29T08:00:00", "2021-12-29T08:00:00.000Z", "2021-12-29T08:00:00,5Z",
		"9223372036854775807", "99999999999999999999", "253402300800",
	} {
		if got, err := parseInstant(text); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
}

func TestNamesSortAsIDs(t *testing.T) {
	n := newNames()
	given := []string{"b", "10", "ä", "9", "a", "b", "Z", "a b"}
	for _, name := range given {
		n.add(name)
	}
	n.rank()
	sorted := slices.Compact(slices.Sorted(slices.Values(given)))
	var ids []string
	for _, name := range sorted {
		id := n.id(n.add(name))
		ids = append(ids, id.String())
		if n.name(id) != name {
			t.Errorf("%q came back as %q", name, n.name(id))
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != len(sorted) {
		t.Errorf("ids %q", ids)
	}
}

func FuzzParseInstant(f *testing.F) {
	for _, text := range []string{"0", "-5", "2021-12-29T08:00:00+07:00", "1.5", "99999999999999999999", "0001-01-01T00:00:00Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseInstant(text)
		if err != nil {
			return
		}
		again, err := parseInstant(time.Unix(at, 0).UTC().Format(time.RFC3339))
		if err != nil || again != at {
			t.Errorf("%q is %d, and written out %d, %v", text, at, again, err)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"0", "15m", "-1", "1h30m", "1.5h", "1.5s", "9223372036854775807"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if seconds, err := parseDuration(text); err == nil && seconds < 0 {
			t.Errorf("%q is %d", text, seconds)
		}
	})
}

func FuzzParseCase(f *testing.F) {
	for _, text := range []string{"an@1/2", "a@b@1/2", "an@2021-12-29T08:00:00+07:00/1700000000", "@1/2", "an@2/1", "an", "an@1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCase(text); err == nil {
			if c.person == "" || c.window.To <= c.window.From || !strings.HasPrefix(text, c.person+"@") {
				t.Errorf("%q is %+v", text, c)
			}
		}
		if i, err := parseIsolated(text); err == nil {
			if i.person == "" || !strings.HasPrefix(text, i.person+"@") {
				t.Errorf("%q is %+v", text, i)
			}
		}
	})
}

func FuzzReadStays(f *testing.F) {
	f.Add(fewStays)
	f.Add("\ufeffperson,place,enter,leave,basis\n\"a\"\"b\",p,1,2,moved\n")
	f.Add("person,place,enter,leave\na,p,2021-12-29T08:00:00+07:00,1700000000\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := &staysData{people: newNames(), places: newNames()}
		if readTable("fuzz", strings.NewReader(text), []string{"person", "place", "enter", "leave"}, d.add) != nil {
			return
		}
		d.people.rank()
		d.places.rank()
		for s := range d.stays() {
			if s.Leave <= s.Enter || d.people.name(s.Person) == "" || d.places.name(s.Place.ID) == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}

func FuzzReadScans(f *testing.F) {
	f.Add(fewScans, "tower,,540\nroom a,tower,90\nroom b,tower,90\n")
	f.Add("person,place,at,kind,id\na,p,1,in,z\na,p,1,out,\n", "p,q,5\nq,,6\n")
	f.Fuzz(func(t *testing.T, scans, places string) {
		d := &scansData{people: newNames(), places: newNames(), ids: newNames()}
		var rows []placeRow
		err := readTable("places", strings.NewReader("place,parent,dwell\n"+places), []string{"place", "parent", "dwell"}, func(t *csvTable) error {
			row, err := d.placeRow(t)
			rows = append(rows, row)
			return err
		})
		if err != nil || d.growTree("places", rows) != nil {
			return
		}
		if readTable("scans", strings.NewReader(scans), []string{"person", "place", "at", "kind"}, d.add) != nil {
			return
		}
		d.ids.rank()
		d.people.rank()
		stays := d.stays(math.MaxInt64)
		if len(stays) > 0 && len(d.scans) == 0 {
			t.Errorf("stays from nothing: %v", stays)
		}
		var previous tracing.Stay
		for _, s := range stays {
			if s.Leave <= s.Enter || s.Person.String() < previous.Person.String() {
				t.Errorf("%+v after %+v", s, previous)
			}
			previous = s
		}
	})
}
