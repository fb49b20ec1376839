package webui_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

func TestLogIn(t *testing.T) {
	s := newSite(t, nil)
	for login, lands := range map[string]string{
		"owner": "/places", "gate": "/gate", "ward": "/cases", "district": "/cases", "city": "/cases", "admin": "/accounts", "auditor": "/audit",
	} {
		b := s.browser()
		before := b.cookie("session")
		p := b.post("/login", url.Values{"login": {login}, "password": {password}})
		p.leadsTo(lands)
		if after := b.cookie("session"); after == "" || after == before {
			t.Errorf("%s: the session was not renewed", login)
		}
		b.get(lands).wants(http.StatusOK, "Đăng xuất")
		b.get("/login").leadsTo(lands)
		b.post("/logout", nil).leadsTo("/")
		b.get(lands).leadsTo("/login?next=" + url.QueryEscape(lands))
	}
}

func TestLogInRefused(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []url.Values{
		{"login": {"owner"}, "password": {"nhầm mật khẩu rồi"}},
		{"login": {"nobody"}, "password": {password}},
		{"login": {""}, "password": {""}},
		{"login": {"\x00\xff"}, "password": {"\xff"}},
	} {
		p := s.browser().post("/login", c)
		p.wants(http.StatusUnauthorized, "Tên đăng nhập hoặc mật khẩu không đúng")
		if strings.Contains(p.body, "nhầm mật khẩu rồi") {
			t.Error("the password is echoed")
		}
	}
	entries, err := s.store.AuditEntries(t.Context(), 0, 10)
	must(t, err)
	if len(entries) != 1 || entries[0].Action != "login_failed" || entries[0].Actor != "system" || entries[0].Subject+entries[0].Detail != "" {
		t.Errorf("not one entry that tells nothing of what was typed: %+v", entries)
	}
}

// TestFailedLogInsAreCounted has attempts without end, which must not fill the audit log, and wants each of them in it.
func TestFailedLogInsAreCounted(t *testing.T) {
	s := newSite(t, nil)
	fail := func(times int) {
		for n := range times {
			s.browser().post("/login", url.Values{"login": {fmt.Sprint("nobody", n)}, "password": {"sai"}}).wants(http.StatusUnauthorized)
		}
	}
	fail(3)
	s.advance(time.Minute)
	fail(1)
	s.advance(time.Minute)
	fail(3)
	s.staff("owner")
	s.staff("owner")
	entries, err := s.store.AuditEntries(t.Context(), 0, 10)
	must(t, err)
	var told []string
	for _, e := range slices.Backward(entries) {
		told = append(told, strings.TrimSpace(e.Action+" "+e.Detail))
	}
	want := []string{
		"login_failed", "login_failed 2 more since the entry before", "login_failed", "login_failed 2 more since the entry before",
		"login", "login",
	}
	if !slices.Equal(told, want) {
		t.Errorf("the audit log says %q, want %q", told, want)
	}
}

func TestLogInLeadsOnlyHome(t *testing.T) {
	s := newSite(t, nil)
	for next, lands := range map[string]string{
		"/places/" + s.market.ID.String(): "/places/" + s.market.ID.String(),
		"/places?parent=x":                "/places?parent=x",
		"https://elsewhere.example/":      "/places",
		"//elsewhere.example/":            "/places",
		`/\elsewhere.example`:             "/places",
		"/\t/elsewhere.example":           "/places",
		"javascript:alert(1)":             "/places",
		"places":                          "/places",
		"%":                               "/places",
	} {
		s.browser().post("/login", url.Values{"login": {"owner"}, "password": {password}, "next": {next}}).leadsTo(lands)
	}
}

// TestWhoMaySeeWhat asks for every staff page as every role, and as nobody.
func TestWhoMaySeeWhat(t *testing.T) {
	s := newSite(t, nil)
	pages := map[string][]string{
		"/places": {"owner"}, "/places/new": {"owner"}, "/places/" + s.market.ID.String(): {"owner"}, "/places/" + s.market.ID.String() + "/reissue": {"owner"},
		"/places/" + s.market.ID.String() + "/code.svg": {"owner"}, "/places/" + s.market.ID.String() + "/code.png": {"owner"},
		"/gate": {"gate"}, "/cases": {"ward", "district", "city"}, "/cases/new": {"ward", "district", "city"},
		"/runs": {"ward", "district", "city"}, "/audit": {"auditor"}, "/accounts": {"owner", "district", "city", "admin"},
	}
	nobody := s.browser()
	for path := range pages {
		nobody.get(path).leadsTo("/login?next=" + url.QueryEscape(path))
	}
	for _, role := range []string{"owner", "gate", "ward", "district", "city", "admin", "auditor"} {
		b := s.staff(role)
		for path, allowed := range pages {
			want := http.StatusForbidden
			for _, a := range allowed {
				if a == role {
					want = http.StatusOK
				}
			}
			if p := b.get(path); p.status != want {
				t.Errorf("%s asks for %s: %d, want %d", role, path, p.status, want)
			}
		}
	}
	forms := map[string]string{
		"/places/new": "admin", "/places/" + s.market.ID.String() + "/reissue": "city", "/gate": "owner", "/gate/undo": "owner",
		"/cases/new": "auditor", "/runs": "owner", "/accounts": "ward",
	}
	for path, role := range forms {
		nobody.post(path, url.Values{}).wants(http.StatusSeeOther)
		s.staff(role).post(path, url.Values{}).wants(http.StatusForbidden, "không được phép")
	}
}

func TestDisabledAccountIsNobody(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	b.get("/places").wants(http.StatusOK)
	must(t, s.accounts.Switch(t.Context(), s.owner, true))
	b.get("/places").wants(http.StatusSeeOther)
}

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
		for _, page := range []string{"", "/code.svg", "/code.png", "/poster.pdf", "/poster.svg", "/edit", "/reissue"} {
			b.get("/places/"+id+page).wants(http.StatusNotFound, "Không tìm thấy")
		}
		b.post("/places/"+id+"/reissue", url.Values{"serial": {"1"}}).wants(http.StatusNotFound)
	}
}

// faultyFields returns the names of the fields that are marked as wrong.
func (p page) faultyFields() []string {
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
		pdf := b.get(path + "/poster.pdf" + query + "&download&serial=1")
		pdf.wants(http.StatusOK)
		if !strings.HasPrefix(pdf.body, "%PDF-") || !strings.Contains(pdf.header.Get("Cache-Control"), "immutable") ||
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

func TestReissue(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("owner")
	path := "/places/" + s.stall.ID.String()
	confirm := b.get(path + "/reissue")
	confirm.wants(http.StatusOK, "Cấp lại mã của Sạp rau cô Tư?", "hết hiệu lực ngay")
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusOK) // asking kills nothing
	form := url.Values{"serial": {confirm.field("serial")}}
	b.post(path+"/reissue", form).leadsTo(path)
	b.get(path).wants(http.StatusOK, "Mã số 2")
	s.browser().get("/q/" + s.stall.Code).wants(http.StatusGone)
	b.post(path+"/reissue", form).wants(http.StatusConflict, "vừa thay đổi") // a second tap
	b.get(path).wants(http.StatusOK, "Mã số 2")
	now, err := s.store.Place(t.Context(), s.stall.ID)
	must(t, err)
	s.browser().get("/q/"+now.Code).wants(http.StatusOK, "Sạp rau cô Tư")
}

func TestGate(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	const card = "079123456789"
	for i, c := range []struct {
		typed string
		id    bool
		how   scan.How
	}{
		{card, true, scan.GateTyped},
		{" 079 123 456 789 ", true, scan.GateTyped},
		{card + "|123456789|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi|01012022", true, scan.GateCard},
		{"0912 345 678", false, scan.GateTyped},
		{"+84 912.345.678", false, scan.GateTyped},
	} {
		s.advance(time.Minute)
		p := b.get("/gate")
		p = b.post("/gate", url.Values{"number": {c.typed}, "nonce": {p.field("nonce")}})
		p.leadsTo("/gate")
		p = b.get("/gate")
		p.wants(http.StatusOK, "Chợ Linh Xuân", "Đã ghi nhận: VÀO")
		for _, secret := range []string{card, "123 456", "Ánh", "0912", "912345", "…789", "…678"} {
			if strings.Contains(p.body, secret) || strings.Contains(s.logs.String(), secret) {
				t.Errorf("%q echoes or logs %q", c.typed, secret)
			}
		}
		want, err := s.pseudonyms.Phone("0912345678")
		if c.id {
			want, err = s.pseudonyms.IDCard(card)
		}
		must(t, err)
		scans := s.allScans()
		if got := scans[len(scans)-1]; len(scans) != i+1 || got.Alias != want || got.How != c.how || got.Place != s.market.ID || got.Kind != stay.In {
			t.Errorf("%q: %d scans, the last %+v", c.typed, len(scans), got)
		}
		if _, err := s.store.PersonByAlias(t.Context(), want); err != nil {
			t.Errorf("%q: the person was not made: %v", c.typed, err)
		}
	}
	for _, typed := range []string{"", "12", "hello", "07912345678", "0791234567890", "abc|def", "|", card + "|", card + "|123456789|Nguyễn Thị Ánh", strings.Repeat("9", 600), "\xff"} {
		b.post("/gate", url.Values{"number": {typed}}).leadsTo("/gate")
		p := b.get("/gate")
		p.wants(http.StatusOK, "Chưa ghi nhận", "Không phải thẻ căn cước")
		if alerts := p.all(func(n *html.Node) bool { return attr(n, "role") == "alert" }); len(alerts) != 1 {
			t.Errorf("%q: %d alerts", typed, len(alerts))
		}
	}
	if n := s.scanCount(); n != 5 {
		t.Errorf("%d scans are logged, want 5", n)
	}
	lines := b.get("/gate").all(func(n *html.Node) bool { return n.Data == "li" && attr(n.Parent, "class") == "ledger" })
	if len(lines) != 10 {
		t.Errorf("%d lines in the list, want the last ten", len(lines))
	}
}

func TestGateOutDoubleAndUndo(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	p := b.get("/gate?mode=out")
	form := url.Values{"number": {"0912345678"}, "mode": {"out"}, "nonce": {p.field("nonce")}}
	b.post("/gate", form).leadsTo("/gate?mode=out")
	s.advance(2 * time.Second)
	b.post("/gate", form).leadsTo("/gate?mode=out")
	p = b.get("/gate?mode=out")
	p.wants(http.StatusOK, "Đã ghi nhận: RA")
	if n := s.scanCount(); n != 1 {
		t.Fatalf("%d scans after a double tap, want 1", n)
	}
	undo := url.Values{"id": {p.field("id")}, "mode": {p.field("mode")}}
	undone := b.post("/gate/undo", undo)
	undone.leadsTo("/gate?mode=out") // the next person goes the same way
	b.follow(undone).wants(http.StatusOK, "Đã hoàn tác")
	scans := s.allScans()
	if len(scans) != 2 || scans[1].Kind != stay.Void || scans[1].Voids != scans[0].ID || scans[1].Alias != scans[0].Alias {
		t.Errorf("the scans are %+v", scans)
	}
	for _, id := range []string{undo.Get("id"), uuid.NewString(), "", "x"} {
		b.post("/gate/undo", url.Values{"id": {id}}).wants(http.StatusNotFound, "không còn trong danh sách")
	}
	b.post("/logout", nil)
	again := s.staff("gate")
	again.get("/gate").wants(http.StatusOK, "Chưa có lượt nào")
}

// TestGateAnswersOnce holds that an answer is for the person who stands there: it goes away, and what is undone is answered
// anew.
func TestGateAnswersOnce(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	answer := func(p page) string {
		t.Helper()
		for _, n := range p.all(func(n *html.Node) bool {
			return strings.HasPrefix(attr(n, "class"), "verdict ") && !hasAttr(n, "hidden")
		}) {
			return attr(n, "class")
		}
		t.Fatalf("there is neither an answer nor its room: %s", p.text())
		return ""
	}
	if got := answer(b.get("/gate")); got != "verdict waiting" {
		t.Errorf("before anybody came: %q", got)
	}
	b.post("/gate", url.Values{"number": {"0912345678"}})
	first := b.get("/gate").field("id")
	s.advance(20 * time.Second)
	b.post("/gate", url.Values{"number": {"0987654321"}, "mode": {"out"}})
	for _, step := range []struct {
		wait time.Duration
		want string
	}{{0, "verdict yes out"}, {10 * time.Second, "verdict yes out"}, {time.Second, "verdict waiting"}} {
		s.advance(step.wait)
		if got := answer(b.get("/gate?mode=out")); got != step.want {
			t.Errorf("%s later: %q, want %q", step.wait, got, step.want)
		}
	}
	p := b.follow(b.post("/gate/undo", url.Values{"id": {first}}))
	if got := answer(p); got != "verdict undone" || !strings.Contains(p.text(), "Đã hoàn tác Vào · 07:40:00") {
		t.Errorf("after undoing the first: %q: %s", got, p.text())
	}
	b.post("/gate", url.Values{"number": {"12"}})
	if got := answer(b.get("/gate")); got != "verdict no" {
		t.Errorf("after a refusal: %q", got)
	}
	s.advance(time.Minute)
	if got := answer(b.get("/gate")); got != "verdict waiting" {
		t.Errorf("a minute after a refusal: %q", got)
	}
}

func TestAudit(t *testing.T) {
	s := newSite(t, nil)
	for range 120 {
		must(t, s.ledger.Append(t.Context(), "city", "list_read", uuid.NewString(), "a <detail>"))
	}
	b := s.staff("auditor")
	p := b.get("/audit")
	p.wants(http.StatusOK, "Nhật ký nguyên vẹn", "121 dòng", "list_read", "a <detail>", "Các dòng cũ hơn")
	older := p.all(func(n *html.Node) bool { return attr(n, "rel") == "next" })
	if len(older) != 1 {
		t.Fatalf("%d links to older entries", len(older))
	}
	rows := func(p page) int {
		return len(p.all(func(n *html.Node) bool { return n.Data == "tr" && n.Parent.Data == "tbody" }))
	}
	last := b.get(attr(older[0], "href"))
	if rows(p) != 100 || rows(last) != 21 || strings.Contains(last.text(), "Các dòng cũ hơn") {
		t.Errorf("%d and %d rows", rows(p), rows(last))
	}
	for query, want := range map[string]int{
		"?what=list_read": 100, "?who=auditor": 1, "?who=auditor&what=list_read": 0, "?from=2026-11-21": 100, "?from=2026-11-22": 0,
		"?to=2026-11-20": 0, "?from=nonsense&who=auditor": 1, "?subject=%00": 0,
	} {
		if found := b.get("/audit" + query); rows(found) != want {
			t.Errorf("%s has %d rows, want %d: %s", query, rows(found), want, found.text())
		}
	}
	filtered := b.get("/audit?what=list_read&who=city")
	next := filtered.all(func(n *html.Node) bool { return attr(n, "rel") == "next" })
	if left := b.get(attr(next[0], "href")); rows(left) != 20 {
		t.Errorf("the next page of a filter has %d rows", rows(left))
	}
	for _, before := range []string{"x", "-1", "0", "99999999999999999999"} {
		b.get("/audit?before="+before).wants(http.StatusOK, "Nhật ký nguyên vẹn")
	}
}
