package visitor

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// renewCode is how often the page of a personal code is made anew: half the code's life, so that the one that is shown is good
// for long enough to be read.
const renewCode = qrgen.PersonalCodeLife / 2

// myCodePage is the code that a citizen shows at a gate in place of a card.
type myCodePage struct {
	Picture template.HTML
	Now     int64
	Expires int64
	Again   int // seconds until the page is made anew
}

// showMyCode signs a personal code of whoever's credential the browser holds. It reads nothing of theirs, but that they can be
// reached: with the code they are recorded at a gate.
func (p *Pages) showMyCode(c *gin.Context) {
	alias, err := p.reachable(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	now := p.Clock().Truncate(time.Second)
	code := qrgen.PersonalCode{Alias: alias, IssuedAt: now, ExpiresAt: now.Add(qrgen.PersonalCodeLife)}
	text, err := p.Signer.SignPersonal(code)
	var picture bytes.Buffer
	if err == nil {
		err = poster.SVG(&picture, text, poster.Options{Title: p.Texts(c).Text("me.title")})
	}
	if err != nil {
		p.Fail(c, fmt.Errorf("making a personal code: %w", err))
		return
	}
	p.Show(c, http.StatusOK, "mycode", myCodePage{
		Picture: template.HTML(picture.String()), //nolint:gosec // made by poster.SVG, which escapes the title
		Now:     now.Unix(), Expires: code.ExpiresAt.Unix(), Again: int(renewCode / time.Second),
	})
}
