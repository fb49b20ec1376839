package webui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const (
	screenPath   = "/screen"
	screenCookie = "truyvet_screen" // the key of a screen at a door

	countWait = time.Second // how long a screen's code waits for the count beside it
)

// screenPage is the code of a place as a screen at its door shows it.
type screenPage struct {
	Place   places.Name
	Picture template.HTML // empty where the owner has taken the code back
	Now     int64
	Zone    int // seconds by which the reader's clock is ahead of UTC
	Expires int64
	Again   int          // seconds until it is to be asked for anew
	Today   *turnout.Day // who came today; nil where that cannot be told
}

// Came is how many came today, and whether there were some more, too few at a time to be told.
func (p screenPage) Came() int {
	people, _ := p.Today.AtLeast()
	return people
}

// More says whether more came than are counted.
func (p screenPage) More() bool {
	_, more := p.Today.AtLeast()
	return more
}

// State is what the page begins with; its script goes on from there.
func (p screenPage) State() string {
	if p.Picture == "" {
		return "ended"
	}
	return "ok"
}

// showScreen shows the code of the place for which the device's key is. Nobody is logged in there: the key opens nothing else.
func (u *UI) showScreen(c *gin.Context) {
	key, err := c.Cookie(screenCookie)
	if err != nil {
		u.failBackTo(c, account.ErrNotLoggedIn, enrolPath)
		return
	}
	screen, err := u.Accounts.Screen(c.Request.Context(), key)
	if err != nil {
		u.failBackTo(c, err, enrolPath)
		return
	}
	u.setCookie(c, screenCookie, key, deviceLifetime) // a browser lets go of what is older than 400 days
	page, err := u.screenOf(screen)
	if err != nil {
		u.Fail(c, fmt.Errorf("making the code of a screen: %w", err))
		return
	}
	page.Today = u.today(c, screen.Place)
	u.show(c, http.StatusOK, "screen", page)
}

// today returns who came to a place today; nil where that cannot be told soon. The code is what matters: it is shown all the same.
func (u *UI) today(c *gin.Context, place uuid.UUID) *turnout.Day {
	ctx, cancel := context.WithTimeout(c.Request.Context(), countWait)
	defer cancel()
	table, err := u.Turnout.Table(ctx, place)
	if err != nil {
		return nil
	}
	return &table.Days[len(table.Days)-1]
}

// screenOf signs the code of a screen's place and draws it.
func (u *UI) screenOf(screen registry.Account) (screenPage, error) {
	now := u.Clock().Unix()
	page := screenPage{Now: now, Again: int(places.ScreenPace / time.Second)}
	_, page.Zone = u.reader.in(now).Zone()
	var known bool
	if page.Place, known = u.Map.Name(screen.Place); !known {
		return page, registry.ErrNotFound
	}
	text, token, err := u.Map.ScreenCode(screen.Place)
	if errors.Is(err, qrgen.ErrRevoked) {
		return page, nil
	}
	if err != nil {
		return page, err
	}
	address, err := qrgen.URL(u.BaseURL, text)
	if err != nil {
		return page, err
	}
	var picture bytes.Buffer
	if err := poster.SVG(&picture, address, poster.Options{Title: page.Place.Name}); err != nil {
		return page, err
	}
	page.Picture = template.HTML(picture.String()) //nolint:gosec // made by poster.SVG, which escapes the title
	page.Expires = token.ExpiresAt.Unix()
	return page, nil
}

// doorPage says how a screen at the door of a place is set up.
type doorPage struct {
	registry.Place
	Made *madeInvitation
}

func (u *UI) showDoor(c *gin.Context) {
	if place, ok := u.placeOf(c); ok {
		u.show(c, http.StatusOK, "door", doorPage{Place: place})
	}
}

// inviteScreen makes the code with which a device becomes a screen of a place.
func (u *UI) inviteScreen(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	i, token, err := u.Accounts.Invite(c.Request.Context(), actor(c), account.Wish{Role: registry.RoleScreen, Place: place.ID})
	if err != nil {
		u.failBackTo(c, err, placePath(place))
		return
	}
	u.show(c, http.StatusCreated, "door", doorPage{Place: place, Made: u.made(i, token)})
}
