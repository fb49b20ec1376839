// Package webui is the pages: what a citizen sees after scanning a code, what an owner prints, what a guard types into,
// what a tracing team works through at night.
//
// Pages are made on the server and need no script. They are in Vietnamese, and in English for who asks; the key words of
// a check-in stand in both. Nothing is loaded from elsewhere and nothing is inline, so that a content security policy of
// default-src 'self' holds. A GET stores no scan and changes no record; reading a list leaves its entry in the audit log.
//
// Cross-site requests, security headers, panics and the request log are the engine's business, not these pages'.
package webui

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
)

// UI is the pages. It is safe for concurrent use.
type UI struct {
	Deps
	seal      seal
	reader    reader
	assets    *assets
	languages map[language]*edition
	failures  failures   // to log in
	logos     sync.Mutex // held while one is read
}

// New makes the pages. An error means that what is embedded in the binary does not fit together.
func New(deps Deps) (*UI, error) {
	u := &UI{Deps: deps, seal: seal{key: deps.SealKey}, reader: reader{location: deps.Location}}
	var err error
	if u.assets, err = readAssets(); err != nil {
		return nil, err
	}
	u.languages = make(map[language]*edition)
	for _, l := range []language{vietnamese, english} {
		if u.languages[l], err = u.newEdition(l); err != nil {
			return nil, fmt.Errorf("making the pages in %s: %w", l, err)
		}
	}
	return u, nil
}

// Register adds the routes of the pages. For addresses and methods that nobody has registered the engine should answer
// with NotFound and MethodNotAllowed.
func (u *UI) Register(r gin.IRouter) {
	serve(r, "/assets/:name", u.serveAsset)
	serve(r, "/favicon.ico", u.servePlain("favicon.svg"))
	serve(r, "/robots.txt", u.servePlain("robots.txt"))
	serve(r, "/gate-offline.js", u.servePlain("gate-offline.js")) // beside /gate, whose requests it answers

	pages := r.Group("", u.rememberLanguage, limitBody(maxForm))
	for _, prefix := range []string{"/q", "/Q"} {
		u.registerCheckIn(pages.Group(prefix + "/:token"))
	}
	for _, prefix := range []string{"/check", "/CHECK"} {
		serve(pages, prefix+"/:token", u.showCheck)
	}

	serve(pages, "/me/code", u.showMyCode)
	u.registerMe(pages.Group("/me"))
	serve(pages, "/notice", u.showNotice)
	serve(pages, screenPath, u.showScreen)

	known := pages.Group("", u.loadAccount)
	serve(known, "/", u.home)
	serve(known, "/login", u.showLogin)
	known.POST("/login", u.logIn)
	serve(known, codePath, u.showCode)
	known.POST(codePath, u.proveCode)
	known.POST("/logout", u.logOut)
	u.registerInvited(known)
	u.registerSelf(known)

	u.registerSignUp(known)

	places := known.Group("/places", u.only(account.ActManagePlaces))
	u.registerPlaces(places)
	uploads := r.Group("/places", u.rememberLanguage, limitBody(maxUpload), u.loadAccount, u.only(account.ActManagePlaces))
	u.registerPrint(places, uploads)
	u.registerPlaceFiles(r.Group("/places", u.rememberLanguage, u.loadAccount, u.only(account.ActManagePlaces)))
	u.registerGate(known.Group("/gate", u.resumeDevice, u.only(account.ActGateScan)))
	tracing := known.Group("", u.only(account.ActTrace))
	u.registerTracing(tracing)
	u.registerDetails(tracing)
	u.registerAudit(known.Group("/audit", u.only(account.ActReadAudit)))
	u.registerAccounts(known)
	u.registerOrganisations(known.Group(organisationsPath, u.only(account.ActManageOrganisations)))
}

// serve registers a page for GET, and for HEAD, which some readers of codes send first.
func serve(r gin.IRouter, path string, handler gin.HandlerFunc) {
	r.Match([]string{http.MethodGet, http.MethodHead}, path, handler)
}
