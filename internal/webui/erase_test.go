package webui_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

func TestErase(t *testing.T) {
	s := newSite(t, nil)
	code := "/q/" + s.stall.Code
	stranger := s.browser()
	stranger.get(code + "/erase").leadsTo(code)
	stranger.get(code + "/erased").leadsTo(code)
	stranger.post(code+"/erase", nil).wants(http.StatusUnauthorized, "Số điện thoại của bạn")

	mai, nam := s.browser(), s.browser()
	mai.prove(s.stall.Code, "0912345678")
	nam.prove(s.stall.Code, "0987654321")
	s.advance(time.Minute)
	mai.get(code).wants(http.StatusOK, "Xóa các lượt quét của tôi")
	mai.get(code+"/erase").wants(http.StatusOK, "Xóa các lượt quét của bạn?", "Danh sách mà đội truy vết đã lập", "sau 21 ngày")
	mai.get(code + "/erased").leadsTo(code)
	erased := func() map[uuid.UUID]int64 {
		t.Helper()
		world, err := s.store.World(t.Context())
		must(t, err)
		return world.Erased
	}
	if len(erased()) > 0 {
		t.Errorf("reading has erased %v", erased())
	}

	answer := mai.post(code+"/erase", url.Values{})
	answer.leadsTo(code + "/erased")
	mai.follow(answer).wants(http.StatusOK, "Đã xóa các lượt quét của bạn", "07:41", "21/11/2026")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	if got := erased(); len(got) != 1 || got[alias] != s.now.Load()+1 {
		t.Errorf("erased is %v", got)
	}
	mai.get(code + "/stamp").leadsTo(code) // what it shows is gone
	nam.get(code+"/stamp").wants(http.StatusOK, "Đã ghi nhận: VÀO")
	sight, err := s.snapshots.Snapshot(t.Context(), s.now.Load()+60)
	must(t, err)
	windows := []tracing.PlaceWindow{{Place: tracing.Place{ID: s.stall.ID}, To: s.now.Load() + 60}}
	var there []uuid.UUID
	must(t, sight.Source.AtPlaces(t.Context(), tracing.ScopePlace, windows, func(_ int, u tracing.United) error {
		there = append(there, u.Person)
		return nil
	}))
	namAlias, err := s.pseudonyms.Phone("0987654321")
	must(t, err)
	person, err := s.store.PersonByAlias(t.Context(), namAlias)
	must(t, err)
	if !slices.Equal(there, []uuid.UUID{person.ID}) {
		t.Errorf("a trace finds %v, not Nam alone", there)
	}
	entries, err := s.ledger.Entries(t.Context(), 0, 1)
	must(t, err)
	if len(entries) != 1 || entries[0].Action != "scans_erased" || entries[0].Subject != alias.String() {
		t.Errorf("the audit log ends with %+v", entries)
	}

	// It is good for what comes after, and the page is not for the next visit.
	s.advance(20 * time.Minute)
	mai.get(code + "/erased").leadsTo(code)
	p := mai.get(code)
	mai.post(code+"/scan", url.Values{"kind": {"in"}, "nonce": {p.field("nonce")}}).leadsTo(code + "/stamp")
	world, err := s.store.World(t.Context())
	must(t, err)
	scans := s.allScans()
	last := scans[len(scans)-1]
	if stay.NewLinks(world.Links).Without(world.Erased).Erased(last.Alias, last.ReceivedAt) {
		t.Error("what was scanned after the erasure is erased")
	}
}
