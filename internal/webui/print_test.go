package webui_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// send sends a form with a file.
func (b *browser) send(path string, form url.Values, field, name string, content []byte) answer {
	b.s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for key := range form {
		must(b.s.t, w.WriteField(key, form.Get(key)))
	}
	part, err := w.CreateFormFile(field, name)
	must(b.s.t, err)
	_, err = part.Write(content)
	must(b.s.t, err)
	must(b.s.t, w.Close())
	request, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodPost, b.s.URL+path, &body)
	must(b.s.t, err)
	request.Header.Set("Content-Type", w.FormDataContentType())
	return b.ask(request)
}

// fetch asks for a path with a header.
func (b *browser) fetch(path, header, value string) answer {
	b.s.t.Helper()
	request, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodGet, b.s.URL+path, nil)
	must(b.s.t, err)
	request.Header.Set(header, value)
	return b.ask(request)
}

// drawn waits until an order is drawn and returns its page.
func (b *browser) drawn(order string) answer {
	b.s.t.Helper()
	for {
		p := b.get(order)
		if !strings.Contains(p.body, "<progress") {
			return p
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func orderForm(choose string) url.Values {
	return url.Values{"choose": {choose}, "size": {"A6"}, "words": {"vi"}, "files": {"pdf"}}
}

// TestPrintMany orders posters in each of the ways in which places are chosen, and fetches them whole and in parts.
func TestPrintMany(t *testing.T) {
	s := newSite(t, nil)
	s.place(s.owner, places.NewPlace{Kind: qrgen.KindStall, Name: "Sạp cá", Parent: s.market.ID})
	gate := s.place(s.owner, places.NewPlace{Kind: qrgen.KindShop, Name: "Cổng", Area: "26794"})
	b := s.staff("owner")
	beneath, named := orderForm("beneath"), orderForm("named")
	beneath.Set("root", s.market.ID.String())
	named.Set("name", "sap")
	list := "\ufeffplace;note\n" + gate.ID.String() + ";\nchợ linh xuân / Sạp rau cô Tư;x\n"
	for name, c := range map[string]struct {
		form url.Values
		want []string
	}{
		"all":     {orderForm("all"), []string{"cho-linh-xuan", "cho-linh-xuan-sap-ca", "cho-linh-xuan-sap-rau-co-tu", "cong"}},
		"beneath": {beneath, []string{"cho-linh-xuan", "cho-linh-xuan-sap-ca", "cho-linh-xuan-sap-rau-co-tu"}},
		"named":   {named, []string{"cho-linh-xuan-sap-ca", "cho-linh-xuan-sap-rau-co-tu"}},
		"listed":  {orderForm("listed"), []string{"cong", "cho-linh-xuan-sap-rau-co-tu"}},
	} {
		order := b.send("/places/print", c.form, "list", "l.csv", []byte(list)).location
		b.drawn(order).wants(http.StatusOK, fmt.Sprintf("%d tờ mã đã sẵn sàng", len(c.want)))
		file := b.get(order + "/file").body
		z, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
		must(t, err)
		var got []string
		for i, f := range z.File {
			got = append(got, strings.TrimPrefix(strings.TrimSuffix(f.Name, ".pdf"), fmt.Sprintf("%05d-", i+1)))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: the files are %v, want %v", name, got, c.want)
		}
		checkParts(t, b, order+"/file", file)
		s.staff("stranger").get(order).wants(http.StatusNotFound)
		s.staff("stranger").get(order + "/file").wants(http.StatusNotFound)
	}
	b.get("/places/print?root="+s.market.ID.String()).wants(http.StatusOK, "Chợ Linh Xuân và các khu vực bên trong", "4 tờ")
}

// checkParts asks for a file again and for parts of it.
func checkParts(t *testing.T, b *browser, path, whole string) {
	t.Helper()
	tag := b.get(path).header.Get("ETag")
	if again := b.fetch(path, "If-None-Match", tag); again.status != http.StatusNotModified {
		t.Errorf("what the browser has is answered with %d", again.status)
	}
	half := len(whole) / 2
	rest := b.fetch(path, "Range", fmt.Sprintf("bytes=%d-", half))
	if rest.status != http.StatusPartialContent || rest.body != whole[half:] || rest.header.Get("ETag") != tag {
		t.Errorf("the second half: %d, %d bytes", rest.status, len(rest.body))
	}
	if many := b.fetch(path, "Range", "bytes=0-0,2-2"); many.status != http.StatusOK || many.body != whole {
		t.Errorf("two parts at once: %d, %d bytes", many.status, len(many.body))
	}
}

func TestPrintRefuses(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	wrong := orderForm("all")
	wrong.Set("size", "B5")
	b.post("/places/print", orderForm("named")).wants(http.StatusBadRequest, "Không có địa điểm nào được chọn")
	b.post("/places/print", wrong).wants(http.StatusBadRequest)
	b.post("/places/print", nil).wants(http.StatusBadRequest)
	list := []byte("id\n" + s.stall.ID.String() + "\nx\n" + s.other.ID.String() + "\n" + s.stall.ID.String() + "\n\"a\"b\n")
	p := b.send("/places/print", orderForm("listed"), "list", "l.csv", list)
	p.wants(http.StatusBadRequest, "Chưa đặt gì cả", "3 Không phải là địa điểm của đơn vị", "4 Không phải là địa điểm của đơn vị", "5 Địa điểm này đã có", "6 Dấu ngoặc kép")
	form := orderForm("listed")
	form.Set("skip", "yes")
	b.drawn(b.send("/places/print", form, "list", "l.csv", list).location).wants(http.StatusOK, "1 tờ mã đã sẵn sàng")
	b.send("/places/print", form, "list", "l.csv", bytes.Repeat([]byte("x"), 5<<20)).wants(http.StatusRequestEntityTooLarge)
	for _, path := range []string{"/places/print/x", "/places/print/x/file"} {
		b.get(path).wants(http.StatusNotFound)
	}
}

func TestLogo(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	poster := "/places/" + s.stall.ID.String() + "/poster.svg"
	plain := b.get(poster)
	b.get("/places/logo.png").wants(http.StatusNotFound)
	var file bytes.Buffer
	picture := image.NewRGBA(image.Rect(0, 0, 80, 40))
	picture.Set(1, 1, color.RGBA{R: 200, A: 255})
	must(t, jpeg.Encode(&file, picture, nil))
	hidden := append(bytes.Clone(file.Bytes()), "<script>"...)
	b.send("/places/logo", nil, "logo", "l.jpg", hidden).leadsTo("/places/logo")
	kept := b.get("/places/logo.png")
	if kept.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(kept.body, "\x89PNG") || strings.Contains(kept.body, "script") {
		t.Errorf("what is kept is a %s: %.20q", kept.header.Get("Content-Type"), kept.body)
	}
	with := b.fetch(poster, "If-None-Match", plain.header.Get("ETag"))
	if with.status != http.StatusOK || !strings.Contains(with.body, "data:image/png") {
		t.Errorf("the poster has no logo: %d", with.status)
	}
	if other := s.staff("stranger").get("/places/" + s.other.ID.String() + "/poster.svg"); strings.Contains(other.body, "data:image") {
		t.Error("others' posters have it too")
	}
	b.send("/places/logo", nil, "logo", "l.svg", []byte("<svg/>")).wants(http.StatusBadRequest, "PNG hoặc JPEG", "Bỏ biểu trưng")
	b.post("/places/logo", url.Values{"remove": {"yes"}}).leadsTo("/places/logo")
	if again := b.get(poster); again.body != plain.body {
		t.Error("the logo stays")
	}
}

// TestTurnout has a crowd on one morning, a few people on another, and nobody at a place with a poster.
func TestTurnout(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	b.get("/places").wants(http.StatusOK, "2 nơi cả ngày không có lượt quét", "Sạp rau cô Tư")
	b.get(path).wants(http.StatusOK, "Không có lượt quét từ")
	b.get(path+"/turnout").wants(http.StatusOK, "chưa có lượt đến nào")
	for n := range 10 {
		day := 2
		if n >= 7 {
			day = 1
		}
		from := start.Add(time.Duration(n-24*60*day) * time.Minute)
		s.visit(phoneNumber(n), "26794", s.stall, from, from.Add(20*time.Minute))
	}
	s.visit(phoneNumber(11), "26794", s.stall, start.Add(-5*time.Hour), start.Add(-4*time.Hour))
	s.advance(2 * time.Minute)
	p := b.get(path + "/turnout")
	p.wants(http.StatusOK, "07:00", "<5", "≥ 0", "7")
	if cells := p.all(func(n *html.Node) bool { return n.Data == "td" && textOf(n) == "7" }); len(cells) != 2 { // the hour and its day
		t.Errorf("seven stand in %d cells: %s", len(cells), p.text())
	}
	if strings.Contains(b.get(path).text(), "Không có lượt quét từ") {
		t.Error("a place that people came to is called quiet")
	}
	b.get("/places").wants(http.StatusOK, "1 nơi cả ngày không có lượt quét")
	s.staff("stranger").get(path + "/turnout").wants(http.StatusNotFound)
}

// TestPhotographedCode has ten people at a stall at night, who are on the owner's page and in a trace, until the code is another.
func TestPhotographedCode(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	form := url.Values{"name": {s.stall.Name}, "hours": {"08:00-17:00"}, "revision": {b.get(path + "/edit").field("revision")}}
	b.post(path+"/edit", form).leadsTo(path)
	night := start.Add(-6 * time.Hour)
	for n := range 10 {
		if p := b.get(path); strings.Contains(p.text(), "có thể đã bị chụp lại") {
			t.Fatalf("with %d people: %s", n, p.text())
		}
		s.visit(phoneNumber(n), "26794", s.stall, night, night.Add(30*time.Minute))
		s.advance(2 * time.Minute)
	}
	b.get(path).wants(http.StatusOK, "Mã của bạn có thể đã bị chụp lại", "Có 10 người", "cấp mã mới")

	city := s.staff("city")
	made := city.post("/cases/new", url.Values{"phone": {phoneNumber(0)}, "onset": {"2026-11-20"}, "lab_ref": {"XN-1"}})
	run := city.post("/runs", url.Values{"case": {strings.TrimPrefix(made.location, "/cases/")}, "profile": {"vn-5053"}})
	city.get(run.location).wants(http.StatusOK, "quét lúc địa điểm đóng cửa")

	b.post(path+"/reissue", url.Values{"serial": {"1"}})
	s.advance(2 * time.Minute)
	if p := b.get(path); strings.Contains(p.text(), "có thể đã bị chụp lại") {
		t.Errorf("with a new code: %s", p.text())
	}
}

// TestSignUp goes from asking for an account to the first place.
func TestSignUp(t *testing.T) {
	s := newSite(t, nil)
	b, admin := s.browser(), s.staff("admin")
	b.post("/signup", url.Values{"name": {" "}, "contact": {"0"}}).wants(http.StatusBadRequest, "1 đến 200 ký tự")
	form := url.Values{"name": {"Quán =cô Tư 🍜"}, "address": {"1 Hàng Đậu"}, "area": {"26794"}, "contact": {"024 3828 0000"}}
	p := b.post("/signup", form)
	p.wants(http.StatusCreated, "Hãy lưu liên kết này")
	links := p.all(func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/invitation/") })
	link := attr(links[0], "href")
	b.get(link).wants(http.StatusConflict, "chưa được xác nhận")
	s.staff("owner").get("/applications").wants(http.StatusForbidden)
	list := admin.get("/applications")
	list.wants(http.StatusOK, "Quán =cô Tư 🍜", "Phường Linh Xuân", "024 3828 0000")
	admit := list.all(func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attr(n, "action"), "/admit") })
	admin.post(attr(admit[0], "action"), nil).leadsTo("/applications")
	admin.post(attr(admit[0], "action"), nil).wants(http.StatusNotFound)
	admin.get("/applications").wants(http.StatusOK, "Không có đơn nào")
	b.post(link, url.Values{"login": {"cotu"}, "password": {password}, "again": {password}}).wants(http.StatusCreated)
	owner := s.staff("cotu")
	owner.get("/places").wants(http.StatusOK, "Chưa có địa điểm nào")
	made := owner.post("/places/new", url.Values{"name": {"Quán cô Tư"}, "kind": {"restaurant"}, "area": {"26794"}})
	owner.get(made.location).wants(http.StatusOK, "Quán cô Tư")

	refused := b.post("/signup", form)
	link = attr(refused.all(func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/invitation/") })[0], "href")
	refuse := admin.get("/applications").all(func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attr(n, "action"), "/refuse") })
	admin.post(attr(refuse[0], "action"), nil).leadsTo("/applications")
	b.get(link).wants(http.StatusGone)
	for _, secret := range []string{"3828", "cô Tư"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}

// TestDevicesOfAPlace hands a device out on the place's page, and revokes it there.
func TestDevicesOfAPlace(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	made := b.post("/accounts", url.Values{"role": {"gate"}, "place": {s.stall.ID.String()}})
	made.wants(http.StatusCreated)
	codes := made.all(func(n *html.Node) bool { return n.Data == "p" && attr(n, "class") == "code" })
	s.browser().post("/gate/enrol", url.Values{"code": {textOf(codes[0])}}).wants(http.StatusCreated)
	p := b.get(path)
	revoke := p.all(func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attr(n, "action"), "/disable") })
	if len(revoke) != 1 {
		t.Fatalf("%d devices on the page: %s", len(revoke), p.text())
	}
	b.follow(b.post(attr(revoke[0], "action"), nil))
	if left := b.get(path).all(func(n *html.Node) bool { return strings.HasSuffix(attr(n, "action"), "/disable") }); len(left) > 0 {
		t.Error("a device that was revoked is still there")
	}
}
