package webui

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
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

func (u *UI) showPlace(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	page, err := u.placePage(c, place)
	if err == nil {
		page.Devices, err = u.devicesOf(c, place.ID)
	}
	if err != nil {
		u.Fail(c, err)
		return
	}
	page.Quiet = u.remind(c, place.ID, place)
	page.Suspect = u.suspect(c, place)
	u.show(c, http.StatusOK, "place", &page)
}

func (u *UI) placePage(c *gin.Context, place registry.Place) (placePage, error) {
	tree := u.Places.Tree(actor(c))
	page := placePage{Place: place, Path: "/q/" + place.Code, File: fileName(place), Sizes: posterSizes, Languages: posterLanguages}
	var err error
	if page.CheckIn, err = qrgen.URL(u.BaseURL, place.Code); err != nil {
		return placePage{}, fmt.Errorf("writing a code's address: %w", err)
	}
	if page.Check, err = qrgen.CheckCode(place.Code); err != nil {
		return placePage{}, fmt.Errorf("working out a check code: %w", err)
	}
	codes, err := u.Places.Codes(actor(c), place.ID)
	if err != nil {
		return placePage{}, fmt.Errorf("reading the codes of a place: %w", err)
	}
	page.Dead = !codes[0].State.Good()
	byID := make(map[uuid.UUID]registry.Place, len(tree))
	for _, p := range inOrder(tree) {
		byID[p.ID] = p
		if p.Parent == place.ID {
			page.Parts = append(page.Parts, p)
		}
	}
	for p, ok := byID[place.Parent]; ok && len(page.Above) < len(tree); p, ok = byID[p.Parent] {
		page.Above = append([]registry.Place{p}, page.Above...)
	}
	return page, nil
}

// devicesAtOnce is how many of an organisation's accounts are read at once.
const devicesAtOnce = 500

// devicesOf returns the gates of a place that can be used.
func (u *UI) devicesOf(c *gin.Context, place uuid.UUID) ([]registry.Account, error) {
	var devices []registry.Account
	for at, more := (registry.Cursor{Limit: devicesAtOnce}), true; more; {
		part, err := u.Accounts.Visible(c.Request.Context(), actor(c), at)
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
