package webui_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// TestTripsOfABus has a driver run out and back. Who rode out with somebody who is ill is a contact, and who rode back is none.
func TestTripsOfABus(t *testing.T) {
	s := newSite(t, nil)
	bus := s.place(s.owner, places.NewPlace{Kind: qrgen.KindVehicle, Name: "Xe khách 51B-123.45", Area: "26794"})
	s.account(registry.Account{Login: "driver", Role: registry.RoleGate, Place: bus.ID})
	b := s.staff("driver")
	getOn := func(phones ...string) {
		t.Helper()
		for _, phone := range phones {
			p := b.get("/gate")
			b.post("/gate", url.Values{"number": {phone}, "nonce": {p.field("nonce")}}).leadsTo("/gate")
			s.advance(time.Minute)
		}
	}
	p := b.get("/gate")
	p.wants(http.StatusOK, "Chưa có chuyến nào đang chạy", "Tuyến đầu tiên")
	b.post("/gate/trip/begin", url.Values{"trip": {p.field("trip")}, "route": {" "}}).wants(http.StatusBadRequest, "Hãy ghi xe chạy tuyến nào")
	begin := url.Values{"trip": {p.field("trip")}, "route": {"Cửa Lạch – Hà Nội"}}
	b.post("/gate/trip/begin", begin).leadsTo("/gate")
	b.post("/gate/trip/begin", begin).leadsTo("/gate") // a double tap
	b.get("/gate").wants(http.StatusOK, "Cửa Lạch – Hà Nội Từ 07:40 · 0 người trên xe", "Kết thúc chuyến")

	passenger := s.browser()
	passenger.prove(bus.Code, "0922222222").leadsTo("/q/" + bus.Code + "/stamp") // with a phone of their own
	getOn("0911111111", "079123456789", "0933333333", "0944444444")
	s.advance(10 * time.Second)
	p = b.get("/gate")
	p.wants(http.StatusOK, "5 người trên xe")
	s.advance(40 * time.Minute)
	b.post("/gate/trip/end", url.Values{"trip": {p.field("trip")}}).leadsTo("/gate")
	p = b.get("/gate")
	p.wants(http.StatusOK, "Chưa có chuyến nào đang chạy", "Bắt đầu chuyến Cửa Lạch – Hà Nội", "Tuyến khác")
	b.post("/gate/trip/end", url.Values{"trip": {"x"}}).wants(http.StatusBadRequest)
	s.advance(5 * time.Minute)

	b.post("/gate/trip/begin", url.Values{"trip": {p.field("trip")}, "route": {"Hà Nội – Cửa Lạch"}}).leadsTo("/gate")
	getOn("0955555555", "0966666666")
	s.advance(10 * time.Second)
	p = b.get("/gate")
	p.wants(http.StatusOK, "Hà Nội – Cửa Lạch Từ 08:29", "2 người trên xe")
	s.advance(time.Hour)

	owner := s.staff("owner")
	turnout := owner.get("/places/" + bus.ID.String() + "/turnout")
	turnout.wants(http.StatusOK, "Các chuyến trong bảy ngày", "07:40–08:24", "08:29– đang chạy", "<5")
	if cells := turnout.all(func(n *html.Node) bool { return n.Data == "td" && textOf(n) == "5" }); len(cells) != 1 {
		t.Errorf("five stand in %d cells: %s", len(cells), turnout.text())
	}
	file := owner.get("/places/" + bus.ID.String() + "/trips.csv")
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 3 || strings.Join(lines[2], "|") != "Xe khách 51B-123.45|Cửa Lạch – Hà Nội|2026-11-21T07:40:00+07:00|2026-11-21T08:24:10+07:00|5|false" ||
		lines[1][4] != "0" || lines[1][5] != "true" {
		t.Errorf("the file is %q, %v", lines, err)
	}
	s.staff("stranger").get("/places/" + bus.ID.String() + "/trips.csv").wants(http.StatusNotFound)

	passenger.seeMe("0922222222").wants(http.StatusOK, "Xe khách 51B-123.45 Cửa Lạch – Hà Nội")
	if file := passenger.get("/me/check-ins.csv").body; !strings.Contains(file, "Cửa Lạch – Hà Nội") {
		t.Errorf("the passenger's file is %q", file)
	}

	city := s.staff("city")
	city.post("/cases/new", url.Values{"phone": {"0911111111"}, "onset": {"2026-11-21"}, "lab_ref": {"XN-1"}}).wants(http.StatusSeeOther)
	p = city.post("/runs", url.Values{"case": {city.get("/cases").field("case")}, "profile": {"vn-2021-12"}})
	p.wants(http.StatusSeeOther)
	run := city.get(p.location)
	run.wants(http.StatusOK, "Chuyến Cửa Lạch – Hà Nội, 07:40–08:24")
	if run.heading() != "4 F1 0 F2" || strings.Contains(run.text(), "Hà Nội – Cửa Lạch") {
		t.Errorf("the answer is %q: %s", run.heading(), run.text())
	}
}
