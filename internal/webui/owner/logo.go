package owner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const logoPath = "/places/logo"

var errLogo = errs.New(errs.Invalid, "logo", "A logo is a PNG or JPEG of up to 4 MB and 3,000 pixels a side.")

// logoPage is where an organisation gives its posters a picture.
type logoPage struct {
	There   bool
	Problem *page.Problem
}

func (p *Pages) showLogo(c *gin.Context) { p.answerLogo(c, http.StatusOK, nil) }

func (p *Pages) answerLogo(c *gin.Context, status int, told *page.Problem) {
	_, err := p.Records.Logo(c.Request.Context(), page.Actor(c).Organisation)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		p.Fail(c, fmt.Errorf("reading a logo: %w", err))
		return
	}
	p.Show(c, status, "logo", logoPage{There: err == nil, Problem: told})
}

// serveLogo answers with the picture as it was drawn anew when it was given.
func (p *Pages) serveLogo(c *gin.Context) {
	png, err := p.Records.Logo(c.Request.Context(), page.Actor(c).Organisation)
	if err != nil {
		p.Fail(c, fmt.Errorf("reading a logo: %w", err))
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "image/png", png)
}

// changeLogo keeps another picture, or takes it away. Of a file nothing is kept but its pixels.
func (p *Pages) changeLogo(c *gin.Context) {
	form, file, err := uploadOf(c, "logo")
	var kept bytes.Buffer
	action := "logo_changed"
	switch {
	case err != nil:
	case form.Get("remove") != "":
		action = "logo_removed"
	default:
		err = p.redraw(&kept, file)
	}
	if err == nil {
		err = p.Records.PutLogo(c.Request.Context(), page.Actor(c).Organisation, kept.Bytes())
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerLogo(c, told.Status, &told)
		return
	}
	p.Record(c, page.Actor(c).Login, action, page.Actor(c).Organisation.String(), "")
	p.SeeOther(c, logoPath)
}

// redraw writes the picture of a file as logos are kept. One is read at a time: it may take 216 MB, however small its file is.
func (p *Pages) redraw(w io.Writer, file []byte) error {
	p.logos.Lock()
	defer p.logos.Unlock()
	logo, err := poster.ReadLogo(bytes.NewReader(file))
	switch {
	case errors.Is(err, poster.ErrLogo):
		return errLogo
	case err != nil:
		return err
	}
	return logo.WritePNG(w)
}
