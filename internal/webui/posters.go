package webui

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

var errPosterStyle = errs.New(errs.Invalid, "poster_style", "There are no posters of that size or in that language.")

// posterSizes and posterLanguages are what an owner chooses from, as the address names them.
var (
	posterSizes     = []string{poster.A4.String(), poster.A5.String(), poster.A6.String(), poster.Tent.String(), poster.Sticker.String(), poster.Strip.String()}
	posterLanguages = []string{poster.Both.String(), poster.Vietnamese.String(), poster.English.String()}
)

// servePoster draws the sheet of a place's poster, filled with copies where it takes several. The address names the paper
// (size), the language (words; lang is that of pages) and as that of a code may the serial.
func (u *UI) servePoster(mediaType, ending string, draw func(io.Writer, poster.Style, ...poster.Poster) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		place, ok := u.placeOf(c)
		if !ok {
			return
		}
		style, err := u.posterStyle(c)
		if err != nil {
			u.failBackTo(c, err, "/places/"+place.ID.String())
			return
		}
		one, err := u.posterOf(c, place)
		if err != nil {
			u.Fail(c, fmt.Errorf("drawing a poster: %w", err))
			return
		}
		var sheet bytes.Buffer
		if err := draw(&sheet, style, slices.Repeat([]poster.Poster{one}, style.Format.PerSheet())...); err != nil {
			u.Fail(c, fmt.Errorf("drawing a poster: %w", err))
			return
		}
		keepWithSerial(c, place)
		if _, download := c.Request.URL.Query()["download"]; download {
			c.Header("Content-Disposition", "attachment; filename="+url.PathEscape(fileName(place)+"-"+style.Format.String()+ending))
		}
		c.Data(http.StatusOK, mediaType, sheet.Bytes())
	}
}

func (u *UI) posterStyle(c *gin.Context) (poster.Style, error) {
	format, err := poster.ParseFormat(c.DefaultQuery("size", posterSizes[0]))
	if err != nil {
		return poster.Style{}, errPosterStyle
	}
	language, err := poster.ParseLanguage(c.DefaultQuery("words", posterLanguages[0]))
	if err != nil {
		return poster.Style{}, errPosterStyle
	}
	return poster.Style{Format: format, Language: language, Location: u.Location}, nil
}

// posterOf returns what a place's poster says: of a part, the site's name over its own.
func (u *UI) posterOf(c *gin.Context, place registry.Place) (poster.Poster, error) {
	one, err := poster.New(u.BaseURL, place.Code)
	if err != nil {
		return poster.Poster{}, err
	}
	one.Name, one.Address = place.Name, place.Address
	page, err := u.placePage(c, place)
	if err != nil {
		return poster.Poster{}, err
	}
	if len(page.Above) > 0 {
		site := page.Above[0]
		one.Name, one.Part = site.Name, place.Name
		if one.Address == "" {
			one.Address = site.Address
		}
	}
	return one, nil
}
