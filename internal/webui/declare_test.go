package webui_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// asksFor has the owner of a place say which form it asks for.
func (s *site) asksFor(place registry.Place, form string) {
	s.t.Helper()
	b := s.staff("owner")
	path := "/places/" + place.ID.String()
	p := b.get(path + "/edit")
	b.post(path+"/edit", url.Values{
		"name": {place.Name}, "area": {place.Area}, "address": {place.Address}, "revision": {p.field("revision")}, "form": {form},
	}).leadsTo(path)
}

// TestDeclareBehindACode: nobody is kept from checking in, and who has nothing to declare does it with one tap.
func TestDeclareBehindACode(t *testing.T) {
	s := newSite(t, nil)
	path := "/q/" + s.stall.Code
	b := s.browser()
	b.prove(s.stall.Code, "0912345678").leadsTo(path + "/stamp")
	if b.get(path + "/stamp").wants(http.StatusOK); strings.Contains(b.get(path).body, "/declare") {
		t.Error("a place that asks for nothing offers a form")
	}
	b.get(path + "/declare").leadsTo(path)

	s.asksFor(s.market, "general") // the stall is in it
	s.browser().get(path+"/declare").wants(http.StatusUnauthorized, "Số điện thoại của bạn")
	for _, page := range []string{path, path + "/stamp"} {
		if links := b.get(page).links(path + "/declare"); len(links) != 1 {
			t.Errorf("%s leads to the form by %q", page, links)
		}
	}
	form := b.get(path + "/declare")
	form.wants(http.StatusOK, "Khai báo y tế", "Không có gì cần khai", "Mất vị giác", "Sạp rau cô Tư")
	b.post(path+"/declare", url.Values{"who": {"me"}, "q-case": {"no"}, "q-where": {"Hà Nội"}}).
		wants(http.StatusBadRequest, "Có câu chưa trả lời", "Câu này chưa có câu trả lời dùng được", "Nothing to declare")
	b.post(path+"/declare", url.Values{"nothing": {"1"}}).wants(http.StatusBadRequest, "Hãy chọn khai cho ai")
	b.post(path+"/declare", url.Values{"who": {"me"}, "nothing": {"1"}}).leadsTo(path + "/declare")
	b.get(path+"/declare").wants(http.StatusOK, "Đã khai báo y tế hôm nay lúc 07:40", "Khai cho: Tôi.")
	b.get(path+"/stamp").wants(http.StatusOK, "Đã khai báo y tế hôm nay lúc 07:40")
	b.get(path).wants(http.StatusOK, "Đã khai báo y tế hôm nay")
	declared := s.declaredBy("0912345678")
	if len(declared) != 1 || !strings.Contains(declared["declaration/2026-11-21/general"], `"case":["no"]`) {
		t.Errorf("declared is %q", map[vault.Field]string(declared))
	}
	for _, secret := range []string{"2026-11-21/general", "no"} {
		if cookie := b.cookie("truyvet_declared"); strings.Contains(cookie, secret+`"`) || cookie == "" {
			t.Errorf("the browser keeps %q", cookie)
		}
	}

	// Another browser's cookie says nothing to somebody else, and tomorrow it begins anew.
	s.advance(24 * time.Hour)
	if b.get(path+"/declare").wants(http.StatusOK, "Không có gì cần khai"); strings.Contains(b.get(path+"/declare").text(), "Đã khai báo") {
		t.Error("what was declared yesterday counts today")
	}
	s.asksFor(s.stall, "none")
	b.get(path + "/declare").leadsTo(path)
}

// declaredBy returns what is kept of who has a phone number.
func (s *site) declaredBy(phone string) vault.Details {
	s.t.Helper()
	alias, err := s.pseudonyms.Phone(phone)
	must(s.t, err)
	by, err := s.vault.DeclaredBy(s.t.Context(), []uuid.UUID{alias}, 0)
	must(s.t, err)
	return by[alias]
}

// TestDeclareForOthers: those under a phone in the same form, or each by themselves.
func TestDeclareForOthers(t *testing.T) {
	s := newSite(t, nil)
	s.asksFor(s.market, "transport")
	path := "/q/" + s.stall.Code
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	for _, name := range []string{"Bé Na", "Bà Tư"} {
		b.post(path+"/with", url.Values{"name": {name}}).leadsTo(path)
	}
	b.get(path+"/declare").wants(http.StatusOK, "Bé Na", "Bà Tư", "Biển số xe")
	trip := func(who ...string) url.Values {
		return url.Values{"who": who, "nothing": {"1"}, "q-from": {"Hà Nội"}, "q-to": {"Vinh"}, "q-vehicle": {"29B-123.45"}, "q-seat": {"A3"}}
	}
	refused := b.post(path+"/declare", url.Values{"who": {"0"}, "nothing": {"1"}, "q-from": {"Hà Nội <b>"}})
	refused.wants(http.StatusBadRequest, "Có câu chưa trả lời")
	for _, n := range refused.all(func(n *html.Node) bool { return n.Data == "input" }) {
		name, value := attr(n, "name"), attr(n, "value")
		ticked := strings.Contains(name+value, "who0") == hasAttr(n, "checked")
		if name == "who" && !ticked || name == "q-from" && value != "Hà Nội <b>" || name == "q-to" && attr(n, "aria-invalid") != "true" {
			t.Errorf("after a fault the field %s has %q", name, value)
		}
	}
	b.post(path+"/declare", trip("me", "1", "7", "x")).leadsTo(path + "/declare")
	b.get(path+"/declare").wants(http.StatusOK, "Khai cho: Tôi, Bà Tư.")
	b.post(path+"/declare", trip("0")).leadsTo(path + "/declare")
	b.get(path+"/declare").wants(http.StatusOK, "Khai cho: Tôi, Bé Na, Bà Tư.")
	counts, err := s.store.CountDatedBefore(t.Context(), 1<<40)
	if err != nil || counts != 3 {
		t.Errorf("%d declarations, %v", counts, err)
	}
	b.post(path+"/forget", nil)
	if b.cookie("truyvet_declared") != "" {
		t.Error("a browser that forgets goes on knowing who declared")
	}
}

// TestMyDeclarations: who proves their phone reads what they declared, has it in the file, and erases it with the rest.
func TestMyDeclarations(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	b.get("/me/declarations").leadsTo("/me")
	b.get("/me/declare/general").leadsTo("/me")
	b.post("/me/declare/general", url.Values{"who": {"me"}, "nothing": {"1"}}).leadsTo("/me")
	if len(s.declaredBy("0912345678")) > 0 {
		t.Error("it was declared by who has not proved who they are")
	}
	if links := b.seeMe("0912345678").links("/me/declarations"); len(links) != 1 {
		t.Errorf("the page leads to %q", links)
	}
	b.get("/me/declarations").wants(http.StatusOK, "Bạn chưa có khai báo nào", "Khai báo y tế đi lại")
	b.get("/me/declare/none").wants(http.StatusNotFound, "Không có mẫu khai báo này")
	b.get("/me/declare/general").wants(http.StatusOK, "Về các khai báo của tôi")
	ill := url.Values{"who": {"me"}, "q-symptoms": {"cough", "fever"}, "q-case": {"yes"}, "q-sick": {"no"}, "q-outbreak": {"no"}, "q-where": {"chợ <i>"}}
	b.post("/me/declare/general", ill).leadsTo("/me/declare/general")
	own := b.get("/me/declarations")
	own.wants(http.StatusOK, "Sốt, Ho", "chợ <i>", "07:40 · 21/11/2026")
	b.get("/me/declarations?lang=en").leadsTo("/me/declarations")
	b.get("/me/declarations").wants(http.StatusOK, "Fever, Cough", "Needs attention")
	var file struct {
		Declarations []struct {
			Form    string
			Answers []struct{ Answers []struct{ En string } }
		}
	}
	if err := json.Unmarshal([]byte(b.get("/me/check-ins.json").body), &file); err != nil || len(file.Declarations) != 1 ||
		file.Declarations[0].Form != "general" || file.Declarations[0].Answers[0].Answers[1].En != "Cough" {
		t.Errorf("the file is %+v, %v", file, err)
	}
	b.post("/me/erase", url.Values{}).wants(http.StatusOK)
	if left := s.declaredBy("0912345678"); len(left) != 0 {
		t.Errorf("%d declarations are left", len(left))
	}
	b.get("/me/declarations").wants(http.StatusOK, "declared nothing yet")
	if text := s.logs.String(); strings.Contains(text, "fever") || strings.Contains(text, "chợ") {
		t.Errorf("logged is %s", text)
	}
}

// TestDeclarationsAmongDetails: they open with the details of somebody in a list, and not before.
func TestDeclarationsAmongDetails(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	alias, err := s.pseudonyms.Phone("0922222222")
	must(t, err)
	known, err := s.store.PersonByAlias(t.Context(), alias)
	must(t, err)
	text := `{"version":1,"at":1795221600,"attention":true,"answers":{"symptoms":["fever"],"case":["no"],"where":["Chợ Viềng <b>"]}}`
	must(t, s.vault.Declare(t.Context(), []uuid.UUID{known.ID}, vault.DeclarationField("2026-11-21", "general"), text, 1795221600))
	colleague := s.account(registry.Account{Login: "colleague", Role: registry.RoleCity, Area: "79"})
	b, other := s.staff("city"), s.staff(colleague.Login)
	b.record()
	run := b.post("/runs", url.Values{"case": {b.get("/cases").field("case")}, "profile": {"vn-2021-12"}}).location
	other.post(run+"/approve", url.Values{}).leadsTo(run)
	person := run + "/people/" + known.ID.String()
	if before := b.get(person); strings.Contains(before.body, "Viềng") || strings.Contains(before.body, "Sốt") {
		t.Error("a declaration is read before it is opened")
	}
	opened := b.post(person, url.Values{"purpose": {"inform"}})
	opened.wants(http.StatusOK, "Khai báo y tế", "Sốt", "Chợ Viềng <b>", "Cần chú ý")
	for _, row := range b.get(run).links(run + "/people/") {
		if row != person {
			b.post(row, url.Values{"purpose": {"inform"}}).wants(http.StatusOK, "Không có khai báo nào")
		}
	}
}

// TestOwnersChooseAForm: of those that there are, and a part what its site asks for.
func TestOwnersChooseAForm(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	site, part := b.get("/places/"+s.market.ID.String()+"/edit"), b.get("/places/"+s.stall.ID.String()+"/edit")
	site.wants(http.StatusOK, "Khai báo y tế đi lại", "Không yêu cầu")
	part.wants(http.StatusOK, "Như nơi chứa nó", "Không yêu cầu")
	fields := url.Values{"name": {"Chợ"}, "revision": {site.field("revision")}, "form": {"school"}}
	b.post("/places/"+s.market.ID.String()+"/edit", fields).wants(http.StatusBadRequest, "Không có mẫu khai báo này")
	s.asksFor(s.market, "general")
	chosen := b.get("/places/" + s.market.ID.String() + "/edit").all(func(n *html.Node) bool {
		return n.Data == "option" && attr(n, "value") == "general" && hasAttr(n, "selected")
	})
	if len(chosen) != 1 || s.places.FormOf(s.stall.ID) != "general" {
		t.Errorf("the form is not chosen; the stall asks for %q", s.places.FormOf(s.stall.ID))
	}
	b.post("/places/new", url.Values{"name": {"Bến"}, "kind": {"bus_station"}, "form": {"transport"}}).wants(http.StatusSeeOther)
	found, err := s.store.SearchPlaces(t.Context(), registry.Search{Text: "ben", Limit: 1})
	if err != nil || len(found.Places) != 1 || found.Places[0].Form != "transport" {
		t.Errorf("made is %+v, %v", found.Places, err)
	}
	if _, err := s.places.Create(t.Context(), s.owner, places.NewPlace{Name: "x", Kind: qrgen.KindShop, Form: "school"}); err == nil {
		t.Error("a form that there is not is taken")
	}
}

// TestTheGuardSeesWhoHasDeclared: no more than how it stands, of who comes in, and nothing where it is not asked for.
func TestTheGuardSeesWhoHasDeclared(t *testing.T) {
	s := newSite(t, nil)
	phone, gate := s.browser(), s.staff("gate")
	phone.prove(s.stall.Code, "0912345678")
	come := func(mode string) answer {
		t.Helper()
		s.advance(time.Minute)
		form := url.Values{"number": {"0912345678"}, "mode": {mode}, "nonce": {gate.get("/gate").field("nonce")}}
		return gate.follow(gate.post("/gate", form))
	}
	told := func(p answer) string {
		t.Helper()
		var words []string
		for _, n := range p.all(func(n *html.Node) bool { return strings.HasPrefix(attr(n, "class"), "declared ") }) {
			words = append(words, textOf(n))
		}
		return strings.Join(words, "; ")
	}
	if words := told(come("in")); words != "" {
		t.Errorf("where it is not asked for the guard reads %q", words)
	}
	s.asksFor(s.market, "general")
	if words := told(come("in")); words != "Chưa khai báo y tế" {
		t.Errorf("before it the guard reads %q", words)
	}
	phone.post("/q/"+s.stall.Code+"/declare", url.Values{"who": {"me"}, "nothing": {"1"}})
	if words := told(come("in")); words != "Đã khai báo y tế" {
		t.Errorf("after it the guard reads %q", words)
	}
	if words := told(come("out")); words != "" {
		t.Errorf("of who leaves the guard reads %q", words)
	}
	ill := url.Values{"who": {"me"}, "nothing": {"1"}, "q-symptoms": {"fever"}}
	phone.post("/q/"+s.stall.Code+"/declare", ill)
	p := come("in")
	if words := told(p); words != "Khai báo: cần chú ý" || strings.Contains(p.body, "Sốt") || strings.Contains(p.body, "fever") {
		t.Errorf("of who is ill the guard reads %q", words)
	}
}
