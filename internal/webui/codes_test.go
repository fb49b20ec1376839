package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

func TestReissue(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	confirm := b.get(path + "/reissue")
	confirm.wants(http.StatusOK, "Sạp rau cô Tư", "Cấp lại mã?", "hết hiệu lực khi nào")
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusOK) // asking kills nothing
	form := url.Values{"serial": {confirm.field("serial")}, "end": {"now"}}
	b.post(path+"/reissue", form).leadsTo(path)
	b.get(path).wants(http.StatusOK, "Mã số 2")
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusGone)
	b.post(path+"/reissue", form).wants(http.StatusConflict, "vừa thay đổi") // a second tap
	b.get(path).wants(http.StatusOK, "Mã số 2")
	now, err := s.store.Place(t.Context(), s.stall.ID)
	must(t, err)
	s.browser().get("/q/"+now.Code).wants(http.StatusOK, "Sạp rau cô Tư")
}

// TestReissueAtADay has the old code live until the day that the owner chose is over.
func TestReissueAtADay(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	for _, day := range []string{"", "2026-11-20", "2028-01-01", "x"} {
		form := url.Values{"serial": {"1"}, "end": {"day"}, "day": {day}}
		p := b.post(path+"/reissue", form)
		p.wants(http.StatusBadRequest, "Ngày cuối của mã cũ")
		if p.field("day") != day {
			t.Errorf("the day %q is typed back as %q", day, p.field("day"))
		}
	}
	b.post(path+"/reissue", url.Values{"serial": {"1"}, "end": {"day"}, "day": {"2026-11-22"}}).leadsTo(path)
	b.get(path+"/codes").wants(http.StatusOK, "Mã số 2", "Mã số 1", "Còn hiệu lực đến lúc kết thúc", "00:00 · 23/11/2026")
	s.now.Store(time.Date(2026, 11, 22, 16, 59, 59, 0, time.UTC).Unix())
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusOK)
	s.browser().get("/check/"+s.stall.Code).wants(http.StatusOK, "Mã thật", "23/11/2026")
	s.advance(time.Second)
	s.browser().get("/q/"+s.stall.Code).wants(http.StatusGone, "Mã đã thu hồi", "Tìm mã mới")
	s.browser().get("/check/"+s.stall.Code).wants(http.StatusOK, "Mã cũ", "Đã thay bằng mã mới")
	entry, err := s.store.FindAudit(t.Context(), registry.AuditFilter{Action: "code_reissued"}, 0, 10)
	must(t, err)
	if len(entry) != 1 || entry[0].Detail != "serial 2, the one before ends 2026-11-23T00:00:00+07:00" {
		t.Errorf("the audit log says %+v", entry)
	}
}

func TestRevoke(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	b.get(path+"/codes").wants(http.StatusOK, "Mã số 1", "Còn hiệu lực")
	b.get(path + "/revoke?serial=7").wants(http.StatusNotFound)
	ask := b.get(path + "/revoke?serial=1")
	ask.wants(http.StatusOK, "Thu hồi mã số 1", "Đây là mã mới nhất")
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusOK)
	for range 2 { // a second tap changes nothing
		b.post(path+"/revoke", url.Values{"serial": {ask.field("serial")}}).leadsTo(path + "/codes")
	}
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusGone)
	s.browser().get("/check/"+s.stall.Code).wants(http.StatusOK, "Mã đã thu hồi", "07:40 · 21/11/2026")
	b.get(path+"/codes").wants(http.StatusOK, "Đã thu hồi")
	b.get(path).wants(http.StatusOK, "Mã này đã bị thu hồi")
	b.get(path+"/revoke?serial=1").wants(http.StatusOK, "đã hết hiệu lực từ trước")
	for _, serial := range []string{"", "x", "-1", "99999999999"} {
		b.post(path+"/revoke", url.Values{"serial": {serial}}).wants(http.StatusNotFound)
	}
	b.post(path+"/reissue", url.Values{"serial": {"1"}, "end": {"now"}}).leadsTo(path)
	b.get(path+"/codes").wants(http.StatusOK, "Mã số 2", "Còn hiệu lực", "Mã số 1", "Đã thu hồi")
}

func TestCheckTellsWhatThePosterSays(t *testing.T) {
	s := newSite(t, nil)
	short, err := qrgen.CheckCode(s.stall.Code)
	must(t, err)
	for _, prefix := range []string{"/check/", "/CHECK/"} {
		p := s.browser().get(prefix + strings.ToLower(s.stall.Code))
		p.wants(http.StatusOK, "Mã thật", "Genuine code", "Sạp rau cô Tư", "Chợ Linh Xuân", short, "Còn hiệu lực")
		if strings.Contains(p.text(), "Ban Quản lý") {
			t.Error("it tells of the owner")
		}
	}
	s.browser().get("/q/"+s.stall.Code).wants(http.StatusOK, short)
	if n := s.scanCount(); n != 0 {
		t.Errorf("%d scans were logged", n)
	}
}

// screen enrols a browser as the screen of a place.
func (s *site) screen(place registry.Place) *browser {
	s.t.Helper()
	path := "/places/" + place.ID.String() + "/screen"
	owner := s.staff("owner")
	owner.get(path).wants(http.StatusOK, place.Name)
	made := owner.post(path, url.Values{})
	made.wants(http.StatusCreated)
	code := made.all(func(n *html.Node) bool { return n.Data == "p" && attr(n, "class") == "code" })
	b := s.browser()
	b.post("/gate/enrol", url.Values{"code": {textOf(code[0])}}).wants(http.StatusCreated, "Màn hình: đã cài đặt", place.Name)
	return b
}

// shown returns what the screen's page holds.
func shown(p answer) *html.Node {
	p.t.Helper()
	p.wants(http.StatusOK)
	found := p.all(func(n *html.Node) bool { return attr(n, "class") == "screen" })
	if len(found) != 1 {
		p.t.Fatalf("no code of a screen: %s", p.text())
	}
	return found[0]
}

func TestScreen(t *testing.T) {
	s := newSite(t, nil)
	s.browser().get("/screen").wants(http.StatusUnauthorized)
	for i := range 6 {
		s.visit(phoneNumber(i), "26794", s.stall, start.Add(-30*time.Minute), start.Add(-10*time.Minute))
	}
	b := s.screen(s.stall)
	first := b.get("/screen")
	box := shown(first)
	first.wants(http.StatusOK, "Sạp rau cô Tư", "Chợ Linh Xuân", "Quét mã khi đến", "Scan when you arrive", "Lượt đến hôm nay: 6")
	if attr(box, "data-state") != "ok" || attr(box, "data-expires") != "1795221690" || attr(box, "data-again") != "30" || !strings.Contains(first.body, "<svg") {
		t.Errorf("the screen shows %v", box.Attr)
	}
	if strings.Contains(first.body, "style=") || first.header.Get("Set-Cookie") == "" {
		t.Error("it has a style that the policy forbids, or the key is not kept for longer")
	}
	s.advance(29 * time.Second)
	if same := b.get("/screen"); attr(shown(same), "data-expires") != attr(box, "data-expires") {
		t.Error("the code is another one within half a minute")
	}
	s.advance(time.Second)
	if attr(shown(b.get("/screen")), "data-expires") != "1795221720" {
		t.Error("the code is not signed anew after half a minute")
	}
	// The key shows a code, and does nothing else.
	b.get("/gate").leadsTo("/login?next=%2Fgate")
	b.get("/places").leadsTo("/login?next=%2Fplaces")

	must(t, s.places.Revoke(t.Context(), s.owner, s.stall.ID, 1))
	if ended := b.get("/screen"); attr(shown(ended), "data-state") != "ended" || strings.Contains(ended.body, "<svg") {
		t.Error("it shows a code that was taken back")
	}
	accounts, err := s.accounts.Visible(t.Context(), s.owner, registry.Cursor{Limit: 100})
	must(t, err)
	for _, a := range accounts.Records {
		if a.Role == registry.RoleScreen {
			must(t, s.accounts.Disable(t.Context(), s.owner, a.ID))
		}
	}
	b.get("/screen").wants(http.StatusUnauthorized)
}

// TestCheckInAtAScreen has somebody open the code of a screen and take their time: the scan is of when they opened it.
func TestCheckInAtAScreen(t *testing.T) {
	s := newSite(t, nil)
	text, token, err := s.places.ScreenCode(s.stall.ID)
	must(t, err)
	path := "/q/" + text
	b := s.browser()
	opened := start.Add(80 * time.Second)
	s.now.Store(opened.Unix())
	b.get(path).wants(http.StatusOK, "Sạp rau cô Tư")
	if strings.Contains(b.get(path).text(), "Mã kiểm tra") {
		t.Error("a code that changes has a check code to compare")
	}
	s.now.Store(token.ExpiresAt.Unix() + 1)
	s.browser().get(path).wants(http.StatusGone, "Mã đã hết hạn") // somebody else, on a photo
	sent := b.follow(b.post(path+"/phone", url.Values{"phone": {"0912345678"}}))
	s.advance(4 * time.Minute)
	code := sent.all(func(n *html.Node) bool { return n.Data == "p" && attr(n, "class") == "code" })
	p := b.follow(b.post(path+"/code", url.Values{"code": {textOf(code[0])}, "nonce": {sent.field("nonce")}}))
	p.wants(http.StatusOK, "07:41", "quét lại mã trên màn hình")
	all := s.allScans()
	if len(all) != 1 || all[0].At != opened.Unix() || all[0].Kind != stay.In || all[0].Flags != 0 || all[0].Place != s.stall.ID {
		t.Errorf("recorded is %+v", all)
	}
	b.post(path+"/scan", url.Values{"kind": {"out"}, "nonce": {uuid.NewString()}}).wants(http.StatusGone)
	s.now.Store(opened.Add(14 * time.Minute).Unix())
	b.post(path+"/scan", url.Values{"kind": {"in"}, "nonce": {b.get(path).field("nonce")}}).leadsTo(path + "/stamp")
	if all = s.allScans(); len(all) != 2 || all[1].At != opened.Unix() || all[1].Flags != stay.Late {
		t.Errorf("a quarter of an hour later it is recorded as %+v", all)
	}
	s.now.Store(opened.Add(15*time.Minute + time.Second).Unix())
	b.get(path).wants(http.StatusGone)
	b.post(path+"/scan", url.Values{"kind": {"in"}, "nonce": {uuid.NewString()}}).wants(http.StatusGone)
	if n := s.scanCount(); n != 2 {
		t.Errorf("%d scans were logged", n)
	}
}
