package webui_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/tracing/stay"
)

// TestSomebodyGoesUnderAPhone adds a child, and has it come and go with whoever has the phone.
func TestSomebodyGoesUnderAPhone(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	path := "/q/" + s.stall.Code
	b.get(path + "/with").leadsTo(path)
	b.prove(s.stall.Code, "0912 345 678")
	b.get(path).wants(http.StatusOK, "Đi cùng người không có điện thoại")
	b.get(path+"/with").wants(http.StatusOK, "Trẻ em hoặc người già")
	for _, name := range []string{"", " ", strings.Repeat("á", 101), "\xff"} {
		b.post(path+"/with", url.Values{"name": {name}}).wants(http.StatusBadRequest, "Hãy ghi họ tên")
	}
	b.post(path+"/with", url.Values{"name": {"Bé Na"}}).leadsTo(path)
	b.post(path+"/with", url.Values{"name": {"Bà Tư"}}).leadsTo(path)
	p := b.get(path)
	p.wants(http.StatusOK, "Đi cùng tôi", "Bé Na", "Bà Tư")

	s.advance(time.Minute)
	b.post(path+"/scan", url.Values{"kind": {"in"}, "nonce": {p.field("nonce")}, "with": {"1", "7", "x"}}).leadsTo(path + "/stamp")
	stamp := b.get(path + "/stamp")
	stamp.wants(http.StatusOK, "và 1 người đi cùng")
	guardian, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	scans := s.allScans()
	var others []uuid.UUID
	for _, scan := range scans {
		if scan.Alias != guardian {
			others = append(others, scan.Alias)
		}
	}
	if len(scans) != 3 || len(others) != 1 || scans[len(scans)-1].Kind != stay.In {
		t.Fatalf("%d scans, of others %v", len(scans), others)
	}
	// Who leaves with them leaves too, by the button on the stamp.
	s.advance(time.Minute)
	b.post(path+"/scan", url.Values{"kind": {"out"}, "nonce": {stamp.field("nonce")}, "with": {stamp.field("with")}}).leadsTo(path + "/stamp")
	if last := s.allScans(); len(last) != 5 || last[4].Kind != stay.Out || last[3].Kind != stay.Out || last[3].Alias == last[4].Alias {
		t.Errorf("%d scans", len(last))
	}

	// It is a person of its own, who is reached by the guardian's phone.
	person, err := s.store.PersonByAlias(t.Context(), others[0])
	must(t, err)
	city, err := s.store.AccountByLogin(t.Context(), "city")
	must(t, err)
	details, err := s.vault.Open(t.Context(), vault.Order{Person: person.ID, Run: uuid.New(), Account: city, Purpose: vault.Purpose{Code: "inform"}})
	if err != nil || details[vault.Phone] != "0912345678" || details[vault.Name] != "Bà Tư" || details[vault.Dependant] != "2" {
		t.Errorf("%d details, %v", len(details), err)
	}

	// Another browser of the same phone knows how many there are; somebody else's knows none, whatever cookie it has.
	again := s.browser()
	again.prove(s.stall.Code, "0912 345 678")
	again.get(path).wants(http.StatusOK, "Đi cùng tôi")
	stranger := s.browser()
	stranger.prove(s.stall.Code, "0987 654 321")
	site, err := url.Parse(s.URL)
	must(t, err)
	stranger.client.Jar.SetCookies(site, []*http.Cookie{{Name: "truyvet_with", Value: b.cookie("truyvet_with")}})
	if page := stranger.get(path); strings.Contains(page.body, "Bé Na") {
		t.Error("another's companions are shown")
	}
	before := len(s.allScans())
	s.advance(time.Minute)
	stranger.post(path+"/scan", url.Values{"kind": {"in"}, "with": {"0", "1"}})
	if after := s.allScans(); len(after) != before+1 || slices.Contains(others, after[before].Alias) {
		t.Error("another's companions are scanned")
	}
	b.post(path+"/forget", url.Values{})
	if b.cookie("truyvet_with") != "" {
		t.Error("who was with them is not forgotten")
	}
	if strings.Contains(s.logs.String(), "Na") && strings.Contains(s.logs.String(), "Bé") {
		t.Error("the log holds a name")
	}
}

func TestTenGoUnderOnePhone(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	path := "/q/" + s.stall.Code
	b.prove(s.stall.Code, "0912 345 678")
	for range 10 {
		b.post(path+"/with", url.Values{"name": {strings.Repeat("Nguyễn Thị ", 9)}}).leadsTo(path)
	}
	b.post(path+"/with", url.Values{"name": {"Một người nữa"}}).wants(http.StatusConflict, "đã có 10 người")
	if size := len(b.cookie("truyvet_with")); size == 0 || size > 4000 {
		t.Errorf("the cookie has %d characters", size)
	}
	b.get(path).wants(http.StatusOK, "Đi cùng tôi")
}
