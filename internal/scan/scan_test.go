package scan_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

func plain() scan.Scan {
	return scan.Scan{
		ID:         uuid.MustParse("017cf4a1-8c00-7000-8000-000000000001"),
		Alias:      uuid.MustParse("a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf"),
		Place:      uuid.MustParse("b0b1b2b3-b4b5-b6b7-b8b9-babbbcbdbebf"),
		At:         1636160400,
		ReceivedAt: 1636160403,
		Kind:       stay.In,
		How:        scan.Phone,
		Serial:     7,
		Device:     0x0102030405060708,
		Skew:       -2,
		Flags:      stay.Late | stay.Burst,
	}
}

func anyScan(t *rapid.T) scan.Scan {
	id := func(name string) uuid.UUID {
		u := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
		if u == uuid.Nil {
			u[15] = 1
		}
		return u
	}
	s := scan.Scan{
		ID: id("id"), Alias: id("alias"), Place: id("place"),
		At:         rapid.Int64Range(0, scan.MaxAt).Draw(t, "at"),
		ReceivedAt: rapid.Int64Range(0, scan.MaxAt).Draw(t, "received at"),
		Kind:       stay.Kind(rapid.IntRange(1, 4).Draw(t, "kind")),
		How:        scan.How(rapid.IntRange(1, 8).Draw(t, "how")),
		Serial:     rapid.Uint32().Draw(t, "serial"),
		Device:     rapid.Uint64().Draw(t, "device"),
		Skew:       rapid.Int32().Draw(t, "skew"),
		Flags:      scan.Flags(rapid.Uint16().Draw(t, "flags")),
	}
	if rapid.Bool().Draw(t, "on a trip") {
		s.Trip = id("trip")
	}
	if s.Kind == stay.Void {
		s.Voids = id("voids")
		if s.Voids == s.ID {
			s.Voids[0] ^= 1
		}
	}
	return s
}

func TestWireGolden(t *testing.T) {
	const golden = "01010100" +
		"017cf4a18c0070008000000000000001" + "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" + "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf" +
		"6185d390" + "6185d393" + "00000007" + "0102030405060708" + "fffffffe" + "0005"
	s := plain()
	s.Shard, s.Seq = 3, 9
	wire, err := s.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(wire); got != golden {
		t.Errorf("plain scan:\n got %s\nwant %s", got, golden)
	}
	if len(wire) > 80 {
		t.Errorf("a plain scan takes %d bytes, more than 80", len(wire))
	}
	key := s.Key()
	if !bytes.Equal(wire[scan.KeyOffset:scan.KeyOffset+scan.KeySize], key[:]) {
		t.Error("the key is not where KeyOffset says")
	}

	s.Kind = stay.Void
	s.Trip = uuid.MustParse("c0c1c2c3-c4c5-c6c7-c8c9-cacbcccdcecf")
	s.Voids = uuid.MustParse("d0d1d2d3-d4d5-d6d7-d8d9-dadbdcdddedf")
	wire, err = s.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "01040103" + golden[8:] + "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf" + "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	if got := hex.EncodeToString(wire); got != want {
		t.Errorf("void on a trip:\n got %s\nwant %s", got, want)
	}
}

func TestWireRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScan(t)
		prefix := []byte("kept")
		wire, err := s.AppendWire(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(wire, prefix) {
			t.Fatal("what stood before was lost")
		}
		back, err := scan.DecodeWire(wire[len(prefix):])
		if err != nil {
			t.Fatal(err)
		}
		if back != s {
			t.Fatalf("came back as %+v, was %+v", back, s)
		}
	})
}

func TestDecodeWireRefuses(t *testing.T) {
	s := plain()
	wire, err := s.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Trip = uuid.Max
	trip, err := s.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	change := func(wire []byte, at int, to byte) []byte {
		changed := slices.Clone(wire)
		changed[at] = to
		return changed
	}
	nilTrip := slices.Clone(trip)
	clear(nilTrip[len(wire):])
	for name, c := range map[string]struct {
		wire []byte
		want error
	}{
		"nothing":          {nil, scan.ErrMalformed},
		"version 0":        {change(wire, 0, 0), scan.ErrVersion},
		"version 2":        {change(wire, 0, 2), scan.ErrVersion},
		"cut short":        {wire[:len(wire)-1], scan.ErrMalformed},
		"trailing byte":    {append(slices.Clone(wire), 0), scan.ErrMalformed},
		"trip cut short":   {trip[:len(trip)-1], scan.ErrMalformed},
		"trip of nothing":  {nilTrip, scan.ErrMalformed},
		"unknown bit":      {change(wire, 3, 1<<2), scan.ErrMalformed},
		"unknown kind":     {change(wire, 1, 5), scan.ErrKind},
		"unknown how":      {change(wire, 2, 9), scan.ErrHow},
		"void of nothing":  {change(wire, 1, byte(stay.Void)), scan.ErrVoids},
		"unlogged version": {change(wire, 0, 255), scan.ErrVersion},
	} {
		if _, err := scan.DecodeWire(c.wire); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzDecodeWire(f *testing.F) {
	s := plain()
	wire, err := s.AppendWire(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Add(append(slices.Clone(wire), wire...))
	f.Fuzz(func(t *testing.T, wire []byte) {
		s, err := scan.DecodeWire(wire)
		if err != nil {
			if !errors.Is(err, scan.ErrVersion) && !errors.Is(err, scan.ErrMalformed) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		again, err := s.AppendWire(nil)
		if err != nil || !bytes.Equal(again, wire) {
			t.Fatalf("%x was taken but is written as %x (%v)", wire, again, err)
		}
	})
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scan.Scan)
		want   error
	}{
		"plain":                {func(*scan.Scan) {}, nil},
		"first second":         {func(s *scan.Scan) { s.At, s.ReceivedAt = 0, 0 }, nil},
		"last second":          {func(s *scan.Scan) { s.At, s.ReceivedAt = scan.MaxAt, scan.MaxAt }, nil},
		"void":                 {func(s *scan.Scan) { s.Kind, s.Voids = stay.Void, uuid.Max }, nil},
		"no id":                {func(s *scan.Scan) { s.ID = uuid.Nil }, scan.ErrNoID},
		"no alias":             {func(s *scan.Scan) { s.Alias = uuid.Nil }, scan.ErrNoAlias},
		"no place":             {func(s *scan.Scan) { s.Place = uuid.Nil }, scan.ErrNoPlace},
		"no kind":              {func(s *scan.Scan) { s.Kind = 0 }, scan.ErrKind},
		"unknown kind":         {func(s *scan.Scan) { s.Kind = 5 }, scan.ErrKind},
		"no how":               {func(s *scan.Scan) { s.How = 0 }, scan.ErrHow},
		"unknown how":          {func(s *scan.Scan) { s.How = 9 }, scan.ErrHow},
		"void of nothing":      {func(s *scan.Scan) { s.Kind = stay.Void }, scan.ErrVoids},
		"void of itself":       {func(s *scan.Scan) { s.Kind, s.Voids = stay.Void, s.ID }, scan.ErrVoids},
		"check-in that voids":  {func(s *scan.Scan) { s.Voids = uuid.Max }, scan.ErrVoids},
		"before 1970":          {func(s *scan.Scan) { s.At = -1 }, scan.ErrAt},
		"after 2105":           {func(s *scan.Scan) { s.At = scan.MaxAt + 1 }, scan.ErrAt},
		"received before 1970": {func(s *scan.Scan) { s.ReceivedAt = -1 }, scan.ErrAt},
		"received after 2105":  {func(s *scan.Scan) { s.ReceivedAt = scan.MaxAt + 1 }, scan.ErrAt},
	} {
		s := plain()
		c.change(&s)
		err := s.Validate()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && errs.Of(err).Kind != errs.Invalid {
			t.Errorf("%s: %v is not of kind Invalid", name, err)
		}
		if _, wireErr := s.AppendWire(nil); (wireErr == nil) != (err == nil) {
			t.Errorf("%s: valid %v, but written %v", name, err, wireErr)
		}
	}
}

func TestDigest(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scan.Scan)
		same   bool
	}{
		"place":              {func(s *scan.Scan) { s.Place = uuid.Max }, false},
		"at":                 {func(s *scan.Scan) { s.At++ }, false},
		"kind":               {func(s *scan.Scan) { s.Kind = stay.Out }, false},
		"voids":              {func(s *scan.Scan) { s.Kind, s.Voids = stay.Void, uuid.Max }, false},
		"serial":             {func(s *scan.Scan) { s.Serial++ }, false},
		"skew measured anew": {func(s *scan.Scan) { s.At++; s.Skew++ }, true},
		"how":                {func(s *scan.Scan) { s.How = scan.PhoneOffline }, true},
		"device":             {func(s *scan.Scan) { s.Device++ }, true},
		"received at":        {func(s *scan.Scan) { s.ReceivedAt++ }, true},
		"shard, seq":         {func(s *scan.Scan) { s.Shard, s.Seq = 1, 1 }, true},
		"trip":               {func(s *scan.Scan) { s.Trip = uuid.Max }, true},
		"flags":              {func(s *scan.Scan) { s.Flags = 0 }, true},
	} {
		a, b := plain(), plain()
		c.change(&b)
		if same := a.Digest() == b.Digest(); same != c.same {
			t.Errorf("%s: same digest %v, want %v", name, same, c.same)
		}
	}
}

func TestDayOf(t *testing.T) {
	for at, want := range map[int64]string{
		scan.MaxAt: "2105-12-31", scan.MaxAt + 1: "2106-01-01",
		0: "1970-01-01", -1: "1969-12-31", 86399: "1970-01-01", 86400: "1970-01-02", 1636160399: "2021-11-06", -86400: "1969-12-31",
	} {
		if got := scan.DayOf(at).String(); got != want {
			t.Errorf("day of %d is %s, want %s", at, got, want)
		}
	}
}
