package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/account/accounttest"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/telemetry"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing"
)

const staffPassword = "mật khẩu của nhân viên"

// country is a server of two cities that know nothing of each other, each with a district and a ward, an organisation with a
// place, and a case with a run. The columns of the table of roles stand in the first.
type country struct {
	parts  *Parts
	server *httptest.Server
	routes gin.RoutesInfo
	staff  map[string]registry.Account
	login  map[string][]*http.Cookie
	spare  int
	orders map[uuid.UUID]uuid.UUID // by the owner
	asked  int                     // how many requests were made, each from an address of its own

	mine, others half
}

// half is the records of one city.
type half struct {
	city, district, ward registry.Account
	owner                registry.Account
	place                registry.Place
	known                registry.Case
	run                  registry.Run // of the ward's own case, by the ward
	list                 registry.Run // of the same case, by the district, which lists somebody
	listed               uuid.UUID
}

// passwordAlone has nobody need a second factor, for tests of other things.
const passwordAlone = "TRUYVET_SECOND_FACTOR=none"

// newCountry serves one until the test ends.
func newCountry(t *testing.T, settings ...string) *country {
	t.Helper()
	cfg, err := config.Load(t.Context(), append(settings, "TRUYVET_DATA="+filepath.Join(t.TempDir(), "data"),
		"TRUYVET_TRUSTED_PROXIES=127.0.0.1"), nil)
	must(t, err)
	must(t, Init(t.Context(), cfg, time.Now))
	parts, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler), time.Now)
	must(t, err)
	t.Cleanup(func() { _ = parts.Close() })
	board := telemetry.NewBoard(parts.Logger, parts.Clock, parts.checks()...)
	engine, _, _, err := parts.engine(nil, board)
	must(t, err)
	handler, _, err := parts.handler(nil, board)
	must(t, err)
	c := &country{
		parts: parts, server: httptest.NewServer(handler), routes: engine.Routes(),
		staff: make(map[string]registry.Account), login: make(map[string][]*http.Cookie),
		orders: make(map[uuid.UUID]uuid.UUID),
	}
	t.Cleanup(c.server.Close)
	must(t, parts.Registry.PutAreas(t.Context(), []registry.Area{
		{Code: "01", Level: registry.Province, Name: "Hà Nội"},
		{Code: "001", Level: registry.District, Parent: "01", Name: "Ba Đình"},
		{Code: "00001", Level: registry.Ward, Parent: "001", Name: "Phúc Xá"},
		{Code: "02", Level: registry.Province, Name: "Hải Phòng"},
		{Code: "021", Level: registry.District, Parent: "02", Name: "Lê Chân"},
		{Code: "02101", Level: registry.Ward, Parent: "021", Name: "An Biên"},
	}))
	must(t, parts.refresh(t.Context()))
	c.mine, c.others = c.half(t, "01", "001", "00001"), c.half(t, "02", "021", "02101")
	for who, a := range map[string]registry.Account{
		"owner": c.mine.owner, "ward": c.mine.ward, "district": c.mine.district, "city": c.mine.city,
		"gate":    {Role: registry.RoleGate, Place: c.mine.place.ID},
		"admin":   {Role: registry.RoleAdmin},
		"auditor": {Role: registry.RoleAuditor},
	} {
		if a.ID == uuid.Nil {
			a = c.account(t, a)
		}
		c.staff[who] = a
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// account makes an account with the password that all have, under a login of its own.
func (c *country) account(t *testing.T, a registry.Account) registry.Account {
	t.Helper()
	c.spare++
	a.Login = string(a.Role) + "-" + strings.ToLower(rest(c.spare))
	return accounttest.Put(t, c.parts.Registry, a, staffPassword)
}

// half makes the records of a city.
func (c *country) half(t *testing.T, city, district, ward string) half {
	t.Helper()
	ctx := t.Context()
	organisation := registry.Organisation{ID: uuid.New(), Name: "Chợ " + ward}
	must(t, c.parts.Registry.PutOrganisation(ctx, organisation))
	h := half{
		city:     c.account(t, registry.Account{Role: registry.RoleCity, Area: city}),
		district: c.account(t, registry.Account{Role: registry.RoleDistrict, Area: district}),
		ward:     c.account(t, registry.Account{Role: registry.RoleWard, Area: ward}),
		owner:    c.account(t, registry.Account{Role: registry.RoleOwner, Organisation: organisation.ID}),
	}
	var err error
	h.place, err = c.parts.Places.Create(ctx, h.owner, places.NewPlace{Kind: qrgen.KindMarket, Name: "Chợ " + ward, Area: ward})
	must(t, err)
	phone := "09123456" + ward[len(ward)-1:] + city[1:]
	alias, err := c.parts.Pseudonyms.Phone(phone)
	must(t, err)
	_, err = c.parts.Registry.EnsurePerson(ctx, registry.Link{Alias: alias, Kind: citizen.KindPhone}, ward)
	must(t, err)
	h.known, err = c.parts.Cases.Record(ctx, h.ward, cases.Intake{
		Phone: phone, Sample: time.Now().Add(-24 * time.Hour).Format(time.DateOnly), LabRef: "XN-" + ward,
	})
	must(t, err)
	h.run, err = c.parts.Cases.Run(ctx, h.ward, cases.Order{Choice: cases.Choice{IDs: []uuid.UUID{h.known.ID}}, Profile: "who"})
	must(t, err)
	c.addList(t, &h, ward)
	return h
}

// addList keeps a run that lists somebody of the ward.
func (c *country) addList(t *testing.T, h *half, ward string) {
	t.Helper()
	somebody, err := c.parts.Registry.EnsurePerson(t.Context(), registry.Link{Alias: uuid.New(), Kind: citizen.KindPhone}, ward)
	must(t, err)
	at := h.run.AsOf - 3600
	met := tracing.Evidence{
		Source: h.known.Person, Place: tracing.Place{ID: h.place.ID}, From: at, To: at + 1800, SourceBasis: tracing.Checkout,
		ContactBasis: tracing.Checkout, Certainty: tracing.Confirmed,
	}
	report := tracing.Report{Contacts: []tracing.Contact{{
		Person: somebody.ID, Generation: 1, FirstExposure: at, LastExposure: at, Encounters: 1, Overlap: 1800,
		Certainty: tracing.Confirmed, Evidence: []tracing.Evidence{met},
	}}}
	h.list, h.listed = c.again(t, h.run, h.district), somebody.ID
	h.list.Report, err = report.MarshalJSON()
	must(t, err)
	must(t, c.parts.Registry.PutRun(t.Context(), h.list))
}

// again is a run as somebody else might have made it, which is not kept yet.
func (c *country) again(t *testing.T, run registry.Run, by registry.Account) registry.Run {
	t.Helper()
	kept, err := c.parts.Registry.Run(t.Context(), run.ID)
	must(t, err)
	kept.ID, kept.Author = uuid.New(), by.ID
	return kept
}

// named is what the path or the body of a request names.
type named uint8

const (
	nothing named = iota
	anAsset
	aCode
	aForm
	aToken
	aPlace
	aPlaceFile
	anOrganisation // an administrator has all of them within reach: what is beyond is none
	aCase
	aRun
	anOwnRun // of a case of its author's, which nobody has approved
	aListed  // a run that lists somebody; :person is who
	aSession
	anAccount
	anInvitation
	anOrder // of posters, that are drawn
	anApplication
)

// isPublic says whether what is named is nobody's.
func (n named) isPublic() bool { return n <= aToken }

// id returns a record for a request, of who asks or of somebody else. What a request may use up is made anew.
func (c *country) id(t *testing.T, n named, who string, own bool) string {
	t.Helper()
	h := c.mine
	if !own {
		h = c.others
	}
	switch n {
	case anAsset:
		return assetOf(t, c.get(t, "/").body)
	case aCode:
		return h.place.Code
	case aForm:
		return "general"
	case aToken:
		_, token, err := c.parts.Accounts.Invite(t.Context(), c.staff["admin"], account.Wish{Role: registry.RoleAdmin})
		must(t, err)
		return token
	case aPlace:
		return h.place.ID.String()
	case anOrganisation:
		if !own {
			return uuid.NewString()
		}
		return h.owner.Organisation.String()
	case aPlaceFile:
		file, err := c.parts.PlaceFiles.Take(t.Context(), h.owner, strings.NewReader("name,kind\n,shop\n"))
		must(t, err)
		return file.ID.String()
	case aCase:
		return h.known.ID.String()
	case aRun:
		return h.run.ID.String()
	case anOwnRun:
		fresh := c.again(t, h.run, h.ward)
		must(t, c.parts.Registry.PutRun(t.Context(), fresh))
		return fresh.ID.String()
	case aListed:
		return h.list.ID.String()
	case aSession:
		whose := h.city
		if own && who != "nobody" {
			whose = c.staff[who]
		}
		in, err := c.parts.Accounts.Begin(t.Context(), whose, "")
		must(t, err)
		return in.ID.String()
	case anAccount:
		return c.accountWithin(t, who, own).String()
	case anInvitation:
		return c.invitationWithin(t, who, own).String()
	case anOrder:
		return c.orderOf(t, h).String()
	case anApplication:
		return c.application(t, own).String()
	}
	return ""
}

// orderOf has a poster drawn for an owner.
func (c *country) orderOf(t *testing.T, h half) uuid.UUID {
	t.Helper()
	if id, there := c.orders[h.owner.ID]; there {
		return id
	}
	made, err := c.parts.Printing.Order(t.Context(), h.owner, printing.Wish{
		Places: []uuid.UUID{h.place.ID}, Format: "A6", Language: "vi", Files: string(printing.Book),
	})
	must(t, err)
	for done := false; !done; time.Sleep(time.Millisecond) {
		now, err := c.parts.Printing.Look(t.Context(), h.owner, made.ID)
		must(t, err)
		done = now.Done
	}
	c.orders[h.owner.ID] = made.ID
	return made.ID
}

// application makes one that an administrator may decide on. They may on all, so that what is beyond is none.
func (c *country) application(t *testing.T, own bool) uuid.UUID {
	t.Helper()
	if !own {
		return uuid.New()
	}
	a := registry.Application{ID: uuid.New(), Name: "Quán mới", Created: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
	a.TokenHash, a.Contact = a.ID[:], a.ID[:]
	must(t, c.parts.Registry.PutApplication(t.Context(), a, 1000, c.parts.Audit.Seal, registry.AuditEntry{}))
	return a.ID
}

// accountWithin makes an account that somebody has within reach, or one that they have not. An administrator has all, so that
// what is beyond is none.
func (c *country) accountWithin(t *testing.T, who string, own bool) uuid.UUID {
	t.Helper()
	h := c.mine
	if !own {
		h = c.others
	}
	a := registry.Account{Role: registry.RoleWard, Area: h.ward.Area}
	switch {
	case who == "admin" && !own:
		return uuid.New()
	case who == "owner" || who == "admin":
		a = registry.Account{Role: registry.RoleOwner, Organisation: h.owner.Organisation}
	}
	c.spare++
	a.ID, a.Login, a.Created = uuid.New(), "spare-"+rest(c.spare), 1
	must(t, c.parts.Registry.PutAccount(t.Context(), a))
	return a.ID
}

// invitationWithin makes an invitation that somebody has a voice in, or one that they have not.
func (c *country) invitationWithin(t *testing.T, who string, own bool) uuid.UUID {
	t.Helper()
	h := c.mine
	if !own {
		h = c.others
	}
	by, wish := c.staff["admin"], account.Wish{Role: registry.RoleWard, Area: h.ward.Area}
	switch {
	case who == "admin" && !own:
		return uuid.New()
	case who == "owner":
		by, wish = h.owner, account.Wish{Role: registry.RoleGate, Place: h.place.ID}
	}
	made, _, err := c.parts.Accounts.Invite(t.Context(), by, wish)
	must(t, err)
	return made.ID
}

// reply is what the server answered.
type reply struct {
	status         int
	location, body string
	header         http.Header
	cookies        []*http.Cookie
}

// ask sends a request of the table as somebody.
func (c *country) ask(t *testing.T, r route, who string, own bool) reply {
	t.Helper()
	id := c.id(t, r.names, who, own)
	path := r.path
	if i := strings.Index(path, "/:"); i >= 0 {
		_, tail, _ := strings.Cut(path[i+2:], "/")
		path = strings.TrimSuffix(path[:i+1]+id+"/"+tail, "/")
	}
	listed := c.mine.listed
	if !own {
		listed = c.others.listed
	}
	path = strings.Replace(path, ":person", listed.String(), 1)
	body := strings.ReplaceAll(r.body, "{id}", id)
	if r.method == http.MethodGet && body != "" {
		path, body = path+"?"+body, ""
	}
	request := c.request(t, r.method, path, body)
	for _, cookie := range c.cookiesOf(t, who) {
		request.AddCookie(cookie)
	}
	answer := c.send(t, request)
	if r.path == "/logout" {
		delete(c.login, who)
	}
	return answer
}

func (c *country) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+path, strings.NewReader(body))
	must(t, err)
	media := "application/x-www-form-urlencoded"
	if strings.HasPrefix(body, "{") {
		media = "application/json"
	}
	request.Header.Set("Content-Type", media)
	c.asked++
	request.Header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{10, byte(c.asked >> 16), byte(c.asked >> 8), byte(c.asked)}).String())
	return request
}

func (c *country) send(t *testing.T, request *http.Request) reply {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(t, err)
	wantsShield(t, request.URL.Path, response.Header)
	return reply{response.StatusCode, response.Header.Get("Location"), string(text), response.Header, response.Cookies()}
}

// wantsShield sees that an answer, whatever it is, keeps out of frames, loads nothing from elsewhere, and tells nobody its address.
func wantsShield(t *testing.T, path string, h http.Header) {
	t.Helper()
	csp := h.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
		h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s is answered with %v", path, h)
	}
}

func (c *country) get(t *testing.T, path string) reply {
	t.Helper()
	return c.send(t, c.request(t, http.MethodGet, path, ""))
}

// cookiesOf logs somebody in once and returns the cookies.
func (c *country) cookiesOf(t *testing.T, who string) []*http.Cookie {
	t.Helper()
	if who == "nobody" {
		return nil
	}
	if c.login[who] == nil {
		form := url.Values{"login": {c.staff[who].Login}, "password": {staffPassword}}
		answer := c.send(t, c.request(t, http.MethodPost, "/login", form.Encode()))
		if answer.status != http.StatusSeeOther {
			t.Fatalf("%s cannot log in: %d", who, answer.status)
		}
		c.login[who] = answer.cookies
	}
	return c.login[who]
}

// rest is a number as it may stand in a login.
func rest(n int) string { return uuid.NewSHA1(uuid.Nil, []byte{byte(n), byte(n >> 8)}).String()[:8] }

// assetOf returns the name of a file that a page loads.
func assetOf(t *testing.T, page string) string {
	t.Helper()
	_, after, found := strings.Cut(page, "/assets/")
	name, _, ended := strings.Cut(after, `"`)
	if !found || !ended {
		t.Fatal("the page loads nothing")
	}
	return name
}
