// Package page is what the pages of every room stand on: their frame and their texts in both languages, the files beside them,
// forms and what is wrong with them, cookies, and who is logged in. It knows no single page; rooms show theirs with Site.Show,
// by the name of a template that lies here.
//
// Pages are made on the server and need no script. They are in Vietnamese, and in English for who asks; the key words of
// a check-in stand in both. Nothing is loaded from elsewhere and nothing is inline, so that a content security policy of
// default-src 'self' holds.
package page

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
)

// Deps is what every room's pages are made from. All is needed.
type Deps struct {
	Areas   Areas
	Scans   Scans
	SignIns SignIns
	Ledger  Ledger

	// Sessions keeps the sessions of staff. The engine runs inside its LoadAndSave; its cookie is HttpOnly, SameSite=Lax, and
	// Secure as SecureCookies says.
	Sessions *scs.SessionManager
	// SealKey, 32 bytes, signs what a browser keeps for us between two pages. It is used for nothing else.
	SealKey []byte
	Logger  *slog.Logger
	Clock   func() time.Time
	// Location is the zone that times are shown and days are meant in.
	Location *time.Location
	// BaseURL is where the pages are reached from outside, as https://example.vn. Codes point there.
	BaseURL string
	// SecureCookies says that cookies may only travel over https. It follows from BaseURL, unless a proxy says otherwise.
	SecureCookies bool
	// MadeUp says on every page that the data is made up.
	MadeUp bool
}

// Areas knows the wards and the units above them.
type Areas interface {
	Areas() []registry.Area
	AreaName(code string) string
}

// Scans takes scans.
type Scans interface {
	Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error)
}

// SignIns keeps who is logged in where. Resume refuses with account.ErrNotLoggedIn.
type SignIns interface {
	Begin(ctx context.Context, a registry.Account, browser string) (registry.SignIn, error)
	Resume(ctx context.Context, id uuid.UUID) (account.Session, error)
}

// Ledger is the log of who did what.
type Ledger interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Site is what the pages of all rooms share. It is safe for concurrent use.
type Site struct {
	Deps
	Seal      Seal
	Reader    Reader
	assets    *assets
	languages map[Language]*edition
}

// New makes the frame and reads every template. An error means that what is embedded in the binary does not fit together.
func New(deps Deps) (*Site, error) {
	s := &Site{Deps: deps, Seal: Seal{key: deps.SealKey}, Reader: Reader{Location: deps.Location}}
	var err error
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	s.languages = make(map[Language]*edition)
	for _, l := range []Language{vietnamese, english} {
		if s.languages[l], err = s.newEdition(l); err != nil {
			return nil, fmt.Errorf("making the pages in %s: %w", l, err)
		}
	}
	return s, nil
}

// Register adds the routes of the style sheet, the scripts and the icons.
func (s *Site) Register(r gin.IRouter) {
	Serve(r, "/assets/:name", s.serveAsset)
	Serve(r, "/favicon.ico", s.servePlain("favicon.svg"))
	Serve(r, "/robots.txt", s.servePlain("robots.txt"))
	Serve(r, "/icon.svg", s.servePlain("icon.svg"))
	Serve(r, "/app.webmanifest", s.servePlain("app.webmanifest"))
	Serve(r, "/gate-offline.js", s.servePlain("gate-offline.js")) // beside /gate, whose requests it answers
}

// Serve registers a page for GET, and for HEAD, which some readers of codes send first.
func Serve(r gin.IRouter, path string, handler gin.HandlerFunc) {
	r.Match([]string{http.MethodGet, http.MethodHead}, path, handler)
}
