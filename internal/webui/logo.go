package webui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const logoPath = "/places/logo"

var errLogo = errs.New(errs.Invalid, "logo", "A logo is a PNG or JPEG of up to 4 MB and 3,000 pixels a side.")

// logoPage is where an organisation gives its posters a picture.
type logoPage struct {
	There   bool
	Problem *problem
}

func (u *UI) showLogo(c *gin.Context) { u.answerLogo(c, http.StatusOK, nil) }

func (u *UI) answerLogo(c *gin.Context, status int, p *problem) {
	_, err := u.Records.Logo(c.Request.Context(), actor(c).Organisation)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		u.Fail(c, fmt.Errorf("reading a logo: %w", err))
		return
	}
	u.show(c, status, "logo", logoPage{There: err == nil, Problem: p})
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
		err = u.redraw(&kept, file)
	}
	if err == nil {
		err = u.Records.PutLogo(c.Request.Context(), actor(c).Organisation, kept.Bytes())
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerLogo(c, p.Status, &p)
		return
	}
	u.record(c, actor(c).Login, action, actor(c).Organisation.String(), "")
	u.seeOther(c, logoPath)
}

// redraw writes the picture of a file as logos are kept. One is read at a time: it may take 216 MB, however small its file is.
func (u *UI) redraw(w io.Writer, file []byte) error {
	u.logos.Lock()
	defer u.logos.Unlock()
	logo, err := poster.ReadLogo(bytes.NewReader(file))
	switch {
	case errors.Is(err, poster.ErrLogo):
		return errLogo
	case err != nil:
		return err
	}
	return logo.WritePNG(w)
}
