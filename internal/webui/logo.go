package webui

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const logoPath = "/places/logo"

var errLogo = errs.New(errs.Invalid, "logo", "A logo is a PNG or JPEG of up to 4 MB and 6,000 pixels a side.")

// logoPage is where an organisation gives its posters a picture.
type logoPage struct {
	There   bool
	Problem *problem
}

func (u *UI) showLogo(c *gin.Context) {
	_, err := u.Records.Logo(c.Request.Context(), actor(c).Organisation)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		u.Fail(c, fmt.Errorf("reading a logo: %w", err))
		return
	}
	u.show(c, http.StatusOK, "logo", logoPage{There: err == nil})
}

// serveLogo answers with the picture as it was drawn anew when it was given.
func (u *UI) serveLogo(c *gin.Context) {
	png, err := u.Records.Logo(c.Request.Context(), actor(c).Organisation)
	if err != nil {
		u.Fail(c, fmt.Errorf("reading a logo: %w", err))
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "image/png", png)
}

// changeLogo keeps another picture, or takes it away. Of a file nothing is kept but its pixels.
func (u *UI) changeLogo(c *gin.Context) {
	form, file, err := uploadOf(c, "logo")
	var kept bytes.Buffer
	action := "logo_changed"
	switch {
	case err != nil:
	case form.Get("remove") != "":
		action = "logo_removed"
	default:
		var logo *poster.Logo
		if logo, err = poster.ReadLogo(bytes.NewReader(file)); err == nil {
			err = logo.WritePNG(&kept)
		}
		if errors.Is(err, poster.ErrLogo) {
			err = errLogo
		}
	}
	if err == nil {
		err = u.Records.PutLogo(c.Request.Context(), actor(c).Organisation, kept.Bytes())
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		u.show(c, p.Status, "logo", logoPage{Problem: &p})
		return
	}
	u.record(c, actor(c).Login, action, actor(c).Organisation.String(), "")
	u.seeOther(c, logoPath)
}
