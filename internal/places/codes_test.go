package places_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/qrgen"
)

func TestReissueEndsEveryOlderCode(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	other := d.create(t, d.own, places.NewPlace{Name: "B"})
	codes := []string{p.Code}
	for range 3 {
		d.now = d.now.Add(time.Minute)
		renewed, err := d.Reissue(t.Context(), d.own, p.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		for serial, old := range codes {
			if _, err := d.keys.Verify(old, d.now, d.Revoked); !errors.Is(err, qrgen.ErrRevoked) {
				t.Errorf("serial %d: %v", serial+1, err)
			}
		}
		token, err := d.keys.Verify(renewed.Code, d.now, d.Revoked)
		if err != nil || int(token.Serial) != len(codes)+1 || !token.IssuedAt.Equal(d.now) {
			t.Errorf("the new code: %+v, %v", token, err)
		}
		known, err := d.Place(d.own, p.ID)
		stored, errStored := d.store.Place(t.Context(), p.ID)
		if known != renewed || stored != renewed || err != nil || errStored != nil {
			t.Errorf("returned %+v\nknown %+v, %v\nstored %+v, %v", renewed, known, err, stored, errStored)
		}
		codes = append(codes, renewed.Code)
	}
	if _, err := d.keys.Verify(other.Code, d.now, d.Revoked); err != nil {
		t.Errorf("another place's code: %v", err)
	}
}

// stumbling is a registry whose next change of a code fails.
type stumbling struct {
	*sqlstore.Store
	stumble bool
}

func (s *stumbling) Succeed(ctx context.Context, p registry.Place, before registry.Code) error {
	if s.stumble {
		s.stumble = false
		return registry.ErrBusy
	}
	return s.Store.Succeed(ctx, p, before)
}

func TestReissueThatFailsChangesNothing(t *testing.T) {
	d := newDesk(t)
	store := &stumbling{Store: d.store}
	s := places.New(store, d.keys, func() time.Time { return d.now })
	p, err := s.Create(t.Context(), d.own, places.NewPlace{Name: "A", Kind: qrgen.KindShop})
	if err != nil {
		t.Fatal(err)
	}
	store.stumble = true
	if _, err := s.Reissue(t.Context(), d.own, p.ID, 0); !errors.Is(err, registry.ErrBusy) {
		t.Fatal(err)
	}
	if same, err := s.Place(d.own, p.ID); err != nil || same != p || s.Ends(p.ID, 1) != 0 {
		t.Errorf("the old code died although that could not be kept: %+v, %v", same, err)
	}
	renewed, err := s.Reissue(t.Context(), d.own, p.ID, 0)
	if err != nil || renewed.Serial != 2 || s.Ends(p.ID, 1) != noon.Unix() || s.Ends(p.ID, 2) != 0 {
		t.Errorf("%+v, %v", renewed, err)
	}
}

func TestTheOldCodeLivesUntilItsDay(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	for _, bad := range []time.Time{noon, noon.Add(-time.Second), noon.AddDate(1, 0, 3)} {
		if _, err := d.Reissue(t.Context(), d.own, p.ID, bad.Unix()); !errors.Is(err, places.ErrEnd) {
			t.Errorf("until %v: %v", bad, err)
		}
	}
	until := noon.Add(72 * time.Hour)
	renewed, err := d.Reissue(t.Context(), d.own, p.ID, until.Unix())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want places.State
	}{{noon, places.Ending}, {until.Add(-time.Second), places.Ending}, {until, places.Replaced}} {
		d.now = c.at
		old, err := d.Check(p.Code)
		if err != nil || old.State != c.want || old.Until != until.Unix() || d.Revoked(p.ID, 1) != (c.want == places.Replaced) {
			t.Errorf("%v: %+v, %v", c.at, old, err)
		}
		if now, err := d.Check(renewed.Code); err != nil || now.State != places.Valid || now.Until != 0 {
			t.Errorf("the new one at %v: %+v, %v", c.at, now, err)
		}
	}
	// It may die before its day, and then by its owner's hand.
	d.now = noon
	if err := d.Revoke(t.Context(), d.own, p.ID, 1); err != nil {
		t.Fatal(err)
	}
	if old, err := d.Check(p.Code); err != nil || old.State != places.Revoked || old.Until != noon.Unix() {
		t.Errorf("%+v, %v", old, err)
	}
}

func TestRevokeTheNewest(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	for name, c := range map[string]struct {
		actor  registry.Account
		serial uint32
	}{"of others": {d.them, 1}, "never issued": {d.own, 2}} {
		if err := d.Revoke(t.Context(), c.actor, p.ID, c.serial); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Codes(d.them, p.ID); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("others' codes: %v", err)
	}
	for range 2 { // the second time it stays as it is
		if err := d.Revoke(t.Context(), d.own, p.ID, 1); err != nil || !d.Revoked(p.ID, 1) || d.Ends(p.ID, 1) != noon.Unix() {
			t.Errorf("revoked: %v", err)
		}
		d.now = d.now.Add(time.Minute)
	}
	renewed, err := d.Reissue(t.Context(), d.own, p.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := d.Codes(d.own, p.ID)
	want := []places.Issued{
		{Code: registry.Code{Place: p.ID, Serial: 2, Issued: renewed.Issued}, State: places.Valid},
		{Code: registry.Code{Place: p.ID, Serial: 1, Issued: p.Issued, Ends: noon.Unix(), Revoked: true}, State: places.Revoked},
	}
	if err != nil || !slices.Equal(codes, want) {
		t.Errorf("%+v, %v", codes, err)
	}
}

func TestCheck(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "Chợ", Address: "1 Bến", Area: "20194"})
	sign := func(token qrgen.Token) string {
		token.Kind, token.Place = p.Kind, p.ID
		text, err := d.keys.Sign(token)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	screen := sign(qrgen.Token{IssuedAt: noon, ExpiresAt: noon.Add(90 * time.Second), Serial: 1})
	over := sign(qrgen.Token{IssuedAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(-time.Minute), Serial: 1})
	twin := sign(qrgen.Token{IssuedAt: noon.Add(-time.Hour), Serial: 1})
	ahead := sign(qrgen.Token{IssuedAt: noon, Serial: 7})
	elsewhere, err := d.keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: noon, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text  string
		state places.State
		until int64
	}{
		"a poster":                  {p.Code, places.Valid, 0},
		"a screen":                  {screen, places.Ending, noon.Add(90 * time.Second).Unix()},
		"a screen's photo":          {over, places.Expired, noon.Add(-time.Minute).Unix()},
		"made twice":                {twin, places.Unlisted, 0},
		"made elsewhere":            {ahead, places.Unlisted, 0},
		"of a place that is not us": {elsewhere, places.PlaceGone, 0},
	} {
		got, err := d.Check(c.text)
		short, errShort := qrgen.CheckCode(c.text)
		if err != nil || errShort != nil || got.State != c.state || got.Until != c.until || got.Short != short {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if (got.Place.Name == "Chợ") != (c.state != places.PlaceGone) {
			t.Errorf("%s: the place is %+v", name, got.Place)
		}
	}
	d.now = noon.Add(time.Minute)
	if err := d.Revoke(t.Context(), d.own, p.ID, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Check(screen); err != nil || got.State != places.Revoked {
		t.Errorf("a screen whose serial was revoked: %+v, %v", got, err)
	}
	if err := d.keys.Compromise(1); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]error{"nonsense": qrgen.ErrMalformed, p.Code: qrgen.ErrCompromisedKey} {
		if got, err := d.Check(text); !errors.Is(err, want) || got != (places.Checked{}) {
			t.Errorf("%.8s: %+v, %v", text, got, err)
		}
	}
}

// TestEndsAreThoseOfThePlainRule re-issues and revokes at random, here and elsewhere, and holds what both services know to a
// table of ends that is kept plainly.
func TestEndsAreThoseOfThePlainRule(t *testing.T) {
	d := newDesk(t)
	rapid.Check(t, func(rt *rapid.T) {
		p := d.create(t, d.own, places.NewPlace{Name: "A"})
		elsewhere := places.New(d.store, d.keys, func() time.Time { return d.now })
		ends := []int64{0} // of serial 1, 2, …
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			d.now = d.now.Add(time.Minute)
			now := d.now.Unix()
			if rapid.Bool().Draw(rt, "re-issue") {
				until := rapid.SampledFrom([]int64{0, now + 30, now + 90, now + 600}).Draw(rt, "until")
				if _, err := d.Reissue(t.Context(), d.own, p.ID, until); err != nil {
					rt.Fatal(err)
				}
				for i := range ends {
					if end := max(until, now); ends[i] == 0 || end < ends[i] {
						ends[i] = end
					}
				}
				ends = append(ends, 0)
			} else {
				serial := rapid.IntRange(1, len(ends)).Draw(rt, "serial")
				if err := d.Revoke(t.Context(), d.own, p.ID, uint32(serial)); err != nil {
					rt.Fatal(err)
				}
				if end := &ends[serial-1]; *end == 0 || now < *end {
					*end = now
				}
			}
			if err := elsewhere.Refresh(t.Context()); err != nil {
				rt.Fatal(err)
			}
			for i, want := range ends {
				if here, there := d.Ends(p.ID, uint32(i+1)), elsewhere.Ends(p.ID, uint32(i+1)); here != want || there != want {
					rt.Fatalf("serial %d ends at %d here and %d elsewhere, want %d", i+1, here, there, want)
				}
			}
		}
	})
}

func TestScreenCode(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	first, token, err := d.ScreenCode(p.ID)
	if err != nil || !token.IssuedAt.Equal(noon) || !token.ExpiresAt.Equal(noon.Add(90*time.Second)) {
		t.Fatalf("%+v, %v", token, err)
	}
	for _, c := range []struct {
		after time.Duration
		same  bool
	}{{29 * time.Second, true}, {30 * time.Second, false}} {
		d.now = noon.Add(c.after)
		if text, _, err := d.ScreenCode(p.ID); err != nil || (text == first) != c.same {
			t.Errorf("after %v it is the same: %v, %v", c.after, text == first, err)
		}
		if read, err := d.keys.Verify(first, d.now, d.Revoked); err != nil || read.Place != p.ID || read.Serial != 1 {
			t.Errorf("the first after %v: %+v, %v", c.after, read, err)
		}
	}
	if _, _, err := d.ScreenCode(uuid.New()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("of no place: %v", err)
	}
	if err := d.Revoke(t.Context(), d.own, p.ID, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.ScreenCode(p.ID); !errors.Is(err, qrgen.ErrRevoked) {
		t.Errorf("of a place whose code was taken back: %v", err)
	}
	if _, err := d.Reissue(t.Context(), d.own, p.ID, 0); err != nil {
		t.Fatal(err)
	}
	if text, token, err := d.ScreenCode(p.ID); err != nil || token.Serial != 2 {
		t.Errorf("after it was re-issued: %v, %+v, %v", text, token, err)
	}
}
