package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
)

const (
	// LoginPath is where somebody logs in, and FactorPath where a second factor is set up.
	LoginPath  = "/login"
	FactorPath = "/account/factor"

	sessionSignIn = "sign_in" // in the session: the id of the sign-in, which is the server's side of it
	staffKey      = "webui.staff"
)

// Actor returns who is logged in, in the session of a request. The errors: account.ErrNotLoggedIn where nobody is, and
// account.ErrNoFactor for who has to set up a second factor first.
func (s *Site) Actor(ctx context.Context) (registry.Account, error) {
	session, err := s.session(ctx)
	switch {
	case err != nil:
		return registry.Account{}, err
	case session.Incomplete:
		return registry.Account{}, account.ErrNoFactor
	}
	return session.Account, nil
}

// session returns who is logged in, in the session of a request.
func (s *Site) session(ctx context.Context) (account.Session, error) {
	id, err := uuid.Parse(s.Sessions.GetString(ctx, sessionSignIn))
	if err != nil {
		return account.Session{}, account.ErrNotLoggedIn
	}
	return s.SignIns.Resume(ctx, id)
}

// LoadAccount finds who is logged in.
func (s *Site) LoadAccount(c *gin.Context) {
	switch session, err := s.session(c.Request.Context()); {
	case err == nil:
		c.Set(staffKey, session)
	case !errors.Is(err, account.ErrNotLoggedIn):
		s.Fail(c, err)
		return
	}
	c.Next()
}

// SessionOf returns the session of who is logged in.
func SessionOf(c *gin.Context) (account.Session, bool) {
	session, ok := c.Value(staffKey).(account.Session)
	return session, ok
}

// AccountOf returns who is logged in.
func AccountOf(c *gin.Context) (registry.Account, bool) {
	session, ok := SessionOf(c)
	return session.Account, ok
}

// Actor returns who is logged in, on pages that only lets nobody else into.
func Actor(c *gin.Context) registry.Account {
	a, _ := AccountOf(c)
	return a
}

// Only lets in who may do an act. Who is not logged in is led to the log-in page, and from there back; who needs a second factor
// first is led to where it is set up.
func (s *Site) Only(act account.Act) gin.HandlerFunc {
	return func(c *gin.Context) {
		if session, _ := SessionOf(c); session.Incomplete {
			s.SeeOther(c, FactorPath)
			c.Abort()
			return
		}
		s.OnlyEvenIncomplete(act)(c)
	}
}

// OnlyEvenIncomplete is only for the pages on which a second factor is set up.
func (s *Site) OnlyEvenIncomplete(act account.Act) gin.HandlerFunc {
	return func(c *gin.Context) {
		a, known := AccountOf(c)
		switch {
		case !known:
			s.SeeOther(c, LoginPath+"?"+url.Values{"next": {returnAddress(c)}}.Encode())
			c.Abort()
		case !account.May(a.Role, act):
			s.Fail(c, cases.ErrRole)
		default:
			c.Next()
		}
	}
}

// returnAddress is where to go back to after logging in: the page asked for, or where a form came from is not known, its
// own address.
func returnAddress(c *gin.Context) string {
	if c.Request.Method == http.MethodGet {
		return c.Request.URL.RequestURI()
	}
	return c.Request.URL.Path
}

// BeginSession makes the session of a request that of an account. Its token is a new one, so that one planted before is worth
// nothing, and nothing of what it held stays.
func (s *Site) BeginSession(c *gin.Context, a registry.Account) error {
	ctx := c.Request.Context()
	in, err := s.SignIns.Begin(ctx, a, browserName(c.Request.UserAgent()))
	if err != nil {
		return err
	}
	if err := s.Sessions.Clear(ctx); err != nil {
		return fmt.Errorf("clearing the session: %w", err)
	}
	if err := s.RenewToken(ctx); err != nil {
		return err
	}
	s.Sessions.Put(ctx, sessionSignIn, in.ID.String())
	return nil
}

// RenewToken gives the session of a request a new token, as after every change of what its holder may do.
func (s *Site) RenewToken(ctx context.Context) error {
	if err := s.Sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing the session: %w", err)
	}
	return nil
}

// browserName tells the browsers and systems of a list of sessions apart, as far as people do: "Firefox, Android". It is empty
// for what is neither known.
func browserName(agent string) string {
	first := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	// Each of them calls itself those behind it too.
	browser := first([2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"coc_coc", "Cốc Cốc"},
		[2]string{"SamsungBrowser", "Samsung"}, [2]string{"Firefox/", "Firefox"}, [2]string{"FxiOS", "Firefox"},
		[2]string{"CriOS", "Chrome"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := first([2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"},
		[2]string{"Windows", "Windows"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Mac OS X", "macOS"}, [2]string{"Linux", "Linux"})
	return strings.Trim(browser+", "+system, ", ")
}
