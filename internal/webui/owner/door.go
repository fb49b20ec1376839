package owner

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// doorPage says how a screen at the door of a place is set up.
type doorPage struct {
	registry.Place
	Made *page.MadeInvitation
}

func (p *Pages) showDoor(c *gin.Context) {
	if place, ok := p.placeOf(c); ok {
		p.Show(c, http.StatusOK, "door", doorPage{Place: place})
	}
}

// inviteScreen makes the code with which a device becomes a screen of a place.
func (p *Pages) inviteScreen(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	i, token, err := p.Devices.Invite(c.Request.Context(), page.Actor(c), account.Wish{Role: registry.RoleScreen, Place: place.ID})
	if err != nil {
		p.FailBackTo(c, err, placePath(place))
		return
	}
	p.Show(c, http.StatusCreated, "door", doorPage{Place: place, Made: p.Made(i, token)})
}
