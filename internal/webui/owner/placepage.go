package owner

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// placePage is one place with its code.
type placePage struct {
	registry.Place
	Above   []registry.Place // its ancestors, the site first
	Parts   []registry.Place
	CheckIn string // where its code leads
	Path    string // the same, here
	File    string // what a downloaded code is called, without the ending
	Check   string // the short code that its poster bears
	Dead    bool   // whether its owner took the code back and made no other
	// What posters can be had in, as addresses name it.
	Sizes, Languages []string
	Devices          []registry.Account // its gates that can be used
	Quiet            reminders
	Suspect          turnout.Suspicion
}

func (p *Pages) showPlace(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	body, err := p.placePage(c, place)
	if err == nil {
		body.Devices, err = p.devicesOf(c, place.ID)
	}
	if err != nil {
		p.Fail(c, err)
		return
	}
	body.Quiet = p.remind(c, place.ID, place)
	body.Suspect = p.suspect(c, place)
	p.Show(c, http.StatusOK, "place", &body)
}

func (p *Pages) placePage(c *gin.Context, place registry.Place) (placePage, error) {
	body := placePage{Place: place, Path: "/q/" + place.Code, File: fileName(place), Sizes: posterSizes, Languages: posterLanguages}
	var err error
	if body.CheckIn, err = qrgen.URL(p.BaseURL, place.Code); err != nil {
		return placePage{}, fmt.Errorf("writing a code's address: %w", err)
	}
	if body.Check, err = qrgen.CheckCode(place.Code); err != nil {
		return placePage{}, fmt.Errorf("working out a check code: %w", err)
	}
	codes, err := p.Places.Codes(page.Actor(c), place.ID)
	if err != nil {
		return placePage{}, fmt.Errorf("reading the codes of a place: %w", err)
	}
	body.Dead = !codes[0].State.Good()
	above, parts, err := p.Places.Branch(page.Actor(c), place.ID)
	if err != nil {
		return placePage{}, fmt.Errorf("reading what a place lies in: %w", err)
	}
	body.Above, body.Parts = above, page.InOrder(parts)
	return body, nil
}

// devicesAtOnce is how many of an organisation's accounts are read at once.
const devicesAtOnce = 500

// devicesOf returns the gates of a place that can be used.
func (p *Pages) devicesOf(c *gin.Context, place uuid.UUID) ([]registry.Account, error) {
	var devices []registry.Account
	for at, more := (registry.Cursor{Limit: devicesAtOnce}), true; more; {
		part, err := p.Devices.Visible(c.Request.Context(), page.Actor(c), at)
		if err != nil {
			return nil, fmt.Errorf("listing the devices of a place: %w", err)
		}
		for _, a := range part.Records {
			if at.After = a.ID; a.Place == place && !a.Disabled {
				devices = append(devices, a)
			}
		}
		more = part.Next
	}
	return devices, nil
}
