package door

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
func (p *Pages) showScreen(c *gin.Context) {
	key, err := c.Cookie(screenCookie)
	if err != nil {
		p.FailBackTo(c, account.ErrNotLoggedIn, enrolPath)
		return
	}
	screen, err := p.Devices.Screen(c.Request.Context(), key)
	if err != nil {
		p.FailBackTo(c, err, enrolPath)
		return
	}
	p.SetCookie(c, screenCookie, key, deviceLifetime) // a browser lets go of what is older than 400 days
	body, err := p.screenOf(screen)
	if err != nil {
		p.Fail(c, fmt.Errorf("making the code of a screen: %w", err))
		return
	}
	body.Today = p.today(c, screen.Place)
	p.Show(c, http.StatusOK, "screen", body)
}

// today returns who came to a place today; nil where that cannot be told soon. The code is what matters: it is shown all the same.
func (p *Pages) today(c *gin.Context, place uuid.UUID) *turnout.Day {
	ctx, cancel := context.WithTimeout(c.Request.Context(), countWait)
	defer cancel()
	table, err := p.Turnout.Table(ctx, place)
	if err != nil {
		return nil
	}
	return &table.Days[len(table.Days)-1]
}

// screenOf signs the code of a screen's place and draws it.
func (p *Pages) screenOf(screen registry.Account) (screenPage, error) {
	now := p.Clock().Unix()
	body := screenPage{Now: now, Again: int(places.ScreenPace / time.Second)}
	_, body.Zone = p.Reader.In(now).Zone()
	var known bool
	if body.Place, known = p.Map.Name(screen.Place); !known {
		return body, registry.ErrNotFound
	}
	text, token, err := p.Map.ScreenCode(screen.Place)
	if errors.Is(err, qrgen.ErrRevoked) {
		return body, nil
	}
	if err != nil {
		return body, err
	}
	address, err := qrgen.URL(p.BaseURL, text)
	if err != nil {
		return body, err
	}
	var picture bytes.Buffer
	if err := poster.SVG(&picture, address, poster.Options{Title: body.Place.Name}); err != nil {
		return body, err
	}
	body.Picture = template.HTML(picture.String()) //nolint:gosec // made by poster.SVG, which escapes the title
	body.Expires = token.ExpiresAt.Unix()
	return body, nil
}
