package httpapi

import (
	"bytes"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// checkPath tells what is known of a code.
const checkPath = "/api/v1/check/:token"

// checkedPlace is what a poster says of its place.
type checkedPlace struct {
	Name    string `json:"name"`
	Site    string `json:"site,omitempty"`
	Address string `json:"address,omitempty"`
	Ward    string `json:"ward,omitempty"`
}

// checked is what is known of a code. Place is left out where it is not kept here, and Ends where there is no end.
type checked struct {
	State  places.State  `json:"state"`
	Good   bool          `json:"good"`
	Kind   qrgen.Kind    `json:"kind"`
	Serial uint32        `json:"serial"`
	Issued int64         `json:"issued_at"`
	Ends   int64         `json:"ends_at,omitempty"`
	Short  string        `json:"check_code"`
	Place  *checkedPlace `json:"place,omitempty"`
}

// getCheck answers anybody who asks whether a poster is genuine: what the poster says, and what has become of its code.
func (a *API) getCheck(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	text, err := qrgen.FromURL(c.Param("token"))
	var found places.Checked
	if err == nil {
		found, err = a.check(text)
	}
	if err != nil {
		Fail(c, a.logger, ingest.CodeError(err))
		return
	}
	body := checked{
		State: found.State, Good: found.State.Good(), Kind: found.Token.Kind, Serial: found.Token.Serial,
		Issued: found.Token.IssuedAt.Unix(), Ends: found.Until, Short: found.Short,
	}
	if found.State != places.PlaceGone {
		body.Place = &checkedPlace{Name: found.Place.Name, Site: found.Place.Site, Address: found.Place.Address, Ward: found.Place.Area}
	}
	c.JSON(http.StatusOK, body)
}

// getRevoked answers the signed list of revoked codes, so that a gate without a network can refuse them.
func (a *API) getRevoked(c *gin.Context) {
	list, err := a.revoked()
	if err != nil {
		Fail(c, a.logger, err)
		return
	}
	c.Header("Cache-Control", "public, max-age=60")
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Content-Type", "application/json; charset=utf-8")
	c.Header("ETag", `"`+list.Tag+`"`)
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(list.Data))
}
