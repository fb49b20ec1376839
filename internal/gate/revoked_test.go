package gate

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

// list signs a list of a server: as of an instant the codes of the place up to a serial are dead, from that instant on.
func (b *bench) list(t *testing.T, asOf time.Time, serial uint32) []byte {
	t.Helper()
	text, err := b.keys.SignRevoked(qrgen.Revoked{AsOf: asOf, Steps: []qrgen.RevokedStep{{Place: place, Serial: serial, From: asOf}}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// problem is what is wrong with the code of the place with a serial, when it is shown at an instant.
func (b *bench) problem(t *testing.T, serial uint32, at time.Time) string {
	t.Helper()
	text, err := b.keys.Sign(qrgen.Token{Kind: qrgen.KindMeetingRoom, Place: place, IssuedAt: noon.Add(-time.Hour), Serial: serial})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.Keep(uuid.New(), text, at)
	if err != nil || kept.Problem == "" && kept.Place.Token != text {
		t.Fatalf("it is kept as %+v, %v", kept, err)
	}
	return kept.Problem
}

// TestRevoked refuses the codes of a list for as long as that is believed, and of lists takes the newest that is the server's.
func TestRevoked(t *testing.T) {
	b, stranger := newBench(t), newBench(t)
	if got := b.problem(t, 1, noon); got != "" || !b.RevokedAsOf().IsZero() {
		t.Fatalf("without a list the code has the problem %q, as of %v", got, b.RevokedAsOf())
	}
	first := b.list(t, noon, 1)
	if err := b.SetRevoked(first, noon); err != nil || !b.RevokedAsOf().Equal(noon) {
		t.Fatalf("as of %v, %v", b.RevokedAsOf(), err)
	}
	for _, c := range []struct {
		serial uint32
		at     time.Time
		want   string
	}{
		{1, noon.Add(-time.Second), ""},
		{1, noon, ProblemRevoked},
		{2, noon, ""},
		{1, noon.Add(ListLife), ProblemRevoked},
		{1, noon.Add(ListLife + time.Second), ""},
	} {
		if got := b.problem(t, c.serial, c.at); got != c.want {
			t.Errorf("serial %d at %v has the problem %q, want %q", c.serial, c.at, got, c.want)
		}
	}
	later, future := noon.Add(time.Hour), noon.Add(9*time.Hour)
	for _, c := range []struct {
		name string
		text []byte
		want error
		dead bool // serial 2
	}{
		{"damaged", bytes.Replace(first, []byte(`"serial":1`), []byte(`"serial":2`), 1), qrgen.ErrBadSignature, false},
		{"a stranger's", stranger.list(t, later, 2), qrgen.ErrBadSignature, false},
		{"nothing", nil, qrgen.ErrMalformed, false},
		{"too large", append(b.list(t, later, 2), bytes.Repeat([]byte(" "), LargestList)...), ErrListLarge, false},
		{"older", b.list(t, noon.Add(-time.Hour), 2), ErrListOlder, false},
		{"newer", b.list(t, later, 2), nil, true},
		{"of the same instant", b.list(t, later, 1), nil, false},
		{"of the future", b.list(t, future, 2), nil, false},
		{"newer than now, older than the future", b.list(t, later, 2), nil, true},
	} {
		err := b.SetRevoked(c.text, later)
		if got := b.problem(t, 2, later); !errors.Is(err, c.want) || (got == ProblemRevoked) != c.dead {
			t.Errorf("%s: %v, and the code has the problem %q", c.name, err, got)
		}
	}
}

// TestRevokedUnderOtherKeys forgets the list of a key that is not trusted any more.
func TestRevokedUnderOtherKeys(t *testing.T) {
	var d Device
	b := newBench(t)
	text := b.list(t, noon, 1)
	if err := d.SetRevoked(text, noon); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
	if err := b.SetRevoked(text, noon); err != nil {
		t.Fatal(err)
	}
	again := func() {
		t.Helper()
		public, err := b.keys.PublicJSON()
		if err == nil {
			err = b.SetKeys(place.String(), public, b.boxes.PublicJSON())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if again(); !b.RevokedAsOf().Equal(noon) {
		t.Error("under the same keys it is forgotten")
	}
	if _, err := b.keys.Create(noon); err != nil {
		t.Fatal(err)
	}
	if err := b.keys.Compromise(1); err != nil {
		t.Fatal(err)
	}
	if again(); !b.RevokedAsOf().IsZero() {
		t.Error("the list of a compromised key is believed")
	}
}
