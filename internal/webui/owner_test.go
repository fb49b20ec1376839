package webui_test

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

func TestPlaces(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	p := b.get("/places")
	p.wants(http.StatusOK, "2 địa điểm", "Chợ Linh Xuân", "Sạp rau cô Tư")
	if strings.Contains(p.text(), "Trụ sở Bến Thành") {
		t.Error("another organisation's place is listed")
	}
	b.get("/places/new").wants(http.StatusOK, "Chợ Linh Xuân", "Sạp rau cô Tư", "Cửa hàng — 30 phút")
	made := b.post("/places/new", url.Values{"name": {"Cổng <b>số 1</b>"}, "kind": {"checkpoint"}, "parent": {s.market.ID.String()}, "dwell": {"7"}})
	made.wants(http.StatusSeeOther)
	p = b.get(made.location)
	p.wants(http.StatusOK, "Cổng <b>số 1</b>", "Chốt kiểm soát dịch", "7 phút", "HTTPS://TRUYVET.EXAMPLE/Q/", "Chợ Linh Xuân")

	for name, c := range map[string]struct {
		form  url.Values
		says  string
		field string
	}{
		"no name":       {url.Values{"kind": {"shop"}}, "Địa điểm cần có tên", "name"},
		"long name":     {url.Values{"name": {strings.Repeat("ề", 201)}, "kind": {"shop"}}, "Địa điểm cần có tên", "name"},
		"broken text":   {url.Values{"name": {"\xff\xfe"}, "kind": {"shop"}}, "Địa điểm cần có tên", "name"},
		"no kind":       {url.Values{"name": {"A"}}, "loại địa điểm", "kind"},
		"unknown kind":  {url.Values{"name": {"A"}, "kind": {"castle"}}, "loại địa điểm", "kind"},
		"word as dwell": {url.Values{"name": {"A"}, "kind": {"shop"}, "dwell": {"lâu"}}, "Thời gian ở lại", "dwell"},
		"dwell of 0":    {url.Values{"name": {"A"}, "kind": {"shop"}, "dwell": {"0"}}, "Thời gian ở lại", "dwell"},
		"dwell of days": {url.Values{"name": {"A"}, "kind": {"shop"}, "dwell": {"9999"}}, "Thời gian ở lại", "dwell"},
		"other's place": {url.Values{"name": {"A"}, "kind": {"shop"}, "parent": {s.other.ID.String()}}, "không phải của đơn vị bạn", "parent"},
		"no parent":     {url.Values{"name": {"A"}, "kind": {"shop"}, "parent": {"x"}}, "không phải của đơn vị bạn", "parent"},
		"no ward":       {url.Values{"name": {"A"}, "kind": {"shop"}, "area": {"769"}}, "phường, xã", "area"},
	} {
		p := b.post("/places/new", c.form)
		p.wants(http.StatusBadRequest, c.says)
		if faulty := p.faultyFields(); !slices.Equal(faulty, []string{c.field}) {
			t.Errorf("%s: the fields %v are marked, want %q", name, faulty, c.field)
		}
		if got := p.field("name"); name != "broken text" && got != c.form.Get("name") {
			t.Errorf("%s: what was typed is lost: %q", name, got)
		}
	}
	for _, id := range []string{s.other.ID.String(), uuid.NewString(), "x", "%00"} {
		for _, page := range []string{"", "/code.svg", "/code.png", "/poster.pdf", "/poster.svg", "/edit", "/reissue", "/codes", "/revoke?serial=1"} {
			b.get("/places/"+id+page).wants(http.StatusNotFound, "Không tìm thấy")
		}
		b.post("/places/"+id+"/reissue", url.Values{"serial": {"1"}}).wants(http.StatusNotFound)
		b.post("/places/"+id+"/revoke", url.Values{"serial": {"1"}}).wants(http.StatusNotFound)
	}
}

// faultyFields returns the names of the fields that are marked as wrong.
func (p answer) faultyFields() []string {
	var names []string
	for _, n := range p.all(func(n *html.Node) bool { return attr(n, "aria-invalid") == "true" }) {
		names = append(names, attr(n, "name"))
	}
	return names
}

// TestNewPlaceGuesses holds what the form has chosen before anybody chose.
func TestNewPlaceGuesses(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	chosen := func(path string) string {
		var values []string
		for _, n := range b.get(path).all(func(n *html.Node) bool { return n.Data == "option" && hasAttr(n, "selected") }) {
			values = append(values, attr(n, "value"))
		}
		return strings.Join(values, " ")
	}
	market, stall := s.market.ID.String(), s.stall.ID.String()
	for path, want := range map[string]string{
		"/places/new": market + " stall", "/places/new?parent=": "", "/places/new?parent=" + stall: stall, "/places/new?parent=" + s.other.ID.String(): "",
	} {
		if got := chosen(path); got != want {
			t.Errorf("%s has chosen %q, want %q", path, got, want)
		}
	}
	s.place(s.owner, places.NewPlace{Kind: qrgen.KindShop, Name: "Cửa hàng riêng", Area: "26794"})
	if got := chosen("/places/new"); got != "" {
		t.Errorf("with two sites %q is chosen", got)
	}
	for _, name := range []string{"Dãy 10", "Dãy 2"} {
		s.place(s.owner, places.NewPlace{Kind: qrgen.KindStall, Name: name, Parent: s.market.ID})
	}
	for _, path := range []string{"/places", "/places/new", "/places/" + market} {
		text := b.get(path).text()
		if two, ten := strings.Index(text, "Dãy 2"), strings.Index(text, "Dãy 10"); two < 0 || ten < two {
			t.Errorf("%s lists row 10 before row 2: %s", path, text)
		}
	}
}

func TestCodePictures(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.market.ID.String()
	first := b.get(path + "/code.svg?serial=1")
	if first.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(first.header.Get("Cache-Control"), "immutable") {
		t.Errorf("the picture is sent as %v", first.header)
	}
	if again := b.get(path + "/code.svg?serial=1"); again.body != first.body {
		t.Error("two downloads differ")
	}
	if old := b.get(path + "/code.svg?serial=7"); strings.Contains(old.header.Get("Cache-Control"), "immutable") {
		t.Error("a picture under another serial may be kept for good")
	}
	png := b.get(path + "/code.png?serial=1&download")
	if !bytes.HasPrefix([]byte(png.body), []byte("\x89PNG")) || png.header.Get("Content-Type") != "image/png" {
		t.Errorf("the PNG is none: %v", png.header)
	}
	if d := png.header.Get("Content-Disposition"); !regexp.MustCompile(`^attachment; filename=truyvet-cho-linh-xuan-1\.png$`).MatchString(d) {
		t.Errorf("the file is called %q", d)
	}
}

func TestEditPlace(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	shown := b.get(path + "/edit")
	shown.wants(http.StatusOK, "Sạp rau cô Tư", "Giờ mở cửa")
	form := url.Values{
		"name": {"Sạp rau cô Năm"}, "address": {"Dãy B"}, "dwell": {"25"}, "hours": {"T2-CN 5:00-11:00"}, "revision": {shown.field("revision")},
		"kind": {"office"}, "parent": {""}, // neither changes here
	}
	wrong := url.Values{"name": {"Sạp"}, "hours": {"luôn luôn"}, "revision": form["revision"]}
	b.post(path+"/edit", wrong).wants(http.StatusBadRequest, "Giờ mở cửa viết như")
	b.post(path+"/edit", form).leadsTo(path)
	b.get(path).wants(http.StatusOK, "Sạp rau cô Năm", "Dãy B", "25 phút", "Mo-Su 05:00-11:00", "Mã số 1")
	b.post(path+"/edit", form).wants(http.StatusConflict) // it was changed since the form was shown
	now, err := s.store.Place(t.Context(), s.stall.ID)
	must(t, err)
	if now.Kind != s.stall.Kind || now.Parent != s.stall.Parent || now.Code != s.stall.Code {
		t.Errorf("it became %+v", now)
	}
	b.get("/places?name=nam+RAU").wants(http.StatusOK, "Sạp rau cô Năm")
	if strings.Contains(b.get("/places?name=rau+tu").body, path) {
		t.Error("it is found by its old name")
	}
	b.get("/places?name=rau&after=x").wants(http.StatusNotFound)
}

func TestPosters(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	for _, style := range [][2]string{{"A4", "vi+en"}, {"A5", "vi"}, {"A6", "en"}, {"tent", "vi"}, {"sticker", "en"}, {"strip", "vi+en"}} {
		query := "?size=" + style[0] + "&words=" + url.QueryEscape(style[1])
		pdf := b.get(path + "/poster.pdf" + query + "&download")
		pdf.wants(http.StatusOK)
		if !strings.HasPrefix(pdf.body, "%PDF-") || pdf.header.Get("ETag") == "" ||
			!strings.HasSuffix(pdf.header.Get("Content-Disposition"), "-"+style[0]+".pdf") {
			t.Errorf("%s: the PDF is sent as %v", query, pdf.header)
		}
		svg := b.get(path + "/poster.svg" + query)
		svg.wants(http.StatusOK)
		if !strings.Contains(svg.body, "<title>"+s.market.Name+" "+s.stall.Name+"</title>") {
			t.Errorf("%s: the SVG is %.200s", query, svg.body)
		}
	}
	b.get(path + "/poster.pdf?size=B5").wants(http.StatusBadRequest)
	b.get(path + "/poster.pdf?words=fr").wants(http.StatusBadRequest)
}
