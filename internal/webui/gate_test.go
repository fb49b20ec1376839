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

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

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

// TestGateGoesOnWithoutACode has the owner take back the only code of the gate's place.
func TestGateGoesOnWithoutACode(t *testing.T) {
	s := newSite(t, nil)
	s.staff("owner").post("/places/"+s.market.ID.String()+"/revoke", url.Values{"serial": {"1"}}).wants(http.StatusSeeOther)
	s.browser().get("/q/" + s.market.Code).wants(http.StatusGone)
	b := s.staff("gate")
	p := b.get("/gate")
	b.post("/gate", url.Values{"number": {"0912345678"}, "nonce": {p.field("nonce")}}).leadsTo("/gate")
	p = b.get("/gate")
	p.wants(http.StatusOK, "Đã ghi nhận: VÀO")
	b.post("/gate/undo", url.Values{"id": {p.field("id")}}).leadsTo("/gate")
	scans := s.allScans()
	if len(scans) != 2 || scans[0].Place != s.market.ID || scans[1].Kind != stay.Void || scans[1].Voids != scans[0].ID {
		t.Errorf("the scans are %+v", scans)
	}
}

// TestGateAnswersOnce holds that an answer is for the person who stands there: it goes away, and what is undone is answered
// anew.
func TestGateAnswersOnce(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	answer := func(p answer) string {
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
	if got := answer(b.get("/gate?aside=yes")); got != "verdict waiting" {
		t.Errorf("on the page that is put aside: %q", got)
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

// TestWordsOfTheGate: the scripts of the gate's page have a text for each thing that they say, in both languages.
func TestWordsOfTheGate(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	for _, lang := range []string{"vi", "en"} {
		b.get("/gate?lang=" + lang)
		roots := b.get("/gate").all(func(n *html.Node) bool { return attr(n, "id") == "gate" })
		if len(roots) != 1 {
			t.Fatalf("%d roots", len(roots))
		}
		var words map[string]string
		must(t, json.Unmarshal([]byte(attr(roots[0], "data-words")), &words))
		for _, key := range []string{
			"in", "out", "undone", "not_recorded", "kept", "online", "offline", "locked", "full", "undelivered", "refusals", "fault",
			"waiting_in", "waiting_out", "camera_on", "camera_off", "camera_fault", "inside", "inside_about", "scanning", "unsure",
			"gate_input", "personal_code_over", "gate_place_bad", "gate_place_screen", "gate_place_outside", "code_revoked", "code_expired",
			"scan_time_too_old", "scan_time_future", "kind_office", "kind_other",
		} {
			if words[key] == "" {
				t.Errorf("%s: nothing for %s", lang, key)
			}
		}
		if attr(roots[0], "data-place") != s.market.ID.String() {
			t.Errorf("the place is %s", attr(roots[0], "data-place"))
		}
	}
}

// TestGateInsideByForm scans the code of a stall, and then people into it, until the gate's own place is gone back to.
func TestGateInsideByForm(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	show := func() (where string) {
		t.Helper()
		for _, n := range b.get("/gate").all(func(n *html.Node) bool { return attr(n, "class") == "where" && !hasAttr(n, "hidden") }) {
			where += textOf(n)
		}
		return where
	}
	scan := func(number string) {
		t.Helper()
		s.advance(time.Minute)
		b.post("/gate", url.Values{"number": {number}, "nonce": {b.get("/gate").field("nonce")}}).leadsTo("/gate")
	}
	if got := show(); got != "" {
		t.Errorf("at first it scans for %q", got)
	}
	scan(strings.ToLower(s.stall.Code))
	if got := show(); !strings.Contains(got, s.stall.Name) || !strings.Contains(got, "Về "+s.market.Name) {
		t.Errorf("after the code of the stall it says %q", got)
	}
	if s.scanCount() != 0 {
		t.Error("the code of a place is somebody's scan")
	}
	scan("0912345678")
	b.post("/gate/undo", url.Values{"id": {b.get("/gate").field("id")}}).leadsTo("/gate")
	screen, _, err := s.places.ScreenCode(s.stall.ID)
	must(t, err)
	for _, c := range [][2]string{
		{screen, "Mã trên màn hình đổi liên tục"},
		{s.other.Code, "không nằm trong địa điểm của cổng"},
		{s.stall.Code[:100] + s.other.Code[100:], "Chữ ký của mã không đúng"},
	} {
		scan(c[0])
		b.get("/gate").wants(http.StatusOK, "Chưa ghi nhận", c[1])
	}
	if got := show(); !strings.Contains(got, s.stall.Name) {
		t.Errorf("after codes that are not good it says %q", got)
	}
	b.post("/gate/place", url.Values{"mode": {"out"}}).leadsTo("/gate?mode=out")
	b.get("/gate/place").leadsTo("/gate")
	if got := show(); got != "" {
		t.Errorf("gone back it says %q", got)
	}
	scan("0912345678")
	scan(s.stall.Code)
	scan(s.market.Code) // the gate's own
	scan("0987654321")

	// A code that was taken back is good for nobody from then on.
	scan(s.stall.Code)
	s.staff("owner").post("/places/"+s.stall.ID.String()+"/revoke", url.Values{"serial": {"1"}}).wants(http.StatusSeeOther)
	scan("0987654322")
	b.get("/gate").wants(http.StatusOK, "Chưa ghi nhận", "thu hồi")

	places := []uuid.UUID{s.stall.ID, s.market.ID, s.market.ID, s.market.ID}
	scans := s.allScans()
	if len(scans) != len(places) {
		t.Fatalf("%d scans, want %d", len(scans), len(places))
	}
	for i, got := range scans {
		if got.Place != places[i] || (got.Kind == stay.Void) != (i == 1) {
			t.Errorf("scan %d is %+v, want it at %v", i, got, places[i])
		}
	}
}

// TestGateFormHasALimit shares that of the gate's other ways.
func TestGateFormHasALimit(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("gate")
	s.paced = &errs.Error{Kind: errs.TooMany, Code: "gate_limit", Message: "Slowly.", RetryAfter: time.Second}
	b.post("/gate", url.Values{"number": {"0912345678"}}).wants(http.StatusTooManyRequests, "Cổng này quét quá nhiều")
	if n := s.scanCount(); n != 0 {
		t.Errorf("%d scans", n)
	}
}
