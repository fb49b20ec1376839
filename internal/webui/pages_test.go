package webui_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/staff"
)

// TestEveryPageIsSound goes over every page in both languages and holds what a strict content security policy, a screen
// reader and a keyboard need.
func TestEveryPageIsSound(t *testing.T) {
	demo := &staff.Demo{}
	s := newSite(t, demo)
	s.outbreak()
	demo.Logins = []staff.DemoLogin{{Login: "owner", Password: password, Role: registry.RoleOwner}}
	demo.Place, demo.Token = s.market.ID, s.stall.Code
	city, anybody, citizen := s.staff("city"), s.browser(), s.browser()
	id := city.record()
	run := city.post("/runs", url.Values{"case": {id}, "profile": {"vn-2021-12"}}).location
	demo.Run = uuid.MustParse(strings.TrimPrefix(run, "/runs/"))
	code := "/q/" + s.stall.Code
	waiting := s.browser()
	waiting.post(code+"/phone", url.Values{"phone": {"0912345678"}})
	citizen.prove(s.stall.Code, "0987654321")
	listed, seeing, me := s.browser(), s.browser(), s.browser()
	listed.seeMe("0912000001")
	seeing.post("/me/phone", url.Values{"phone": {"0987654321"}})
	me.seeMe("0987654321")
	undone := s.browser()
	undone.prove(s.stall.Code, "0977654321")
	undone.post(code+"/undo", url.Values{})
	gate := s.staff("gate")
	gate.post("/gate", url.Values{"number": {"0912345678"}})
	place, stall := "/places/"+s.market.ID.String(), "/places/"+s.stall.ID.String()
	order := s.staff("owner").post("/places/print", orderForm("all")).location
	check(t, "an application", s.browser().post("/signup", url.Values{"name": {"A"}, "contact": {"0"}}), "vi")
	check(t, "refused posters", s.staff("owner").post("/places/print", orderForm("")), "vi")
	refused := city.post("/cases/new", url.Values{})

	check(t, "a refused form", refused, "vi")
	report := s.staff("owner").upload("/places/file", "name,kind\n,shop\nx,shop\n").location
	for _, c := range []struct {
		b     *browser
		paths []string
	}{
		{anybody, []string{"/", "/login", "/signup", "/login?login=owner&next=%2Fplaces", code, "/q/ABC", "/check/" + s.stall.Code, "/check/ABC", "/nothing", "/assets/nothing"}},
		{waiting, []string{code + "/code"}},
		{citizen, []string{code, code + "/stamp", "/q"}},
		{undone, []string{code + "/stamp"}},
		{anybody, []string{"/me", "/notice"}},
		{seeing, []string{"/me/proof"}},
		{me, []string{"/me", "/me/opened", "/me/erase"}},
		{listed, []string{"/me", "/me/erase"}},
		{gate, []string{"/gate", "/gate?mode=out"}},
		{s.staff("owner"), []string{"/places", "/places/new", "/places/new?parent=" + s.market.ID.String(), place, place + "/edit", place + "/turnout", stall + "/turnout", "/places/print", "/places/print?root=" + s.market.ID.String(), order, "/places/logo", place + "/reissue", place + "/codes", place + "/revoke?serial=1", place + "/screen", "/places?name=sap", "/places?name=zz", "/cases", "/places/file", report}},
		{city, []string{"/cases", "/cases/new", "/cases/" + id, "/runs", run, run + "?q=zzz", run + "?generation=2&sort=first"}},
		{s.staff("auditor"), []string{"/audit", "/audit?before=2", "/audit?who=city&what=run&from=2026-11-01", "/audit?subject=nothing"}},
		{s.staff("admin"), []string{"/accounts", "/applications", "/organisations", "/organisations/" + s.owner.Organisation.String()}},
	} {
		for _, l := range []string{"vi", "en"} {
			c.b.get("/?lang=" + l).leadsTo("/")
			for _, path := range c.paths {
				check(t, l+" "+path, c.b.get(path), l)
			}
		}
	}
}

var unfilled = regexp.MustCompile(`\[[a-z_]+\.[a-z_.0-9-]+\]|\{[a-z_]+\}|<no value>|%!`)

// check holds what is true of every page.
func check(t *testing.T, name string, p answer, language string) {
	t.Helper()
	if found := unfilled.FindString(p.text()); found != "" {
		t.Errorf("%s: a text is not filled: %s", name, found)
	}
	if c := p.header.Get("Cache-Control"); c != "no-store" {
		t.Errorf("%s: may be kept: %q", name, c)
	}
	if !strings.Contains(p.text(), "Simulated data") || !strings.Contains(p.text(), "Dữ liệu giả lập") {
		t.Errorf("%s: does not say that the data is made up", name)
	}
	p.heading()
	ids, labelled := make(map[string]bool), make(map[string]bool)
	for _, n := range p.all(func(*html.Node) bool { return true }) {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("%s: two elements have the id %q", name, id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		checkPolicy(t, name, n)
	}
	for _, n := range p.all(func(*html.Node) bool { return true }) {
		checkElement(t, name, n, language, ids, labelled)
	}
}

// checkPolicy holds that the element needs nothing that the content security policy forbids.
func checkPolicy(t *testing.T, name string, n *html.Node) {
	t.Helper()
	for _, a := range n.Attr {
		foreign := strings.Contains(a.Val, "//") && slices.Contains([]string{"src", "href", "action", "srcset"}, a.Key)
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") || foreign || strings.HasPrefix(a.Val, "javascript:") || strings.Contains(a.Val, "ZgotmplZ") {
			t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
		}
	}
	if n.Data == "style" || (n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil)) {
		t.Errorf("%s: an inline <%s>", name, n.Data)
	}
}

// checkElement holds that the element can be used without seeing it.
func checkElement(t *testing.T, name string, n *html.Node, language string, ids, labelled map[string]bool) {
	t.Helper()
	switch n.Data {
	case "html":
		if attr(n, "lang") != language {
			t.Errorf("%s: is marked as %q", name, attr(n, "lang"))
		}
	case "title":
		if text := textOf(n); !strings.HasSuffix(text, " · truyvet") || len(text) < len("x · truyvet") {
			t.Errorf("%s: is titled %q", name, text)
		}
	case "input", "select":
		inLabel := n.Parent.Data == "label"
		if attr(n, "type") != "hidden" && !inLabel && attr(n, "aria-label") == "" && !labelled[attr(n, "id")] {
			t.Errorf("%s: the field %q has no label", name, attr(n, "name"))
		}
	case "button", "a", "summary", "h1", "h2", "h3", "legend", "caption":
		if textOf(n) == "" {
			t.Errorf("%s: an empty <%s>", name, n.Data)
		}
	case "th":
		if attr(n, "scope") == "" {
			t.Errorf("%s: a heading of a table without a scope: %s", name, textOf(n))
		}
	case "img":
		if attr(n, "alt") == "" {
			t.Errorf("%s: a picture without words", name)
		}
	case "form":
		if m := attr(n, "method"); m != "post" && m != "get" {
			t.Errorf("%s: a form with the method %q", name, m)
		}
	}
	for _, reference := range []string{"aria-labelledby", "aria-describedby"} {
		if id := attr(n, reference); id != "" && !ids[id] {
			t.Errorf("%s: %s names %q, which is not there", name, reference, id)
		}
	}
}

func TestAssets(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	name := regexp.MustCompile(`^/assets/[a-z-]+\.[0-9a-f]{12}\.(css|js|svg)$`)
	b.prove(s.stall.Code, "0912345678")
	paths := make(map[string]bool)
	for _, p := range []answer{b.get("/q/" + s.stall.Code + "/stamp"), s.staff("gate").get("/gate")} {
		for _, n := range p.all(func(n *html.Node) bool {
			return (n.Data == "link" || n.Data == "script") && attr(n, "rel") != "manifest"
		}) {
			paths[attr(n, "src")+attr(n, "href")] = true
		}
	}
	if len(paths) != 12 {
		t.Errorf("the pages ask for %v", paths)
	}
	for path := range paths {
		p := b.get(path)
		if !name.MatchString(path) || p.status != http.StatusOK || p.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || p.body == "" {
			t.Errorf("%s: %d %v", path, p.status, p.header)
		}
		if strings.Contains(p.body, "@import") || strings.Contains(p.body, "https://") {
			t.Errorf("%s asks for something from elsewhere", path)
		}
	}
	if p := b.get("/favicon.ico"); p.status != http.StatusOK || p.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("the icon: %d %v", p.status, p.header)
	}
	if p := b.get("/app.webmanifest"); p.status != http.StatusOK || p.header.Get("Content-Type") != "application/manifest+json" || !strings.Contains(p.body, `"start_url": "/q"`) {
		t.Errorf("the manifest: %d %v %q", p.status, p.header, p.body)
	}
	if p := b.get("/robots.txt"); p.status != http.StatusOK || !strings.Contains(p.body, "Disallow: /") {
		t.Errorf("robots.txt: %d %q", p.status, p.body)
	}
}

func TestLanguageIsRemembered(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.get("/login").wants(http.StatusOK, "Đăng nhập")
	path := "/login?login=owner"
	link := b.get(path).all(func(n *html.Node) bool { return attr(n, "hreflang") == "en" })
	if len(link) != 1 || textOf(link[0]) != "English" {
		t.Fatalf("%d links to the other language", len(link))
	}
	b.get("/login" + attr(link[0], "href")).leadsTo(path)
	p := b.get(path)
	p.wants(http.StatusOK, "Log in", "Password", "Tiếng Việt")
	if p.field("login") != "owner" {
		t.Error("the address lost its query")
	}
	b.get("/q/"+s.stall.Code).wants(http.StatusOK, "Your phone number", "Số điện thoại của bạn", "Stall")
	b.get("/nothing").wants(http.StatusNotFound, "Not found")
	b.post("/login", url.Values{"login": {"x"}}).wants(http.StatusUnauthorized, "The name or the password is wrong")
	for _, tag := range []string{"fr", "", "EN", "../x"} {
		b.get("/login?lang="+url.QueryEscape(tag)).wants(http.StatusOK, "Log in")
	}
	b.get("/login?lang=vi").leadsTo("/login")
	b.get("/login").wants(http.StatusOK, "Đăng nhập")
}

func TestHome(t *testing.T) {
	plain := newSite(t, nil).browser().get("/")
	plain.wants(http.StatusOK, "Người dân", "Cơ quan, cơ sở", "Đội truy vết")
	if strings.Contains(plain.text(), "giả lập") || strings.Contains(plain.text(), "dùng thử") {
		t.Errorf("the page speaks of a demonstration: %s", plain.text())
	}

	demo := &staff.Demo{Logins: []staff.DemoLogin{
		{Login: "owner", Password: "pass-of-owner", Role: registry.RoleOwner}, {Login: "city", Password: "pass-of-city", Role: registry.RoleCity},
	}}
	s := newSite(t, demo)
	demo.Place, demo.Token = s.market.ID, s.stall.Code
	demo.Phone, demo.Onset = "0912345678", "2026-11-06"
	p := s.browser().get("/")
	if filled := s.browser().get("/login?login=city").field("password"); filled != "pass-of-city" {
		t.Errorf("the link of a login fills in %q", filled)
	}
	for _, login := range []string{"", "admin"} { // one that is none of the demonstration's
		if filled := s.browser().get("/login?login=" + login).field("password"); filled != "" {
			t.Errorf("a password is given away for %q: %q", login, filled)
		}
	}
	if p := s.browser().post("/login", url.Values{"login": {"city"}, "password": {"wrong"}}); p.field("password") != "" {
		t.Error("a password is filled in after a wrong one")
	}
	p.wants(http.StatusOK, "đăng nhập bằng owner", "đăng nhập bằng city", "0912345678, khởi phát 06/11/2026", "pass-of-owner", "pass-of-city", "Quản lý địa điểm của đơn vị mình")
	links := make(map[string]bool)
	for _, n := range p.all(func(n *html.Node) bool { return n.Data == "a" }) {
		links[attr(n, "href")] = true
	}
	for _, want := range []string{"/login?login=owner", "/login?login=city", "/q/" + s.stall.Code, "/places/" + s.market.ID.String()} {
		if !links[want] {
			t.Errorf("no link to %s among %v", want, links)
		}
	}
	if links["/runs/"+uuid.Nil.String()] {
		t.Error("a link to a run that is not there")
	}
}

func TestWrongAddressesAndMethods(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.get("/nothing").wants(http.StatusNotFound, "Không có trang này")
	b.get("/q/ABC/nothing").wants(http.StatusNotFound)
	b.do(http.MethodDelete, "/login", nil).wants(http.StatusMethodNotAllowed, "không nhận thao tác")
	b.do(http.MethodPut, "/q/"+s.stall.Code, nil).wants(http.StatusMethodNotAllowed)
	b.post("/", url.Values{}).wants(http.StatusMethodNotAllowed)
	head := b.do(http.MethodHead, "/q/"+s.stall.Code, nil)
	if head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD answered %d with %d bytes", head.status, len(head.body))
	}
}

func TestWrongForms(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	huge := url.Values{"phone": {strings.Repeat("9", 10<<20)}, "login": {"x"}, "kind": {"in"}}
	for _, path := range []string{"/login", "/q/" + s.stall.Code + "/phone", "/q/" + s.stall.Code + "/scan"} {
		b.post(path, huge).wants(http.StatusRequestEntityTooLarge, "quá nhiều")
		for contentType, body := range map[string]string{
			"application/x-www-form-urlencoded": "phone=%zz&kind=%",
			"multipart/form-data; boundary=x":   "--x\r\nbroken",
			"application/json":                  `{"kind":"in"}`,
			"text/plain":                        "kind=in",
			"":                                  "\x00",
		} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
			must(t, err)
			request.Header.Set("Content-Type", contentType)
			response, err := b.client.Do(request)
			must(t, err)
			must(t, response.Body.Close())
			if response.StatusCode < 400 || response.StatusCode >= 500 {
				t.Errorf("%s with %q answered %d", path, contentType, response.StatusCode)
			}
		}
	}
	if n := s.scanCount(); n != 1 {
		t.Errorf("%d scans are logged, want 1", n)
	}
}
