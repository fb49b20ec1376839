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
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// links returns the addresses that a page leads to which begin so.
func (p answer) links(prefix string) []string {
	var found []string
	for _, n := range p.all(func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), prefix) }) {
		found = append(found, attr(n, "href"))
	}
	return found
}

// TestDetailsOnThePage goes from a list over its approval to somebody's number.
func TestDetailsOnThePage(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	colleague := s.account(registry.Account{Login: "colleague", Role: registry.RoleCity, Area: "79"})
	alias, err := s.pseudonyms.Phone("0922222222")
	must(t, err)
	known, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	must(t, s.vault.Put(t.Context(), known.ID, vault.Details{
		vault.Phone: "0922222222", vault.Name: "Bùi Thị <b>Út", vault.Ward: "26794", vault.BirthYear: "1961", vault.Address: "1 Lê Lợi",
	}))
	b := s.staff("city")
	b.record()
	p := b.post("/runs", url.Values{"case": {b.get("/cases").field("case")}, "profile": {"vn-2021-12"}})
	run := p.location
	list := b.get(run)
	list.wants(http.StatusOK, "chờ người thứ hai duyệt", "07:40 · 22/11/2026")
	if strings.Contains(list.body, run+"/approve") {
		t.Error("who made the run is asked to approve it")
	}
	if people := list.links(run + "/people/"); len(people) != 3 {
		t.Fatalf("%d people lead to their details", len(people))
	}
	person := run + "/people/" + known.ID.String()
	b.get(person).wants(http.StatusOK, "chờ người thứ hai duyệt")
	call := url.Values{"purpose": {"inform"}}
	b.post(person, call).wants(http.StatusForbidden, "Phải có người thứ hai duyệt")
	b.post(run+"/approve", url.Values{}).wants(http.StatusForbidden, "không tự duyệt được")
	b.get(run + "/approve").leadsTo(run)

	other := s.staff(colleague.Login)
	other.get(run).wants(http.StatusOK, "Duyệt lượt truy vết này")
	other.post(run+"/approve", url.Values{}).leadsTo(run)
	b.get(run).wants(http.StatusOK, "Đã có người thứ hai duyệt lúc 07:40")

	form := b.get(person)
	form.wants(http.StatusOK, "Bạn cần thông tin để làm gì?", "Báo cho người đó", "Phường Linh Xuân")
	if strings.Contains(form.body, "0922222222") {
		t.Error("the number stands there before it was opened")
	}
	b.post(person, url.Values{}).wants(http.StatusBadRequest, "Chọn mục đích")
	refused := b.post(person, url.Values{"purpose": {"other"}, "text": {"gọi 0922 222 222"}})
	refused.wants(http.StatusBadRequest, "Chọn mục đích")
	opened := b.post(person, call)
	opened.wants(http.StatusOK, "0922222222", "Bùi Thị <b>Út", "1961", "1 Lê Lợi", "Phường Linh Xuân", "Đã ghi vào nhật ký. Mục đích: Báo cho người đó")
	if links := opened.links("tel:"); len(links) != 1 || links[0] != "tel:0922222222" {
		t.Errorf("to be called at %q", links)
	}
	if control := opened.header.Get("Cache-Control"); control != "no-store" {
		t.Errorf("browsers may keep it: %q", control)
	}
	for _, secret := range []string{"0922222222", "Út", "1 Lê Lợi"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	var nobody string
	for _, link := range list.links(run + "/people/") {
		if link != person {
			nobody = link
		}
	}
	b.post(nobody, call).wants(http.StatusOK, "Ngoài mã người")
	must(t, s.store.PutSealed(t.Context(), []registry.Sealed{ // one that nobody can read keeps from nothing else
		{Person: known.ID, Field: string(vault.DeclarationField("2026-11-20", "general")), Key: 1, Value: []byte{1}, Made: start.Unix()},
	}, true))
	b.post(person, call).wants(http.StatusOK, "0922222222", "Khai báo y tế · 20/11/2026 Có khai báo này, nhưng không đọc được nữa.")

	for _, login := range []string{"owner", "gate", "admin", "auditor"} {
		s.staff(login).post(person, call).wants(http.StatusForbidden)
		s.staff(login).get(person).wants(http.StatusForbidden)
	}
	s.browser().post(person, call).leadsTo("/login?" + url.Values{"next": {person}}.Encode())
	for _, path := range []string{run + "/people/" + uuid.NewString(), run + "/people/x", "/runs/" + uuid.NewString() + "/people/" + known.ID.String(), "/runs/x/people/x"} {
		b.post(path, call).wants(http.StatusNotFound)
		b.get(path).wants(http.StatusNotFound)
	}
}

// TestMyCode shows a code, has a gate take it, and sees it end.
func TestMyCode(t *testing.T) {
	s := newSite(t, nil)
	b, gate := s.browser(), s.staff("gate")
	b.get("/me/code").wants(http.StatusUnauthorized)
	b.prove(s.stall.Code, "0912 345 678")
	b.get("/q/"+s.stall.Code).wants(http.StatusOK, "Mã của tôi để qua cổng")
	p := b.get("/me/code")
	p.wants(http.StatusOK, "Mã của tôi để qua cổng", "My code for a gate", "Dùng được đến 07:41:00")
	again := p.all(func(n *html.Node) bool { return attr(n, "data-again") == "30" })
	refresh := strings.Count(p.body, `<noscript><meta http-equiv="refresh" content="30"></noscript>`)
	if len(again) != 1 || refresh != 1 || strings.Count(p.body, "<svg") != 2 {
		t.Errorf("it is made anew %d times, %d without script, with %d pictures", len(again), refresh, strings.Count(p.body, "<svg"))
	}
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	if strings.Contains(p.body, alias.String()) || p.header.Get("Cache-Control") != "no-store" {
		t.Error("the page tells the alias, or is kept")
	}
	now := time.Unix(s.now.Load(), 0)
	text, err := s.keys.SignPersonal(qrgen.PersonalCode{Alias: alias, IssuedAt: now, ExpiresAt: now.Add(qrgen.PersonalCodeLife)})
	must(t, err)
	scanned := gate.post("/gate", url.Values{"number": {text}, "nonce": {gate.get("/gate").field("nonce")}})
	scanned.leadsTo("/gate")
	gate.get("/gate").wants(http.StatusOK, "Đã ghi nhận: VÀO")
	scans := s.allScans()
	if got := scans[len(scans)-1]; got.Alias != alias || got.How != scan.GateCode || got.Place != s.market.ID {
		t.Errorf("the scan is %+v", got)
	}
	s.advance(time.Minute)
	gate.post("/gate", url.Values{"number": {text}})
	gate.get("/gate").wants(http.StatusOK, "Mã cá nhân này đã hết hạn")

	// It opens nothing: it is no credential, no place, and no proof.
	s.browser().get("/q/" + text).wants(http.StatusBadRequest)
	thief := s.browser()
	site, err := url.Parse(s.URL)
	must(t, err)
	thief.client.Jar.SetCookies(site, []*http.Cookie{{Name: "truyvet_citizen", Value: text}})
	thief.get("/me/code").wants(http.StatusUnauthorized)
	thief.get("/me/erase").leadsTo("/me")
}

// TestWhoSaysTheirNameAtTheProof keeps it, and shows it to nobody.
func TestWhoSaysTheirNameAtTheProof(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	path := "/q/" + s.stall.Code
	p := b.follow(b.post(path+"/phone", url.Values{"phone": {"0912345678"}}))
	p.wants(http.StatusOK, "Họ tên và phường (không bắt buộc)", "Phường Linh Xuân", "được lưu ở dạng mã hóa")
	form := url.Values{"code": {p.shownCode()}, "nonce": {p.field("nonce")}, "name": {strings.Repeat("á", 101)}, "ward": {"26794"}}
	b.post(path+"/code", form).wants(http.StatusBadRequest, "nhiều nhất 100 ký tự")
	form.Set("name", "Nguyễn Ánh")
	form.Set("ward", "99999")
	b.post(path+"/code", form).wants(http.StatusBadRequest)
	form.Set("ward", "26794")
	b.post(path+"/code", form).leadsTo(path + "/stamp")
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	person, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	fields, err := s.store.SealedFields(t.Context(), person.ID)
	if err != nil || strings.Join(fields, " ") != "name phone ward" || person.Area != "26794" {
		t.Errorf("kept are %q of %+v, %v", fields, person, err)
	}
	if strings.Contains(s.logs.String(), "Ánh") {
		t.Error("the log holds the name")
	}
}
