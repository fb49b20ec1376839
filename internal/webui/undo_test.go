package webui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/webui/visitor"
	"github.com/truyvet/truyvet/tracing/stay"
)

// TestUndo takes a check-in back within its minute, of everybody who was there, and once.
func TestUndo(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	path := "/q/" + s.stall.Code
	b.prove(s.stall.Code, "0912 345 678")
	b.post(path+"/with", url.Values{"name": {"Bé Na"}}).leadsTo(path)
	s.advance(time.Minute)
	b.post(path+"/scan", url.Values{"kind": {"in"}, "nonce": {b.get(path).field("nonce")}, "with": {"0"}}).leadsTo(path + "/stamp")
	b.get(path+"/stamp").wants(http.StatusOK, "Hoàn tác", "Undo")
	made := s.allScans()[1:]

	s.advance(citizen.UndoFor)
	for range 2 {
		b.post(path+"/undo", url.Values{}).leadsTo(path + "/stamp")
	}
	b.get(path+"/stamp").wants(http.StatusOK, "Đã hoàn tác lượt báo")
	all := s.allScans()
	if len(all) != 5 {
		t.Fatalf("%d scans are logged, want one, two, and what takes the two back", len(all))
	}
	voided := make(map[uuid.UUID]scan.Scan)
	for _, v := range all[3:] {
		voided[v.Alias] = v
	}
	for _, in := range made {
		if v := voided[in.Alias]; v.Kind != stay.Void || v.Voids != in.ID || v.At != in.At {
			t.Errorf("%+v is taken back by %+v", in, v)
		}
	}
}

// TestUndoComesTooLate, or without anything to take back.
func TestUndoComesTooLate(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	path := "/q/" + s.stall.Code
	b.post(path+"/undo", url.Values{}).leadsTo(path + "/stamp")
	b.prove(s.stall.Code, "0912 345 678")
	s.advance(citizen.UndoFor + citizen.UndoGrace + time.Second)
	b.post(path+"/undo", url.Values{}).wants(http.StatusGone, "chỉ hoàn tác được trong một phút", "Lượt này vẫn được giữ")
	if page := b.get(path + "/stamp"); len(s.allScans()) != 1 || page.status != http.StatusOK {
		t.Errorf("%d scans; %s", len(s.allScans()), page.text())
	}
	b.get(path + "/undo").leadsTo(path)
}

// TestWhatABrowserKeeps: the mark is of one person, and the API reads those who go along in the order of the page.
func TestWhatABrowserKeeps(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	path := "/q/" + s.stall.Code
	b.prove(s.stall.Code, "0912 345 678")
	for _, name := range []string{"Bé Na", "Bà \"Tư\""} {
		b.post(path+"/with", url.Values{"name": {name}}).leadsTo(path)
	}
	page := b.get(path)
	found := page.all(func(n *html.Node) bool { return attr(n, "id") == "visitor" })
	mine, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	other, err := s.pseudonyms.Phone("0987654321")
	must(t, err)
	if len(found) != 1 || attr(found[0], "data-along") != `["Bé Na","Bà \"Tư\""]` || attr(found[0], "data-whose") != s.ui.Mark(mine) || s.ui.Mark(mine) == s.ui.Mark(other) {
		t.Fatalf("the page tells its scripts %v", found)
	}
	request := httptest.NewRequest(http.MethodPost, "/api/v1/me/queue", nil)
	request.AddCookie(&http.Cookie{Name: "truyvet_with", Value: b.cookie("truyvet_with")})
	along := s.ui.Companions(request, mine)
	if len(along) != 2 || along[0] == along[1] || len(s.ui.Companions(request, other)) != 0 {
		t.Errorf("along go %v", along)
	}
	person, err := s.store.PersonByAlias(t.Context(), mine)
	must(t, err)
	there, err := s.store.Dependants(t.Context(), person.ID)
	if err != nil || len(there) != 2 {
		t.Errorf("%v, %v", there, err)
	}
	s.browser().get("/q").wants(http.StatusOK, "Lượt báo trên máy này")
}

// TestProvingOnesOwnPhone: who sees their own check-ins is recorded with the browser only where they say that it is theirs.
func TestProvingOnesOwnPhone(t *testing.T) {
	s := newSite(t, nil)
	lent, own := s.browser(), s.browser()
	lent.seeMe("0912345678")
	own.post("/me/phone", url.Values{"phone": {"0987654321"}})
	own.post("/me/proof", url.Values{"code": {own.get("/me/proof").shownCode()}, "mine": {"yes"}}).leadsTo("/me")
	if lent.cookie(visitor.CredentialCookie) != "" || own.cookie(visitor.CredentialCookie) == "" {
		t.Error("the wrong browser checks in whoever proved their number")
	}
	own.get("/q/"+s.stall.Code).wants(http.StatusOK, "Báo đã đến")
}
