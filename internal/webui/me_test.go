package webui_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// seeMe proves a phone number to see one's own check-ins.
func (b *browser) seeMe(phone string) answer {
	b.s.t.Helper()
	p := b.post("/me/phone", url.Values{"phone": {phone}})
	p.leadsTo("/me/proof")
	p = b.post("/me/proof", url.Values{"code": {b.get(p.location).shownCode()}})
	p.leadsTo("/me")
	return b.get("/me")
}

func TestMyCheckIns(t *testing.T) {
	s := newSite(t, nil)
	day := func(n int) time.Time { return start.Add(time.Duration(n) * 24 * time.Hour) }
	s.visit("0912345678", "", s.stall, day(-3), day(-3).Add(time.Hour))
	s.visit("0912345678", "", s.market, day(-1), day(-1).Add(30*time.Minute))
	s.visit("0987654321", "", s.other, day(-1), day(-1).Add(30*time.Minute))
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	s.advance(10 * time.Minute)

	// A credential is not enough, and neither is the code of somebody else.
	b.get("/me").wants(http.StatusOK, "hãy xác nhận lại số điện thoại")
	for _, path := range []string{"/me/opened", "/me/erase", "/me/check-ins.csv", "/me/check-ins.json"} {
		b.get(path).leadsTo("/me")
	}
	b.post("/me/erase", nil).leadsTo("/me")
	b.get("/me/proof").leadsTo("/me")
	b.post("/me/phone", url.Values{"phone": {"abc"}}).wants(http.StatusBadRequest)
	b.post("/me/phone", url.Values{"phone": {"0912345678"}}).leadsTo("/me/proof")
	b.post("/me/proof", url.Values{"code": {"000000"}}).wants(http.StatusBadRequest, "Mã xác nhận")

	p := b.seeMe("0912 345 678")
	p.wants(http.StatusOK, "3 lần ở các địa điểm", "Sạp rau cô Tư", "Chợ Linh Xuân", "đã báo rời đi", "chưa rời đi", "18/11/2026")
	if strings.Contains(p.text(), "Bến Thành") {
		t.Error("somebody else's check-in is shown")
	}
	for _, n := range p.all(func(n *html.Node) bool { return n.Data == "a" }) {
		if href := attr(n, "href"); strings.Contains(href, "0912") || strings.Contains(href, "-4") {
			t.Errorf("the address %s says whose it is", href)
		}
	}

	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get("/me/check-ins.csv").body, "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 4 || lines[3][0] != "Sạp rau cô Tư" || lines[3][3] != "2026-11-18T07:40:00+07:00" || lines[3][6] != "60" || lines[1][5] != "open" {
		t.Errorf("the file is %q, %v", lines, err)
	}
	var file struct {
		CheckIns []struct{ Place, Site, In, Out, Ended string } `json:"check_ins"`
	}
	if err := json.Unmarshal([]byte(b.get("/me/check-ins.json").body), &file); err != nil || len(file.CheckIns) != 3 ||
		file.CheckIns[2].Site != "Chợ Linh Xuân" || file.CheckIns[2].Ended != "checkout" || file.CheckIns[0].Out != "" {
		t.Errorf("the file is %+v, %v", file, err)
	}
	entries, err := s.ledger.Entries(t.Context(), 0, 3)
	must(t, err)
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	for _, e := range entries {
		if e.Action != "own_visits_read" && e.Action != "own_declarations_read" || e.Subject != alias.String() {
			t.Errorf("the log has %+v", e)
		}
	}

	// It closes by itself, when it is told to, and when the sign-ins of the person are ended.
	s.advance(15*time.Minute + time.Second)
	b.get("/me/opened").leadsTo("/me")
	b.seeMe("0912345678").wants(http.StatusOK, "3 lần")
	b.post("/me/leave", nil).leadsTo("/me")
	b.get("/me/opened").leadsTo("/me")
	b.seeMe("0912345678").wants(http.StatusOK, "3 lần")
	s.credentials.SetRevoked(map[uuid.UUID]int64{alias: s.now.Load() + 1})
	b.get("/me/opened").leadsTo("/me")
}

func TestWhoOpenedMyDetails(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	person, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	must(t, s.ledger.Append(t.Context(), "ward", "details_opened", person.ID.String(), "area=26794;purpose=inform;run=x;text=y"))
	must(t, s.ledger.Append(t.Context(), "ward2", "details_opened", uuid.NewString(), "area=26797;purpose=test"))
	// With the details of a child the number of the phone that it is under is opened.
	b.post("/q/"+s.stall.Code+"/with", url.Values{"name": {"Bé Na"}}).leadsTo("/q/" + s.stall.Code)
	under, err := s.store.Dependants(t.Context(), person.ID)
	must(t, err)
	must(t, s.ledger.Append(t.Context(), "city", "details_opened", under[0].Person.String(), "area=79;purpose=test;run=x"))
	s.advance(14*24*time.Hour - time.Minute)
	b.seeMe("0912345678")
	b.get("/me/opened").wants(http.StatusOK, "Chưa có ai mở", "sau 14 ngày")
	s.advance(2 * time.Minute)
	p := b.get("/me/opened")
	p.wants(http.StatusOK, "Đội truy vết Phường Linh Xuân", "Báo cho người đó", "07:40 · 21/11/2026", "Về người thứ 1 đi cùng số của bạn")
	if strings.Contains(p.text(), "Bình Chiểu") || strings.Contains(p.text(), "ward") {
		t.Errorf("the page tells too much: %s", p.text())
	}
}

func TestErase(t *testing.T) {
	s := newSite(t, nil)
	code := "/q/" + s.stall.Code
	mai, nam := s.browser(), s.browser()
	mai.prove(s.stall.Code, "0912345678")
	nam.prove(s.stall.Code, "0987654321")
	s.advance(time.Minute)
	mai.seeMe("0912345678").wants(http.StatusOK, "Xóa các lượt quét của tôi")
	mai.get("/me/erase").wants(http.StatusOK, "Xóa các lượt quét của bạn?", "sau 21 ngày")
	erased := func() map[uuid.UUID]int64 {
		t.Helper()
		world, err := s.store.World(t.Context())
		must(t, err)
		return world.Erased
	}
	if len(erased()) > 0 {
		t.Errorf("reading has erased %v", erased())
	}
	mai.post("/me/erase", url.Values{}).wants(http.StatusOK, "Đã xóa các lượt quét của bạn", "07:41", "21/11/2026")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	if got := erased(); len(got) != 1 || got[alias] != s.now.Load()+1 {
		t.Errorf("erased is %v", got)
	}
	entries, err := s.ledger.Entries(t.Context(), 0, 1)
	must(t, err)
	me, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	if len(entries) != 1 || entries[0].Action != "scans_erased" || entries[0].Subject != me.ID.String() {
		t.Errorf("the audit log ends with %+v", entries)
	}
	mai.get("/me").wants(http.StatusOK, "Không có lượt quét nào")
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

	// What comes after counts.
	s.advance(20 * time.Minute)
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

// TestAListHoldsCheckIns: whoever is listed is told until when nothing can be erased.
func TestAListHoldsCheckIns(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	person, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	city, err := s.store.AccountByLogin(t.Context(), "city")
	must(t, err)
	run := registry.Run{ID: uuid.New(), Profile: "who", Rules: []byte(`{}`), Area: "79", Author: city.ID, Created: s.now.Load(), Report: []byte(`{}`)}
	must(t, s.store.PutRun(t.Context(), run, person.ID))
	b.seeMe("0912345678")
	b.get("/me/erase").wants(http.StatusOK, "Chưa thể xóa", "19/02/2027")
	b.post("/me/erase", nil).wants(http.StatusConflict, "Chưa thể xóa", "19/02/2027")
	world, err := s.store.World(t.Context())
	must(t, err)
	if len(world.Erased) > 0 {
		t.Errorf("erased is %v", world.Erased)
	}
	must(t, s.store.DropRun(t.Context(), run.ID))
	b.post("/me/erase", nil).wants(http.StatusOK, "Đã xóa các lượt quét của bạn")
}

// TestEraseAsksForThoseUnderThePhone: they go along unless the tick is taken away, and a list holds each by themselves.
func TestEraseAsksForThoseUnderThePhone(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	code := "/q/" + s.stall.Code
	b.prove(s.stall.Code, "0912345678")
	for _, name := range []string{"Bé Na", "Ông Năm"} {
		b.post(code+"/with", url.Values{"name": {name}}).leadsTo(code)
	}
	b.post(code+"/scan", url.Values{"kind": {"in"}, "nonce": {b.get(code).field("nonce")}, "with": {"0", "1"}}).leadsTo(code + "/stamp")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	me, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	under, err := s.store.Dependants(t.Context(), me.ID)
	must(t, err)
	city, err := s.store.AccountByLogin(t.Context(), "city")
	must(t, err)
	list := func(listed ...uuid.UUID) registry.Run {
		t.Helper()
		run := registry.Run{ID: uuid.New(), Profile: "who", Rules: []byte(`{}`), Area: "79", Author: city.ID, Created: s.now.Load(), Report: []byte(`{}`)}
		must(t, s.store.PutRun(t.Context(), run, listed...))
		return run
	}
	erased := func() int {
		t.Helper()
		world, err := s.store.World(t.Context())
		must(t, err)
		return len(world.Erased)
	}
	b.seeMe("0912345678")
	ticked := b.get("/me/erase").all(func(n *html.Node) bool { return attr(n, "name") == "under" })
	if len(ticked) != 1 || !slices.ContainsFunc(ticked[0].Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
		t.Errorf("the tick is %v", ticked)
	}
	first := list(me.ID, under[0].Person)
	p := b.get("/me/erase")
	p.wants(http.StatusOK, "Xóa các lượt quét của 1 người", "Của 1 người đi cùng số của bạn thì chưa xóa được", "19/02/2027")
	b.post("/me/erase", url.Values{"under": {p.field("under")}}).wants(http.StatusOK, "Đã xóa các lượt quét của họ", "của 1 người đi cùng số của bạn cũng đã")
	if n := erased(); n != 1 {
		t.Errorf("%d aliases are erased", n)
	}
	second := list(under[1].Person)
	b.get("/me/erase").wants(http.StatusOK, "Chưa thể xóa", "Của 2 người")
	b.post("/me/erase", url.Values{"under": {"1"}}).wants(http.StatusConflict, "Chưa thể xóa")
	for _, run := range []registry.Run{first, second} {
		must(t, s.store.DropRun(t.Context(), run.ID))
	}
	b.post("/me/erase", nil).wants(http.StatusOK, "Đã xóa các lượt quét của bạn")
	if n := erased(); n != 2 {
		t.Errorf("%d aliases are erased", n)
	}
	b.post("/me/erase", url.Values{"under": {"1"}}).wants(http.StatusOK, "Đã xóa các lượt quét của bạn", "của 2 người đi cùng số của bạn cũng đã")
	if n := erased(); n != 3 {
		t.Errorf("%d aliases are erased", n)
	}
}

// TestWhoWasForgottenProvesTheNumberAgain: retention has let go of the details of somebody, whose browser still holds a credential.
func TestWhoWasForgottenProvesTheNumberAgain(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	code := "/q/" + s.stall.Code
	b.prove(s.stall.Code, "0912345678")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	person, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	nonce := b.get(code).field("nonce")
	must(t, s.store.Forget(t.Context(), []uuid.UUID{person.ID}))
	before := len(s.allScans())
	b.get(code).wants(http.StatusOK, "Đã lâu bạn không báo đến", "Số điện thoại")
	b.post(code+"/scan", url.Values{"kind": {"in"}, "nonce": {nonce}}).wants(http.StatusUnauthorized, "Đã lâu bạn không báo đến")
	b.post(code+"/with", url.Values{"name": {"Bé Na"}}).wants(http.StatusUnauthorized, "Đã lâu bạn không báo đến")
	b.get("/me/code").wants(http.StatusUnauthorized, "Đã lâu bạn không báo đến")
	if n := len(s.allScans()); n != before {
		t.Errorf("%d scans were taken of somebody whom a list could not name", n-before)
	}
	b.prove(s.stall.Code, "0912345678")
	b.get("/me/code").wants(http.StatusOK)
	if again, err := s.store.PersonByAlias(t.Context(), alias); err != nil || again.ID != person.ID {
		t.Errorf("whoever comes again is somebody else: %v", err)
	}
	if fields, err := s.store.SealedFields(t.Context(), person.ID); err != nil || !slices.Contains(fields, "phone") {
		t.Errorf("the details are %v, %v", fields, err)
	}
}

func TestTheNoticeIsAccepted(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.get("/q/"+s.stall.Code).wants(http.StatusOK, "bạn đồng ý với", "Thông báo về dữ liệu của bạn")
	b.get("/notice").wants(http.StatusOK, "sau 21 ngày", "sau 90 ngày", "sau 14 ngày")
	b.prove(s.stall.Code, "0912345678")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	if version, at, err := s.store.AcceptedNotice(t.Context(), alias); err != nil || version != 2 || at != s.now.Load() {
		t.Errorf("version %d was accepted at %d, %v", version, at, err)
	}
}
