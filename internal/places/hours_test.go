package places_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// TestClosed has a market with hours, a stall in it with none, a night stall with its own, and a shop of which nothing is known.
func TestClosed(t *testing.T) {
	d := newDesk(t)
	make := func(in places.NewPlace) uuid.UUID {
		p, err := d.Create(t.Context(), d.own, in)
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	market := make(places.NewPlace{Kind: qrgen.KindMarket, Name: "Chợ", Hours: "06:00-18:00"})
	stall := make(places.NewPlace{Kind: qrgen.KindStall, Name: "Hoa", Parent: market})
	night := make(places.NewPlace{Kind: qrgen.KindStall, Name: "Phở", Parent: market, Hours: "20:00-02:00"})
	shop := make(places.NewPlace{Kind: qrgen.KindShop, Name: "Tạp hóa"})
	midnight := time.Date(2021, 12, 1, 0, 0, 0, 0, time.FixedZone("+07", 7*3600))
	for hour, closed := range map[int]map[uuid.UUID]bool{
		1:  {market: true, stall: true},
		4:  {market: true, stall: true, night: true},
		5:  {night: true}, // an hour before
		12: {night: true},
		18: {night: true}, // an hour after
		21: {market: true, stall: true},
	} {
		for _, place := range []uuid.UUID{market, stall, night, shop, uuid.New()} {
			if is := d.Closed(place, midnight.Add(time.Duration(hour)*time.Hour)); is != closed[place] {
				t.Errorf("at %d: closed %v, want %v", hour, is, closed[place])
			}
		}
	}
	stored, err := d.Place(d.own, stall)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Update(t.Context(), d.own, stall, stored.Revision, places.NewPlace{Name: "Hoa", Hours: "24/7"}); err != nil {
		t.Fatal(err)
	}
	if d.Closed(stall, midnight) {
		t.Error("the stall is closed by the hours of before")
	}
}
