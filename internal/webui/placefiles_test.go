package webui_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// upload sends a file of places.
func (b *browser) upload(path, file string) answer {
	return b.send(path, nil, "file", "places.csv", []byte(file))
}

func TestPlacesComeFromAFile(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	b.get("/places/file").wants(http.StatusOK, "Tệp CSV", "key của địa điểm chứa nó", "general Khai báo y tế.")
	sent := b.upload("/places/file", "\ufeffkey;parent;name;kind;dwell;form\nA;;Nhà A;office;;general\nA1;A;Phòng 1;meeting_room;45;none\nA2;B;Phòng 2;meeting_room;;\n;;=1+1;shop;;\n;;;shop;x;\n;;C;shop;;old\n")
	sent.wants(http.StatusSeeOther)
	report := b.get(sent.location)
	report.wants(http.StatusOK, "Đã thêm 3 địa điểm", "3 dòng không thêm được", "4 parent Không có địa điểm nào của đơn vị", "6 dwell Thời gian ở lại", "7 form Không có mẫu khai báo này")

	refused := b.get(sent.location + "/refused.csv")
	refused.wants(http.StatusOK)
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(refused.body, "\ufeff"))).ReadAll()
	must(t, err)
	if len(lines) != 4 || !slices.Equal(lines[1][:2], []string{"4", "parent"}) || !slices.Equal(lines[0], []string{"line", "column", "reason"}) {
		t.Errorf("the refused are %q", lines)
	}
	s.staff("stranger").get(sent.location).wants(http.StatusNotFound)
	b.get("/places").wants(http.StatusOK, "Nhà A", "Phòng 1", "=1+1", "5 địa điểm")

	export := b.get("/places/export.csv")
	export.wants(http.StatusOK)
	if !strings.Contains(export.body, "A1,A,Phòng 1,meeting_room,,,45,,none\n") || !strings.Contains(export.body, ",'=1+1,shop") {
		t.Errorf("the places are written as\n%s", export.body)
	}
	again := b.get(b.upload("/places/file", export.body).location)
	again.wants(http.StatusOK, "Chưa thêm địa điểm nào", "5 dòng không thêm được", "Đã có địa điểm với key này")
	entries, err := s.store.FindAudit(t.Context(), registry.AuditFilter{Actor: "owner"}, 0, 20)
	must(t, err)
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	for _, want := range []string{"places_imported", "places_exported"} {
		if !slices.Contains(actions, want) {
			t.Errorf("%s is not in the audit log: %v", want, actions)
		}
	}
}

func TestWrongFilesOfPlaces(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	for file, want := range map[string]string{
		"": "CSV", "name\nx\n": "CSV", "name,kind\n" + strings.Repeat("x,shop\n", places.MaxFile/6): "8 MB",
	} {
		p := b.upload("/places/file", file)
		if p.status != http.StatusBadRequest && p.status != http.StatusRequestEntityTooLarge || !strings.Contains(p.text(), want) {
			t.Errorf("%.20q: status %d, %s", file, p.status, p.text())
		}
		if fields := p.faultyFields(); !slices.Equal(fields, []string{"file"}) {
			t.Errorf("%.20q: the fields %v are marked", file, fields)
		}
	}
	b.post("/places/file", nil).wants(http.StatusBadRequest)
	b.get("/places/file/x").wants(http.StatusNotFound)
	s.browser().upload("/places/file", "name,kind\n").leadsTo("/login?next=%2Fplaces%2Ffile")
	s.staff("city").upload("/places/file", "name,kind\n").wants(http.StatusForbidden)
}

func TestPlacesAreFoundByArea(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	b.get("/places?area=26794").wants(http.StatusOK, "Chợ Linh Xuân", "Sạp rau cô Tư")
	b.get("/places?area=769&name=sap").wants(http.StatusOK, "Sạp rau cô Tư")
	b.get("/places?area=26797").wants(http.StatusOK, "Không có địa điểm nào")
	offered := func() int {
		return len(b.get("/places").all(func(n *html.Node) bool { return n.Data == "option" }))
	}
	if n := offered(); n != 0 { // all lie in one ward
		t.Errorf("%d areas are offered", n)
	}
	s.place(s.owner, places.NewPlace{Kind: qrgen.KindShop, Name: "Tiệm", Area: "26797"})
	if n := offered(); n != 5 { // any, the city, the district, the wards
		t.Errorf("%d areas are offered", n)
	}
}

func TestOrganisationsAreRenamed(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("admin")
	list := b.get("/organisations")
	list.wants(http.StatusOK, "Ban Quản lý chợ Linh Xuân", "Công ty Bến Thành")
	path := "/organisations/" + s.owner.Organisation.String()
	form := url.Values{"revision": {b.get(path).field("revision")}, "name": {"Chợ mới"}}
	b.post(path, form).leadsTo("/organisations")
	b.get("/organisations").wants(http.StatusOK, "Chợ mới")
	late := b.post(path, form)
	late.wants(http.StatusConflict, "Chợ mới")
	form = url.Values{"revision": {late.field("revision")}, "name": {" "}}
	b.post(path, form).wants(http.StatusBadRequest)
	b.get("/organisations/x").wants(http.StatusNotFound)
	s.staff("owner").get("/organisations").wants(http.StatusForbidden)
}

// TestManyPlaces has more places than are shown, or offered, at once.
func TestManyPlaces(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	var file strings.Builder
	file.WriteString("name,kind\n")
	for i := range 301 {
		fmt.Fprintf(&file, "Tiệm %03d,shop\n", i)
	}
	b.upload("/places/file", file.String()).wants(http.StatusSeeOther)
	listed := make(map[string]bool)
	next := "/places"
	for next != "" {
		p := b.get(next)
		p.wants(http.StatusOK, "303 địa điểm")
		next = ""
		for _, n := range p.all(func(n *html.Node) bool { return n.Data == "a" }) {
			if href := attr(n, "href"); strings.HasPrefix(href, "/places?after=") {
				next = href
			}
			if name := textOf(n); strings.HasPrefix(name, "Tiệm ") {
				listed[name] = true
			}
		}
	}
	if len(listed) != 301 {
		t.Errorf("%d places are on the pages", len(listed))
	}
	offered := func(path string) (names []string) {
		for _, n := range b.get(path).all(func(n *html.Node) bool { return n.Data == "option" && attr(n.Parent, "id") == "parent" }) {
			names = append(names, textOf(n))
		}
		return names[1:]
	}
	if names := offered("/places/new"); len(names) != 0 {
		t.Errorf("%q are offered", names)
	}
	if names := offered("/places/new?parent=" + s.market.ID.String()); !slices.Equal(names, []string{"Chợ Linh Xuân"}) {
		t.Errorf("%q are offered for a part of the market", names)
	}
	b.get("/places/new").wants(http.StatusOK, "hãy tìm và mở trang của nó")
}
