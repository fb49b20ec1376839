package webui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
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
