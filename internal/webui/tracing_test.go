package webui_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/cases"
)

// outbreak makes one case at the stall three days ago: two F1 of whom one, who lives in the second ward, met an F2 in the
// office the day after.
func (s *site) outbreak() {
	s.t.Helper()
	at := func(day, hour, minute int) time.Time {
		return start.AddDate(0, 0, day).Truncate(24 * time.Hour).Add(time.Duration(hour-7)*time.Hour + time.Duration(minute)*time.Minute)
	}
	s.visit("0911111111", "26794", s.stall, at(-3, 8, 0), at(-3, 9, 0))
	s.visit("0922222222", "26794", s.stall, at(-3, 8, 10), at(-3, 8, 45))
	s.visit("0933333333", "26797", s.stall, at(-3, 8, 30), at(-3, 10, 0))
	s.visit("0944444444", "26797", s.stall, at(-3, 8, 50), at(-3, 9, 4)) // 10 and 14 minutes: too short
	s.visit("0933333333", "26797", s.other, at(-2, 13, 0), at(-2, 15, 0))
	s.visit("0955555555", "", s.other, at(-2, 14, 0), at(-2, 16, 0))
}

// record takes in the case of the outbreak.
func (b *browser) record() string {
	b.s.t.Helper()
	p := b.post("/cases/new", url.Values{"phone": {"0911111111"}, "onset": {"2026-11-19"}, "isolated": {"2026-11-20T18:30"}, "lab_ref": {"XN-2026-0001"}})
	p.wants(http.StatusSeeOther)
	return strings.TrimPrefix(p.location, "/cases/")
}

func TestCaseToList(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	b := s.staff("city")
	b.get("/cases").wants(http.StatusOK, "Chưa có ca F0 nào")
	b.get("/runs").wants(http.StatusOK, "Chưa có lần truy vết nào")
	id := b.record()
	b.get("/cases/"+id).wants(http.StatusOK, "19/11/2026", "18:30 · 20/11/2026", "XN-2026-0001", "Thành phố Hồ Chí Minh", "Chưa có lần nào")
	list := b.get("/cases")
	list.wants(http.StatusOK, "Ca duy nhất", "19/11/2026")
	if strings.Contains(list.body, "0911111111") || strings.Contains(s.logs.String(), "0911111111") {
		t.Error("the phone number is kept")
	}

	p := b.post("/runs", url.Values{"case": {list.field("case")}, "profile": {"vn-2021-12"}})
	p.wants(http.StatusSeeOther)
	run := b.get(p.location)
	run.wants(http.StatusOK, "Phơi nhiễm sớm nhất: 08:10 · 18/11/2026", "Phường Linh Xuân 1 F1 · 0 F2", "Phường Bình Chiểu 1 F1 · 0 F2",
		"Chưa rõ phường, xã 0 F1 · 1 F2", "3 người trong 3", "Sạp rau cô Tư", "Chợ Linh Xuân", "08:10–08:45", "35 phút", "Cao",
		"có quét ra / có quét ra", "Trụ sở Bến Thành", "14:00–15:00", "1 giờ", "29/12/2021", "đến khi cách ly", "SHA-256")
	run.wants(http.StatusOK, "Từ 1 ca F0", "XN-2026-0001", "được mở từng người", "3638/QĐ-BYT", "Xếp theo: Mức ưu tiên.")
	caseLinks := run.all(func(n *html.Node) bool { return n.Data == "a" && attr(n, "href") == "/cases/"+id })
	for _, n := range caseLinks {
		if textOf(n) != shortCode(id) {
			t.Errorf("the case %s is called %s", id, textOf(n))
		}
	}
	if len(caseLinks) != 3 { // once above, and as the source of each F1
		t.Errorf("%d links to the case", len(caseLinks))
	}
	if run.heading() != "2 F1 1 F2" {
		t.Errorf("the answer is %q", run.heading())
	}
	b.get("/runs").wants(http.StatusOK, "07:40 · 21/11/2026", "vn-2021-12")
	b.get("/cases/"+id).wants(http.StatusOK, "07:40 · 21/11/2026", "vn-2021-12")

	file := b.get(p.location + "/list.csv")
	if !strings.HasPrefix(file.header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the list is sent as %v", file.header)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	must(t, err)
	if filtered := b.get(p.location + "/list.csv?q=zzz&generation=2"); filtered.body != file.body {
		t.Error("a filter leaves people out of the file, which is of the whole list")
	}
	if len(lines) != 4 || lines[0][0] != "person" || !strings.Contains(file.body, "Sạp rau cô Tư") {
		t.Errorf("the list is %q", file.body)
	}
}

// shortCode is how pages call a case.
func shortCode(id string) string {
	digits := strings.ToUpper(id[len(id)-8:])
	return digits[:4] + "-" + digits[4:]
}

func TestFilters(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	b := s.staff("city")
	id := b.record()
	path := b.post("/runs", url.Values{"case": {id}, "profile": {"vn-2021-12"}}).location
	people := func(p answer) []string {
		var codes []string
		for _, n := range p.all(func(n *html.Node) bool { return attr(n, "class") == "code-cell" }) {
			codes = append(codes, textOf(n))
		}
		return codes
	}
	all := people(b.get(path))
	if len(all) != 3 {
		t.Fatalf("%d people are listed, want 3", len(all))
	}
	for query, want := range map[string]int{
		"":                                      3,
		"generation=1":                          2,
		"generation=2":                          1,
		"generation=7":                          0,
		"certainty=confirmed":                   3,
		"certainty=possible":                    0,
		"ward=26797":                            1,
		"ward=-":                                1,
		"ward=1":                                0,
		"q=" + url.QueryEscape("cô tư"):         2,
		"q=" + url.QueryEscape("CHỢ LINH"):      2,
		"q=quốc":                                2,
		"q=" + strings.ToLower(all[0]):          1,
		"q=co+tu":                               2,
		"q=" + url.QueryEscape("CHO linh XUÂN"): 2,
		"q=" + url.QueryEscape("ben THÀNH"):     1,
		"q=" + strings.ReplaceAll(all[2], "-", ""):                   1,
		"q=" + url.QueryEscape(strings.Replace(all[2], "-", " ", 1)): 1,
		"q=" + shortCode(id):                     2, // whom the case met
		"q=xn-2026-0001":                         2,
		"q=" + all[0][:3]:                        0, // too little of a code
		"q=%25":                                  0,
		"q=%00%ff":                               0,
		"generation=1&ward=26794":                1,
		"generation=x&certainty=x&sort=x&page=x": 3,
		"page=99":                                3,
		"page=-1":                                3,
		"sort=ward&page=1":                       3,
	} {
		p := b.get(path + "?" + query)
		p.wants(http.StatusOK, fmt.Sprintf("%d người trong 3", want))
		if got := len(people(p)); got != want {
			t.Errorf("%s shows %d people, want %d", query, got, want)
		}
		if want == 0 {
			p.wants(http.StatusOK, "Không có ai khớp")
		}
	}
	for column, first := range map[string]string{"first": "08:10", "last": "08:30", "overlap": "08:10", "encounters": "", "certainty": "", "score": "", "ward": "08:30"} {
		p := b.get(path + "?generation=1&sort=" + column)
		p.wants(http.StatusOK)
		rows := p.all(func(n *html.Node) bool { return n.Data == "summary" && attr(n.Parent, "class") == "person" })
		if len(rows) != 2 || (first != "" && !strings.Contains(textOf(rows[0]), first+" · 18/11/2026")) {
			t.Errorf("by %s the list begins with %q", column, textOf(rows[0]))
		}
	}
}

func TestLongListsArePaged(t *testing.T) {
	s := newSite(t, nil)
	for i := range 450 {
		from := start.Add(-48 * time.Hour)
		s.visit(phoneNumber(60000000+i), "26794", s.stall, from, from.Add(time.Hour))
	}
	b := s.staff("ward")
	p := b.post("/cases/new", url.Values{"phone": {phoneNumber(60000000)}, "sample": {"2026-11-20"}, "lab_ref": {"XN-1"}})
	path := b.post("/runs", url.Values{"case": {strings.TrimPrefix(p.location, "/cases/")}, "profile": {"who"}}).location
	seen := make(map[string]bool)
	for number, want := range []int{200, 200, 49} {
		p := b.get(fmt.Sprintf("%s?page=%d", path, number+1))
		rows := p.all(func(n *html.Node) bool { return attr(n, "class") == "code-cell" })
		if len(rows) != want {
			t.Errorf("page %d shows %d people, want %d", number+1, len(rows), want)
		}
		for _, row := range rows {
			seen[textOf(row)] = true
		}
		p.wants(http.StatusOK, fmt.Sprintf("Trang %d / 3", number+1), "449 người trong 449")
	}
	if len(seen) != 449 {
		t.Errorf("%d different people on all pages, want 449", len(seen))
	}
	if n := strings.Count(b.get(path+"/list.csv").body, "\n"); n != 450 {
		t.Errorf("the file has %d lines, want 450", n)
	}
}

func TestIntakeRefused(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	b := s.staff("ward")
	good := func() url.Values {
		return url.Values{"phone": {"0911111111"}, "onset": {"2026-11-19"}, "lab_ref": {"XN-1"}}
	}
	for name, c := range map[string]struct {
		change func(url.Values)
		status int
		says   string
		fields []string
	}{
		"nobody":           {func(v url.Values) { v.Del("phone") }, http.StatusBadRequest, "Nhập một trong hai", []string{"phone", "id_card"}},
		"both":             {func(v url.Values) { v.Set("id_card", "079123456789") }, http.StatusBadRequest, "Nhập một trong hai", []string{"phone", "id_card"}},
		"no phone number":  {func(v url.Values) { v.Set("phone", "12") }, http.StatusBadRequest, "Không phải số điện thoại", []string{"phone"}},
		"no card":          {func(v url.Values) { v.Del("phone"); v.Set("id_card", "12") }, http.StatusBadRequest, "12 chữ số", []string{"id_card"}},
		"unknown":          {func(v url.Values) { v.Set("phone", "0999999999") }, http.StatusNotFound, "Chưa có ai được ghi nhận", []string{"phone"}},
		"no day":           {func(v url.Values) { v.Del("onset") }, http.StatusBadRequest, "Cần ngày khởi phát", []string{"onset", "sample"}},
		"a day to come":    {func(v url.Values) { v.Set("onset", "2026-11-22") }, http.StatusBadRequest, "ở tương lai", []string{"onset", "sample"}},
		"no such day":      {func(v url.Values) { v.Set("onset", "2026-02-30") }, http.StatusBadRequest, "Ngày không đúng", []string{"onset", "sample"}},
		"isolated to come": {func(v url.Values) { v.Set("isolated", "2027-11-01T08:00") }, http.StatusBadRequest, "Thời điểm cách ly", []string{"isolated"}},
		"no laboratory":    {func(v url.Values) { v.Del("lab_ref") }, http.StatusBadRequest, "mã phiếu xét nghiệm", []string{"lab_ref"}},
		"long reference":   {func(v url.Values) { v.Set("lab_ref", strings.Repeat("x", 65)) }, http.StatusBadRequest, "mã phiếu xét nghiệm", []string{"lab_ref"}},
		"broken reference": {func(v url.Values) { v.Set("lab_ref", "\xff") }, http.StatusBadRequest, "mã phiếu xét nghiệm", []string{"lab_ref"}},
	} {
		form := good()
		c.change(form)
		p := b.post("/cases/new", form)
		p.wants(c.status, c.says)
		if faulty := p.faultyFields(); !slices.Equal(faulty, c.fields) {
			t.Errorf("%s: the fields %v are marked, want %v", name, faulty, c.fields)
		}
		if name == "no laboratory" && (p.field("phone") != "0911111111" || p.field("onset") != "2026-11-19") {
			t.Error("what was typed is lost")
		}
	}
	b.get("/cases").wants(http.StatusOK, "Chưa có ca F0 nào")
}

func TestRunRefused(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	b := s.staff("ward")
	id := b.record()
	for name, c := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no profile":    {url.Values{"case": {id}}, http.StatusBadRequest, "Không có bộ quy tắc"},
		"other profile": {url.Values{"case": {id}, "profile": {"mine"}}, http.StatusBadRequest, "Không có bộ quy tắc"},
		"unknown case":  {url.Values{"case": {uuid.NewString()}, "profile": {"who"}}, http.StatusNotFound, "Không có mục này"},
		"no id":         {url.Values{"case": {"x"}, "profile": {"who"}}, http.StatusNotFound, "Không có mục này"},
	} {
		p := b.post("/runs", c.form)
		p.wants(c.status, c.says)
		ticked := p.all(func(n *html.Node) bool { return attr(n, "name") == "case" && hasAttr(n, "checked") })
		if want := c.form.Get("case") == id; (len(ticked) == 1) != want {
			t.Errorf("%s: %d cases are still ticked", name, len(ticked))
		}
	}
	none := b.post("/runs", url.Values{"profile": {"who"}})
	none.leadsTo("/cases?profile=who&refused=none")
	p := b.get(none.location)
	p.wants(http.StatusOK, "Chọn từ 1 đến 5.000 ca")
	if chosen := p.all(func(n *html.Node) bool { return n.Data == "option" && hasAttr(n, "selected") }); len(chosen) != 1 || attr(chosen[0], "value") != "who" {
		t.Error("the chosen profile is lost")
	}
	for _, path := range []string{"/runs/", "/cases/"} {
		for _, id := range []string{uuid.NewString(), "x", "%ff"} {
			b.get(path + id).wants(http.StatusNotFound)
		}
	}
	b.get("/runs/"+uuid.NewString()+"/list.csv").wants(http.StatusNotFound, "Không tìm thấy")
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// TestAreasSeeTheirOwn makes a run in the city and looks at it from each area, then asks a ward for another's case.
func TestAreasSeeTheirOwn(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	city := s.staff("city")
	path := city.post("/runs", url.Values{"case": {city.record()}, "profile": {"vn-2021-12"}}).location
	for login, c := range map[string]struct{ answer, hidden string }{
		"ward":     {"1 F1 0 F2", "2 người khác ở ngoài địa bàn"},
		"ward2":    {"1 F1 0 F2", "2 người khác ở ngoài địa bàn"},
		"district": {"2 F1 1 F2", ""},
	} {
		p := s.staff(login).get(path)
		p.wants(http.StatusOK, c.hidden)
		if !strings.HasPrefix(p.heading(), c.answer) {
			t.Errorf("%s reads %q, want %q", login, p.heading(), c.answer)
		}
		if login != "district" {
			p.wants(http.StatusOK, "Ngoài địa bàn")
		}
	}
	first, second := s.staff("ward"), s.staff("ward2")
	id := first.record()
	first.get("/cases/" + id).wants(http.StatusOK)
	second.get("/cases/" + id).wants(http.StatusNotFound)
	run := first.post("/runs", url.Values{"case": {id}, "profile": {"who"}}).location
	second.get(run).wants(http.StatusNotFound)
	second.get(run + "/list.csv").wants(http.StatusNotFound)
	second.post("/runs", url.Values{"case": {id}, "profile": {"who"}}).wants(http.StatusNotFound)
}

func TestBusyTraceSaysWhenToTryAgain(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	b := s.staff("city")
	id := b.record()
	s.busy.Store(true)
	p := b.post("/runs", url.Values{"case": {id}, "profile": {"who"}})
	p.wants(http.StatusServiceUnavailable, "Một lần truy vết khác đang chạy")
	if want := fmt.Sprint(int(cases.ErrBusy.RetryAfter.Seconds())); p.header.Get("Retry-After") != want {
		t.Errorf("Retry-After is %q, want %q", p.header.Get("Retry-After"), want)
	}
}
