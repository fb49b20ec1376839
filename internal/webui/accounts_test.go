package webui_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// link returns the path of the invitation that a page shows, empty where it shows none.
func (p answer) link() string {
	found := regexp.MustCompile(`https://truyvet\.example(/invitation/[a-z2-7-]+)`).FindStringSubmatch(p.text())
	if found == nil {
		return ""
	}
	return found[1]
}

// buttons returns the addresses of the forms whose address ends in something.
func (p answer) buttons(end string) []string {
	var paths []string
	for _, n := range p.all(func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attr(n, "action"), end) }) {
		paths = append(paths, attr(n, "action"))
	}
	return paths
}

func TestInviteAnOwner(t *testing.T) {
	s := newSite(t, nil)
	admin := s.staff("admin")
	admin.get("/accounts").wants(http.StatusOK, "owner", "Ban Quản lý chợ Linh Xuân", "Phường Linh Xuân", "Chợ Linh Xuân")
	p := admin.post("/accounts", url.Values{"role": {"owner"}, "organisation": {s.owner.Organisation.String()}, "note": {"Chị Sáu"}})
	p.wants(http.StatusCreated, "Đã tạo lời mời", "chỉ hiện lần này", "Chị Sáu")
	link := p.link()
	if p.header.Get("Cache-Control") != "no-store" || strings.Contains(admin.get("/accounts").text(), link) || strings.Contains(s.logs.String(), strings.TrimPrefix(link, "/invitation/")) {
		t.Error("the link is kept somewhere")
	}
	b := s.browser()
	b.get(link).wants(http.StatusOK, "Bạn được mời", "Ban Quản lý chợ Linh Xuân")
	for field, form := range map[string]url.Values{
		"login":          {"login": {"x"}, "password": {password}, "again": {password}},
		"login ":         {"login": {"stranger"}, "password": {password}, "again": {password}},
		"password":       {"login": {"sau"}, "password": {"ngắn"}, "again": {"ngắn"}},
		"password again": {"login": {"sau"}, "password": {password}, "again": {password + "x"}},
	} {
		p := b.post(link, form)
		if p.status < 400 || p.status >= 500 || strings.Join(p.faultyFields(), " ") != strings.TrimSpace(field) || p.field("login") != form.Get("login") {
			t.Errorf("%q: %d, marked %v", field, p.status, p.faultyFields())
		}
	}
	b.post(link, url.Values{"login": {"Sau"}, "password": {password}, "again": {password}}).wants(http.StatusCreated, "sau")
	s.staff("sau").get("/places").wants(http.StatusOK, "Chợ Linh Xuân")
	b.get(link).wants(http.StatusGone, "đã được dùng")
	b.post(link, url.Values{"login": {"sau2"}, "password": {password}, "again": {password}}).wants(http.StatusGone)
	for name, c := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no role":         {url.Values{}, http.StatusBadRequest, "Vai trò không khớp"},
		"unknown role":    {url.Values{"role": {"king"}}, http.StatusBadRequest, "Vai trò không khớp"},
		"no organisation": {url.Values{"role": {"owner"}}, http.StatusBadRequest, "Vai trò không khớp"},
		"no place":        {url.Values{"role": {"gate"}, "place": {"x"}}, http.StatusBadRequest, "mã định danh"},
		"no area":         {url.Values{"role": {"ward"}}, http.StatusBadRequest, "Vai trò không khớp"},
	} {
		t.Run(name, func(t *testing.T) { admin.post("/accounts", c.form).wants(c.status, c.says) })
	}
	s.staff("owner").post("/accounts", url.Values{"role": {"admin"}}).wants(http.StatusForbidden, "không ai cấp được điều mình không có")
}

// TestTwoInviteAWard has an administrator propose and a city confirm: the link is with the city alone.
func TestTwoInviteAWard(t *testing.T) {
	s := newSite(t, nil)
	admin, city := s.staff("admin"), s.staff("city")
	p := admin.post("/accounts", url.Values{"role": {"ward"}, "area": {"26797"}, "note": {"Anh Ba"}})
	p.wants(http.StatusCreated, "chờ người thứ hai", "Người xác nhận sẽ nhận liên kết")
	if p.link() != "" || len(p.buttons("/confirm")) != 0 {
		t.Error("the administrator has the link, or may confirm alone")
	}
	p = city.get("/accounts")
	p.wants(http.StatusOK, "Anh Ba", "Chờ người thứ hai")
	confirm := p.buttons("/confirm")
	if len(confirm) != 1 {
		t.Fatalf("the city may confirm %v", confirm)
	}
	admin.post(confirm[0], nil).wants(http.StatusForbidden, "cần một người khác")
	p = city.post(confirm[0], nil)
	p.wants(http.StatusOK, "Đã tạo lời mời")
	link := p.link()
	s.browser().post(link, url.Values{"login": {"ba"}, "password": {password}, "again": {password}}).wants(http.StatusCreated)
	s.staff("ba").get("/cases").wants(http.StatusOK)

	p = city.post("/accounts", url.Values{"role": {"district"}, "area": {"769"}})
	p.wants(http.StatusCreated, "Giữ liên kết này")
	s.browser().get(p.link()).wants(http.StatusConflict, "chờ người thứ hai")
	admin.post(admin.get("/accounts").buttons("/confirm")[0], nil).leadsTo("/accounts")
	s.browser().get(p.link()).wants(http.StatusOK, "Thành phố Thủ Đức")
	city.post(p.buttons("/withdraw")[0], nil).leadsTo("/accounts")
	s.browser().get(p.link()).wants(http.StatusGone)
}

// TestAccountOf has an administrator stop, start and renew an owner.
func TestAccountOf(t *testing.T) {
	s := newSite(t, nil)
	admin, owner := s.staff("admin"), s.staff("owner")
	path := "/accounts/" + s.owner.ID.String()
	admin.get(path).wants(http.StatusOK, "owner", "Ban Quản lý chợ Linh Xuân", "Nơi đang đăng nhập")
	admin.post(path+"/end", nil).leadsTo(path)
	owner.get("/places").wants(http.StatusSeeOther)
	admin.post(path+"/disable", nil).leadsTo(path)
	admin.get(path).wants(http.StatusOK, "Đã khóa", "Mở lại tài khoản")
	owner.post("/login", url.Values{"login": {"owner"}, "password": {password}}).wants(http.StatusUnauthorized)
	admin.post(path+"/enable", nil).leadsTo(path)
	owner = s.staff("owner")
	p := admin.post(path+"/renew", nil)
	p.wants(http.StatusCreated, "Đã tạo lời mời")
	renewed := s.browser().post(p.link(), url.Values{"password": {"một mật khẩu khác"}, "again": {"một mật khẩu khác"}})
	renewed.wants(http.StatusCreated, "owner")
	owner.get("/places").wants(http.StatusSeeOther)
	owner.post("/login", url.Values{"login": {"owner"}, "password": {"một mật khẩu khác"}}).leadsTo("/places")
	me, err := s.store.AccountByLogin(t.Context(), "admin")
	must(t, err)
	admin.get("/accounts/" + me.ID.String()).leadsTo("/account")
	for _, act := range []string{"/disable", "/renew"} {
		admin.post("/accounts/"+me.ID.String()+act, nil).wants(http.StatusForbidden)
	}
}

// TestGateDevice enrols a tablet with a code, has it scan, and revokes it.
func TestGateDevice(t *testing.T) {
	s := newSite(t, nil)
	owner, tablet := s.staff("owner"), s.browser()
	tablet.get("/gate").leadsTo("/login?next=%2Fgate")
	owner.post("/accounts", url.Values{"role": {"gate"}, "place": {s.other.ID.String()}}).wants(http.StatusForbidden)
	p := owner.post("/accounts", url.Values{"role": {"gate"}, "place": {s.stall.ID.String()}})
	p.wants(http.StatusCreated, "Gõ mã này trên thiết bị", "Sạp rau cô Tư")
	code := strings.TrimPrefix(p.link(), "/invitation/")
	tablet.post("/gate/enrol", url.Values{"code": {"aaaaa-aaaaa-aaaaa-aaaaa"}}).wants(http.StatusGone)
	tablet.post("/gate/enrol", url.Values{"code": {strings.ToUpper(strings.ReplaceAll(code, "-", " "))}}).wants(http.StatusCreated, "Cổng: đã cài đặt thiết bị này", "Sạp rau cô Tư")
	s.browser().post("/gate/enrol", url.Values{"code": {code}}).wants(http.StatusGone)
	key := tablet.cookie("truyvet_gate")
	if key == "" || strings.Contains(s.logs.String(), key) {
		t.Error("the key is not kept, or logged")
	}
	tablet.get("/gate").wants(http.StatusOK, "Sạp rau cô Tư")
	tablet.post("/gate", url.Values{"number": {"0912345678"}, "nonce": {tablet.get("/gate").field("nonce")}}).leadsTo("/gate")
	if scans := s.allScans(); len(scans) != 1 || scans[0].Place != s.stall.ID {
		t.Errorf("the scans are %+v", scans)
	}
	for _, path := range []string{"/places", "/cases", "/runs", "/audit", "/accounts", "/account"} {
		tablet.get(path).wants(http.StatusForbidden)
	}
	tablet.post("/logout", nil)
	tablet.get("/places").leadsTo("/login?next=%2Fplaces") // the key opens the gate alone
	tablet.get("/gate").wants(http.StatusOK)

	accounts, err := s.accounts.Visible(t.Context(), s.owner, registry.Cursor{Limit: 100})
	must(t, err)
	var gate registry.Account
	for _, a := range accounts.Records {
		if a.Place == s.stall.ID {
			gate = a
		}
	}
	s.staff("stranger").post("/accounts/"+gate.ID.String()+"/disable", nil).wants(http.StatusNotFound)
	owner.post("/accounts/"+gate.ID.String()+"/disable", nil).wants(http.StatusSeeOther)
	tablet.get("/gate").leadsTo("/login?next=%2Fgate")

	address, err := qrgen.URL("https://truyvet.example", s.market.Code)
	must(t, err)
	link := s.staff("admin").post("/accounts", url.Values{"role": {"gate"}, "place": {address}}).link()
	another := s.browser()
	another.get(link).wants(http.StatusOK, "Cài đặt thiết bị này", "Chợ Linh Xuân")
	another.post(link, url.Values{"device": {"yes"}}).wants(http.StatusCreated)
	another.get("/gate").wants(http.StatusOK, "Chợ Linh Xuân")
}

// TestGateDeviceMoves enrols a tablet at one place and then at another: from then on it is the gate of that one.
func TestGateDeviceMoves(t *testing.T) {
	s := newSite(t, nil)
	owner, tablet := s.staff("owner"), s.browser()
	for _, place := range []registry.Place{s.stall, s.market} {
		code := strings.TrimPrefix(owner.post("/accounts", url.Values{"role": {"gate"}, "place": {place.ID.String()}}).link(), "/invitation/")
		tablet.post("/gate/enrol", url.Values{"code": {code}}).wants(http.StatusCreated)
		p := tablet.get("/gate")
		p.wants(http.StatusOK, place.Name, "Chưa có lượt nào")
		tablet.post("/gate", url.Values{"number": {"0912345678"}, "nonce": {p.field("nonce")}}).leadsTo("/gate")
		if scans := s.allScans(); scans[len(scans)-1].Place != place.ID {
			t.Errorf("the scans are %+v", scans)
		}
	}
}

// enrol sets up a second factor on the page and returns what makes its codes and a recovery code.
func (b *browser) enrol() (codeAt func(time.Time) string, recovery string) {
	b.s.t.Helper()
	p := b.get("/account/factor")
	secret := strings.ReplaceAll(regexp.MustCompile(`[A-Z2-7]{4}( [A-Z2-7]{4}){7}`).FindString(p.text()), " ", "")
	codeAt = func(at time.Time) string {
		code, err := totp.GenerateCode(secret, at)
		must(b.s.t, err)
		return code
	}
	form := url.Values{"secret": {p.field("secret")}, "code": {"000000"}, "password": {password}}
	wrong := b.post("/account/factor", form)
	wrong.wants(http.StatusUnauthorized, "Mã không đúng", secret[:4]+" "+secret[4:8]) // the one that was scanned
	form.Set("code", codeAt(time.Unix(b.s.now.Load(), 0)))
	done := b.post("/account/factor", form)
	done.wants(http.StatusOK, "Ghi lại các mã dự phòng")
	return codeAt, regexp.MustCompile(`[a-z2-7]{4}(-[a-z2-7]{4}){3}`).FindString(done.text())
}

func TestSecondFactorOnPages(t *testing.T) {
	s := newSiteThatNeeds(t, nil, registry.RoleCity)
	city := s.staff("city")
	city.get("/cases").leadsTo("/account/factor")
	city.post("/runs", url.Values{"which": {"all"}}).leadsTo("/account/factor")
	before := city.cookie("session")
	codeAt, recovery := city.enrol()
	if after := city.cookie("session"); after == before {
		t.Error("the session was not renewed when the second factor was set up")
	}
	city.get("/cases").wants(http.StatusOK)
	city.get("/account").wants(http.StatusOK, "Còn 10 mã dự phòng")
	city.post("/account/factor/drop", url.Values{"present": {password}}).wants(http.StatusConflict)

	b := s.browser()
	b.get("/login/code").leadsTo("/login")
	b.post("/login", url.Values{"login": {"city"}, "password": {password}, "next": {"/runs"}}).leadsTo("/login/code")
	waiting := b.cookie("session")
	b.get("/cases").wants(http.StatusSeeOther)
	b.get("/login/code").wants(http.StatusOK, "city")
	b.post("/login/code", url.Values{"code": {"000000"}}).wants(http.StatusUnauthorized, "Mã không đúng")
	s.advance(time.Minute)
	shown := codeAt(time.Unix(s.now.Load(), 0))
	b.post("/login/code", url.Values{"code": {shown}}).leadsTo("/runs")
	if b.cookie("session") == waiting {
		t.Error("the session was not renewed when the second factor was proved")
	}
	again := s.browser()
	again.post("/login", url.Values{"login": {"city"}, "password": {password}})
	again.post("/login/code", url.Values{"code": {shown}}).wants(http.StatusUnauthorized) // seen over a shoulder
	again.post("/login/code", url.Values{"code": {recovery}}).leadsTo("/cases")
	again.get("/account").wants(http.StatusOK, "Còn 9 mã dự phòng")

	slow := s.browser()
	slow.post("/login", url.Values{"login": {"city"}, "password": {password}}).leadsTo("/login/code")
	s.advance(5 * time.Minute)
	slow.post("/login/code", url.Values{"code": {codeAt(time.Unix(s.now.Load(), 0))}}).leadsTo("/login")

	// The sealed secret of one account sets up nothing for another.
	owner := s.staff("owner")
	stolen := owner.get("/account/factor").field("secret")
	s.staff("admin").post("/account/factor", url.Values{"secret": {stolen}, "code": {shown}, "password": {password}}).wants(http.StatusBadRequest)
}

func TestOwnAccount(t *testing.T) {
	s := newSite(t, nil)
	here, elsewhere := s.staff("owner"), s.staff("owner")
	p := here.get("/account")
	p.wants(http.StatusOK, "Phiên này", "Kết thúc mọi phiên khác")
	form := url.Values{"id": {p.field("id")}}
	s.staff("stranger").post("/account/end", form).wants(http.StatusNotFound)
	elsewhere.get("/places").wants(http.StatusOK)
	here.post("/account/end", form).leadsTo("/account")
	elsewhere.get("/places").wants(http.StatusSeeOther)
	for _, id := range []string{"x", uuid.NewString()} {
		here.post("/account/end", url.Values{"id": {id}}).wants(http.StatusNotFound)
	}
	elsewhere = s.staff("owner")
	before := here.cookie("session")
	here.post("/account/password", url.Values{"present": {"sai"}, "password": {"một mật khẩu khác"}}).wants(http.StatusBadRequest, "Mật khẩu hiện tại không đúng")
	here.post("/account/password", url.Values{"present": {password}, "password": {"ngắn"}}).wants(http.StatusBadRequest, "12 ký tự")
	here.post("/account/password", url.Values{"present": {password}, "password": {"một mật khẩu khác"}}).wants(http.StatusOK, "Đã đổi mật khẩu")
	if here.cookie("session") == before {
		t.Error("the session was not renewed when the password was changed")
	}
	here.get("/places").wants(http.StatusOK)
	elsewhere.get("/places").wants(http.StatusSeeOther)
	here.post("/account/end", url.Values{}).leadsTo("/account")
}

// TestPlantedSessions has somebody plant a session and see it logged in: the token that they know is worth nothing.
func TestPlantedSessions(t *testing.T) {
	s := newSite(t, nil)
	attacker := s.staff("stranger")
	victim := s.browser()
	u, err := url.Parse(s.URL)
	must(t, err)
	planted := &http.Cookie{Name: "session", Value: attacker.cookie("session"), Path: "/"}
	victim.client.Jar.SetCookies(u, []*http.Cookie{planted})
	victim.post("/login", url.Values{"login": {"owner"}, "password": {password}}).leadsTo("/places")
	if p := attacker.get("/places"); p.status == http.StatusOK && strings.Contains(p.text(), "Chợ Linh Xuân") {
		t.Error("the planted session is that of who logged in")
	}
	forged := s.browser()
	forged.client.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: strings.Repeat("A", 43), Path: "/"}})
	forged.get("/places").wants(http.StatusSeeOther)
	forged.post("/login", url.Values{"login": {"owner"}, "password": {password}}).leadsTo("/places")
	if forged.cookie("session") == strings.Repeat("A", 43) {
		t.Error("a token was taken over that somebody made up")
	}
}

// TestKnownBrowser has strangers use up a login's tries, and lets its own browser in; what is made up is no known browser.
func TestKnownBrowser(t *testing.T) {
	s := newSite(t, nil)
	known := s.staff("owner")
	known.post("/logout", nil)
	other := s.staff("stranger")
	wrong, right := url.Values{"login": {"owner"}, "password": {"sai"}}, url.Values{"login": {"owner"}, "password": {password}}
	stranger := s.browser()
	for range 10 {
		stranger.post("/login", wrong).wants(http.StatusUnauthorized)
	}
	limited := stranger.post("/login", right)
	limited.wants(http.StatusTooManyRequests)
	if limited.header.Get("Retry-After") == "" {
		t.Error("it is not said when to come again")
	}
	other.post("/login", right).wants(http.StatusTooManyRequests) // known, and by another login
	u, err := url.Parse(s.URL)
	must(t, err)
	forged := s.browser()
	cookie := known.cookie("truyvet_browser")
	forged.client.Jar.SetCookies(u, []*http.Cookie{{Name: "truyvet_browser", Value: cookie[:len(cookie)-2] + "AA", Path: "/"}})
	forged.post("/login", right).wants(http.StatusTooManyRequests)
	known.post("/login", right).leadsTo("/places")
}

func TestSessionsSayWhatBrowser(t *testing.T) {
	s := newSite(t, nil)
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile Safari/537.36": "Chrome, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1":    "Safari, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36 Edg/129.0":        "Edge, Windows",
		"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0":                                   "Firefox, Linux",
		"curl/8": "",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login",
			strings.NewReader(url.Values{"login": {"admin"}, "password": {password}}.Encode()))
		must(t, err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("User-Agent", agent)
		response, err := s.browser().client.Do(request)
		must(t, err)
		must(t, response.Body.Close())
		admin, err := s.store.AccountByLogin(t.Context(), "admin")
		must(t, err)
		list, err := s.store.SignIns(t.Context(), admin.ID, 0)
		must(t, err)
		found := false
		for _, in := range list {
			found = found || in.Browser == want
		}
		if !found {
			t.Errorf("%q is none of %+v", want, list)
		}
	}
}
