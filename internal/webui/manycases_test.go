package webui_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"
)

// morning is an hour of the local day so many days from the start's.
func morning(day, hour int) time.Time {
	return start.AddDate(0, 0, day).Truncate(24 * time.Hour).Add(time.Duration(hour-7) * time.Hour)
}

// manyCases makes n cases who were each at the stall with one person of their own, two or three days ago, an hour after the other,
// and one person who came by each time. Odd ones are isolated, and every third gave its sample the day before the others.
func (s *site) manyCases(b *browser, n int) []string {
	s.t.Helper()
	var ids []string
	for i := range n {
		from := morning(-3+i%2, 6+i/2)
		s.visit(phoneNumber(70009999), "26797", s.stall, from.Add(5*time.Minute), from.Add(40*time.Minute))
		s.visit(phoneNumber(70000000+i), "26794", s.stall, from, from.Add(50*time.Minute))
		s.visit(phoneNumber(70001000+i), "26794", s.stall, from.Add(10*time.Minute), from.Add(45*time.Minute))
		form := url.Values{"phone": {phoneNumber(70000000 + i)}, "onset": {"2026-11-18"}, "sample": {"2026-11-20"}, "lab_ref": {fmt.Sprintf("XN-%03d", i)}}
		if i%2 == 1 {
			form.Set("isolated", "2026-11-20T18:30")
		}
		if i%3 == 0 {
			form.Set("sample", "2026-11-19")
		}
		p := b.post("/cases/new", form)
		p.wants(http.StatusSeeOther)
		ids = append(ids, strings.TrimPrefix(p.location, "/cases/"))
	}
	return ids
}

func TestManyCasesAreChosenByDayAndState(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("city")
	s.manyCases(b, 12)
	for query, want := range map[string]int{
		"": 12, "open=1": 6, "day=2026-11-20": 8, "day=2026-11-19": 4, "day=2026-11-19&open=1": 2, "day=2026-11-01": 0, "day=x&page=x": 12,
	} {
		p := b.get("/cases?" + query)
		p.wants(http.StatusOK)
		if ticks := p.all(func(n *html.Node) bool { return attr(n, "name") == "case" }); len(ticks) != want {
			t.Errorf("%q shows %d cases, want %d", query, len(ticks), want)
		}
	}
	b.get("/cases").wants(http.StatusOK, "Tất cả 12", "Chưa cách ly 6", "20/11/2026 8", "19/11/2026 4", "Cả 12 ca, trên mọi trang")
	b.get("/cases?day=2026-11-19").wants(http.StatusOK, "Cả 4 ca khớp bộ lọc")

	form := url.Values{"which": {"all"}, "day": {"2026-11-19"}, "profile": {"vn-2021-12"}}
	run := b.get(b.post("/runs", form).location)
	run.wants(http.StatusOK, "Từ 4 ca F0", "XN-000", "XN-009", "Xem cả 4 ca")
	form.Set("depth", "1")
	f1 := b.get(b.post("/runs", form).location)
	f1.wants(http.StatusOK, "0 F2")
	form.Set("day", "2026-11-01")
	b.post("/runs", form).wants(http.StatusBadRequest, "Chọn từ 1 đến 5.000 ca")
	form.Set("day", "x")
	b.post("/runs", form).wants(http.StatusBadRequest, "Ngày không đúng")
	form.Set("day", "")
	form.Set("depth", "11")
	b.post("/runs", form).wants(http.StatusBadRequest, "từ 1 đến 10")
}

func TestListsAreToldApartByCase(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("city")
	ids := s.manyCases(b, 14)
	path := b.post("/runs", url.Values{"which": {"all"}, "profile": {"who"}}).location
	run := b.get(path)
	run.wants(http.StatusOK, "Từ 14 ca F0", "15 người trong 15", "2 ca khác", "từ "+shortCode(ids[3]))
	if all := run.all(func(n *html.Node) bool { return n.Data == "option" && attr(n.Parent, "id") == "case" }); len(all) != 15 {
		t.Errorf("%d cases are offered, want 14 and all", len(all))
	}
	// Whoever came by each time met more cases than a row of a long list shows.
	run.wants(http.StatusOK, "Còn 4 lần tiếp xúc nữa")
	few := b.get(path + "?ward=26797")
	few.wants(http.StatusOK, "1 người trong 15", "và 2 ca khác")
	if strings.Contains(few.body, "lần tiếp xúc nữa") {
		t.Error("encounters are left out where one person is shown")
	}
	one := b.get(path + "?case=" + ids[3])
	if brief := one.all(func(n *html.Node) bool { return attr(n, "class") == "who-cell" && strings.Contains(textOf(n), "+13") }); len(brief) != 1 ||
		!strings.Contains(textOf(brief[0]), "từ "+shortCode(ids[3])) {
		t.Error("the row of a list of one case names another")
	}
	one.wants(http.StatusOK, "2 người trong 15", "Chỉ người từ ca "+shortCode(ids[3])+" (XN-003)", "CSV của ca")
	b.get(path+"?case="+ids[3]+"&generation=2").wants(http.StatusOK, "0 người trong 15")
	b.get(path+"?case="+uuid.NewString()).wants(http.StatusOK, "0 người trong 15")
	b.get(path+"?case=x").wants(http.StatusOK, "15 người trong 15")

	file := b.get(path + "/list.csv?case=" + ids[3])
	file.wants(http.StatusOK)
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	must(t, err)
	counts := make(map[string]string) // by person: the cases that led to them
	for _, line := range lines[1:] {
		counts[line[0]] = line[21]
	}
	if got := slices.Sorted(maps.Values(counts)); !slices.Equal(got, []string{"1", "14"}) {
		t.Errorf("the file of one case has people of %v cases", got)
	}
	b.get(path + "/list.csv?case=" + uuid.NewString()).wants(http.StatusNotFound)
	b.get(path + "/list.csv?case=x").wants(http.StatusNotFound)

	byCase := b.get(path + "/cases")
	byCase.wants(http.StatusOK, "14 ca trong 14", "XN-013")
	b.get(path+"/cases?q=xn-013").wants(http.StatusOK, "1 ca trong 14")
	b.get(path+"/cases?q="+shortCode(ids[5])).wants(http.StatusOK, "1 ca trong 14")
	b.get(path+"/cases?q=zzz&page=9").wants(http.StatusOK, "Không có ca nào khớp")
	b.get("/runs/" + uuid.NewString() + "/cases").wants(http.StatusNotFound)
	ward := s.staff("ward").get(path + "/cases")
	ward.wants(http.StatusOK, "0 ca trong 0", "14 ca khác do địa bàn khác nhập")
}

func TestDryRunShowsEveryProfile(t *testing.T) {
	s := newSite(t, nil)
	s.outbreak()
	b := s.staff("city")
	id := b.record()
	p := b.get("/dry-run?case=" + id)
	p.wants(http.StatusOK, "Nếu truy vết ca F0 này", "2–3 F1", "chưa lập danh sách nào")
	for profile, button := range map[string]int{"vn-2021-12": 1, "vn-5053": 1, "who": 1, "pc-covid-1h": 1, "own": 0} {
		found := p.all(func(n *html.Node) bool { return n.Data == "button" && attr(n, "value") == profile })
		if len(found) != button {
			t.Errorf("%d buttons of %s", len(found), profile)
		}
	}
	if run := b.post("/runs", url.Values{"case": {p.field("case")}, "profile": {"vn-5053"}}); !strings.HasPrefix(run.location, "/runs/") {
		t.Errorf("the page's form leads to %q", run.location)
	}
	b.get("/dry-run?which=all&day=2026-11-21").wants(http.StatusOK, "Nếu truy vết ca F0 này")
	own := b.get("/dry-run?which=all&try=1&overlap=45&linger=0&latency=&depth=3&before=&crowd=0&base=who")
	own.wants(http.StatusOK, "Số của bạn", "F3", "tiếp xúc từ 45 phút", "đến 14 ngày sau")
	for name, wrong := range map[string]string{
		"overlap": "-1", "linger": "x", "latency": "99999999999999999999", "depth": "11", "before": "1.5", "crowd": "-1",
	} {
		p := b.get("/dry-run?which=all&try=1&" + name + "=" + wrong)
		p.wants(http.StatusBadRequest)
		if faulty := p.faultyFields(); !slices.Equal(faulty, []string{name}) || p.field(name) != wrong {
			t.Errorf("%s: the fields %v are marked, and %q stands in it", name, faulty, p.field(name))
		}
	}
	b.get("/dry-run?profile=who&day=2026-11-21").leadsTo("/cases?day=2026-11-21&profile=who&refused=none")
	b.get("/dry-run?case=" + uuid.NewString()).wants(http.StatusNotFound)
	b.get("/dry-run?which=all&day=2026-01-01").wants(http.StatusBadRequest, "Chọn từ 1 đến 5.000 ca")
	b.get("/dry-run?which=all&try=1&base=mine").wants(http.StatusBadRequest, "Không có bộ quy tắc")
	if runs, err := s.store.Runs(t.Context()); err != nil || len(runs) != 1 {
		t.Errorf("%d runs are kept, of the one that was asked for: %v", len(runs), err)
	}
	s.staff("owner").get("/dry-run?which=all").wants(http.StatusForbidden)
}
