package page

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

// view is what the frame of a page is made from; Body is the page's own.
type view struct {
	Language Language
	Other    Language
	Switch   string // the address that shows this page in the other language
	Account  *registry.Account
	Nav      []navItem
	Demo     bool
	Zone     string // how far the reader's clock is from UTC
	Location string // the name of the zone, empty for that of Viet Nam
	Body     any
}

// navItem is a link in the head of a page. Its text is nav.NAME.
type navItem struct {
	Name    string
	Path    string
	Current bool
}

// navigation lists what each act opens. The first one that an account may do is where it lands. Everybody's own account is not
// among it: it stands beside the log-out.
func navigation() []struct {
	act   account.Act
	items []navItem
} {
	return []struct {
		act   account.Act
		items []navItem
	}{
		{account.ActManagePlaces, []navItem{{Name: "places", Path: "/places"}}},
		{account.ActGateScan, []navItem{{Name: "gate", Path: "/gate"}}},
		{account.ActTrace, []navItem{{Name: "cases", Path: "/cases"}, {Name: "runs", Path: "/runs"}}},
		{account.ActManageAccounts, []navItem{{Name: "accounts", Path: "/accounts"}}},
		{account.ActAdmit, []navItem{{Name: "applications", Path: "/applications"}}},
		{account.ActManageOrganisations, []navItem{{Name: "organisations", Path: "/organisations"}}},
		{account.ActReadAudit, []navItem{{Name: "audit", Path: "/audit"}}},
	}
}

// navigationOf returns the links of a role, with the one that leads to the path marked.
func navigationOf(role registry.Role, path string) []navItem {
	var items []navItem
	for _, entry := range navigation() {
		if !account.May(role, entry.act) {
			continue
		}
		for _, item := range entry.items {
			item.Current = path == item.Path
			items = append(items, item)
		}
	}
	return items
}

// Landing returns where a role lands after logging in.
func Landing(role registry.Role) string {
	if items := navigationOf(role, ""); len(items) > 0 {
		return items[0].Path
	}
	return "/"
}

// ShowPacked answers with a page in which nothing stands that a request could choose: it travels compressed however small it is, for
// nobody can have it hold what they guess of its secrets and see it shrink where they are right (BREACH). Not even the address's query
// is in it.
func (s *Site) ShowPacked(c *gin.Context, status int, name string, body any) {
	s.show(c, status, name, view{Switch: switchAddress(c, url.Values{}), Body: body}, 0)
}

// Show answers with a page.
func (s *Site) Show(c *gin.Context, status int, name string, body any) {
	s.show(c, status, name, view{Switch: switchAddress(c, c.Request.URL.Query()), Body: body}, compressFrom)
}

// show completes a view and answers with it as a page, which travels compressed from a size on.
func (s *Site) show(c *gin.Context, status int, name string, v view, from int) {
	v.Language, v.Other, v.Demo = languageOf(c), languageOf(c).other(), s.MadeUp
	v.Zone, v.Location = s.Reader.offset(s.Clock().Unix()), zoneName(s.Location)
	if a, ok := AccountOf(c); ok {
		v.Account, v.Nav = &a, navigationOf(a.Role, c.Request.URL.Path)
	}
	page, err := s.languages[v.Language].render(name, v)
	if err == nil {
		page, err = compress(c, page, from)
	}
	if err != nil {
		s.Logger.ErrorContext(c, "page not made", slog.String("page", name), slog.Any("error", err))
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(s.Texts(c).Text("problem.internal.title")))
		return
	}
	if c.Writer.Header().Get("Cache-Control") == "" {
		c.Header("Cache-Control", "no-store")
	}
	c.Header("Content-Language", string(v.Language))
	c.Data(status, "text/html; charset=utf-8", page)
}

// zoneName returns the name of a zone, and nothing for that of Viet Nam, which pages call by the country's name.
func zoneName(location *time.Location) string {
	switch name := location.String(); name {
	case "Asia/Ho_Chi_Minh", "Asia/Saigon":
		return ""
	default:
		return name
	}
}

// SeeOther sends the browser on with a GET, so that reloading does not repeat what was done.
func (s *Site) SeeOther(c *gin.Context, path string) {
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, path)
}

// switchAddress adds the other language to an address's query. It is relative to the page, so that it never spells out a token.
func switchAddress(c *gin.Context, query url.Values) string {
	query.Set(languageParameter, string(languageOf(c).other()))
	return "?" + query.Encode()
}

// Texts returns the texts in the reader's language.
func (s *Site) Texts(c *gin.Context) Catalogue { return s.languages[languageOf(c)].texts }

const (
	languageParameter = "lang"
	languageCookie    = "truyvet_lang"
)

// RememberLanguage answers an address with ?lang=: it sets the cookie that remembers the choice, and nothing else, and leads
// to the same address without it.
func (s *Site) RememberLanguage(c *gin.Context) {
	read := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	query := c.Request.URL.Query()
	chosen, ok := parseLanguage(query.Get(languageParameter))
	if !ok || !read {
		c.Next()
		return
	}
	s.SetCookie(c, languageCookie, string(chosen), 365*24*time.Hour)
	query.Del(languageParameter)
	plain := *c.Request.URL
	plain.RawQuery = query.Encode()
	s.SeeOther(c, plain.RequestURI())
	c.Abort()
}

// languageOf returns the language to answer in; Vietnamese for who never chose.
func languageOf(c *gin.Context) Language {
	if tag, err := c.Cookie(languageCookie); err == nil {
		if l, ok := parseLanguage(tag); ok {
			return l
		}
	}
	return vietnamese
}

// SetCookie sets a cookie that no script can read. A lifetime of 0 or less takes the cookie away.
func (s *Site) SetCookie(c *gin.Context, name, value string, lifetime time.Duration) {
	age := int(lifetime.Seconds())
	if age <= 0 {
		age, value = -1, ""
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.SecureCookies,
	})
}

// IDParameter returns the id in the path. What is no id cannot be there.
func IDParameter(c *gin.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return uuid.Nil, registry.ErrNotFound
	}
	return id, nil
}
