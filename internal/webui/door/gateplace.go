package door

import (
	"errors"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// sessionInside is in the session: the token of the place inside the gate's own that people are scanned into. A page that goes on
// without a network keeps its own.
const sessionInside = "gate_inside"

// The reasons for not going to a place whose code was shown. A gate's device gives them too.
var (
	errPlaceBad    = errs.New(errs.Invalid, "gate_place_bad", "The code of this place is not good.")
	errPlaceScreen = errs.New(errs.Invalid, "gate_place_screen", "A screen shows this code for a moment only.")
)

// enterPlace has people scanned into the place of a code from now on; into the gate's own where it is that one's.
func (p *Pages) enterPlace(c *gin.Context, text string) error {
	token, code, err := p.inside(c, text)
	switch {
	case err != nil:
		return err
	case !code.ExpiresAt.IsZero():
		return errPlaceScreen
	case code.Place == page.Actor(c).Place:
		p.Sessions.Remove(c.Request.Context(), sessionInside)
	default:
		p.Sessions.Put(c.Request.Context(), sessionInside, token)
	}
	return nil
}

// inside reads the code of the gate's own place or of one inside it; an error where it is not good now.
func (p *Pages) inside(c *gin.Context, text string) (token string, code qrgen.Token, err error) {
	token, _, err = p.Map.Part(page.Actor(c).Place, text)
	if errors.Is(err, places.ErrOutside) {
		return "", qrgen.Token{}, err
	}
	if err == nil {
		code, err = p.Codes.Verify(token, p.Clock())
	}
	if err != nil {
		return "", qrgen.Token{}, ingest.CodeError(err)
	}
	return token, code, nil
}

// leavePlace has people scanned into the gate's own place again.
func (p *Pages) leavePlace(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, fmt.Errorf("going back to the gate's place: %w", err), "/gate")
		return
	}
	p.Sessions.Remove(c.Request.Context(), sessionInside)
	p.SeeOther(c, gatePath(form))
}

// insideToken returns the token of the place inside the gate's own that people are scanned into; empty at the gate's own.
func (p *Pages) insideToken(c *gin.Context) string {
	return p.Sessions.GetString(c.Request.Context(), sessionInside)
}

// insideName is the name of that place; nil at the gate's own, and where it is none of the gate's any more.
func (p *Pages) insideName(c *gin.Context) *places.Name {
	token := p.insideToken(c)
	if token == "" {
		return nil
	}
	_, place, err := p.Map.Part(page.Actor(c).Place, token)
	name, known := p.Map.Name(place)
	if err != nil || !known {
		p.Sessions.Remove(c.Request.Context(), sessionInside)
		return nil
	}
	return &name
}
