package visitor

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// checkPage says whether a poster is genuine.
type checkPage struct {
	places.Checked
	Text string // of the token, in upper case
}

// Issued is when the code was signed.
func (p checkPage) Issued() int64 { return p.Token.IssuedAt.Unix() }

// Screen says whether it is the code of a screen, which bears no check code that lasts.
func (p checkPage) Screen() bool { return !p.Token.ExpiresAt.IsZero() }

// showCheck tells anybody what is known of a code, which is what its poster says and what has become of it. It records nothing.
func (p *Pages) showCheck(c *gin.Context) {
	body := checkPage{}
	var err error
	if body.Text, err = qrgen.FromURL(c.Param("token")); err == nil {
		body.Checked, err = p.Map.Check(body.Text)
	}
	if err != nil {
		p.refuseCode(c, qrgen.Token{}, err)
		return
	}
	p.Show(c, http.StatusOK, "check", body)
}
