package owner

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

var errPosterStyle = errs.New(errs.Invalid, "poster_style", "There are no posters of that size or in that language.")

// posterSizes and posterLanguages are what an owner chooses from, as the address names them.
var (
	posterSizes     = []string{poster.A4.String(), poster.A5.String(), poster.A6.String(), poster.Tent.String(), poster.Sticker.String(), poster.Strip.String()}
	posterLanguages = []string{poster.Both.String(), poster.Vietnamese.String(), poster.English.String()}
)

// servePoster draws the sheet of a place's poster, filled with copies where it takes several. The address names the paper
// (size) and the language (words; lang is that of pages). A sheet changes with the names that it bears and with the organisation's
// logo, so a browser asks each time whether the one that it keeps is still so.
func (p *Pages) servePoster(mediaType, ending string, draw func(io.Writer, poster.Style, ...poster.Poster) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		place, ok := p.placeOf(c)
		if !ok {
			return
		}
		style, err := p.posterStyle(c)
		if err != nil {
			p.FailBackTo(c, err, "/places/"+place.ID.String())
			return
		}
		one, err := p.posterOf(c, place)
		if err != nil {
			p.Fail(c, fmt.Errorf("drawing a poster: %w", err))
			return
		}
		var sheet bytes.Buffer
		if err := draw(&sheet, style, slices.Repeat([]poster.Poster{one}, style.Format.PerSheet())...); err != nil {
			p.Fail(c, fmt.Errorf("drawing a poster: %w", err))
			return
		}
		if _, download := c.Request.URL.Query()["download"]; download {
			c.Header("Content-Disposition", "attachment; filename="+url.PathEscape(fileName(place)+"-"+style.Format.String()+ending))
		}
		sum := sha256.Sum256(sheet.Bytes())
		c.Header("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		c.Header("Cache-Control", "private, no-cache")
		c.Header("Content-Type", mediaType)
		http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(sheet.Bytes()))
	}
}

func (p *Pages) posterStyle(c *gin.Context) (poster.Style, error) {
	format, err := poster.ParseFormat(c.DefaultQuery("size", posterSizes[0]))
	if err != nil {
		return poster.Style{}, errPosterStyle
	}
	language, err := poster.ParseLanguage(c.DefaultQuery("words", posterLanguages[0]))
	if err != nil {
		return poster.Style{}, errPosterStyle
	}
	return poster.Style{Format: format, Language: language, Location: p.Location}, nil
}

// posterOf returns what a place's poster says.
func (p *Pages) posterOf(c *gin.Context, place registry.Place) (poster.Poster, error) {
	one, known, err := printing.PosterOf(p.Map, p.BaseURL, place.ID)
	if err == nil && !known {
		err = registry.ErrNotFound
	}
	if err != nil {
		return poster.Poster{}, err
	}
	one.Logo, err = printing.LogoOf(c.Request.Context(), p.Records, place.Organisation)
	return one, err
}

// fileName tells codes apart in a folder of downloads: by the name of the place, and its id where the name has no letter that
// every system takes.
func fileName(p registry.Place) string {
	return fmt.Sprintf("truyvet-%s-%d", cmp.Or(registry.FileName(p.Name), strings.ToLower(page.ShortID(p.ID))), p.Serial)
}

// serveCode draws the code of a place. The same serial gives the same picture, so an address that names the serial may be
// kept for good.
func (p *Pages) serveCode(mediaType string, draw func(io.Writer, string, poster.Options) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		place, ok := p.placeOf(c)
		if !ok {
			return
		}
		address, err := qrgen.URL(p.BaseURL, place.Code)
		if err != nil {
			p.Fail(c, fmt.Errorf("writing a code's address: %w", err))
			return
		}
		var picture bytes.Buffer
		if err := draw(&picture, address, poster.Options{Scale: 12, Title: place.Name}); err != nil {
			p.Fail(c, fmt.Errorf("drawing a code: %w", err))
			return
		}
		keepWithSerial(c, place)
		if _, download := c.Request.URL.Query()["download"]; download {
			_, ending, _ := strings.Cut(c.Request.URL.Path[strings.LastIndexByte(c.Request.URL.Path, '/'):], ".")
			c.Header("Content-Disposition", "attachment; filename="+url.PathEscape(fileName(place)+"."+ending))
		}
		c.Data(http.StatusOK, mediaType, picture.Bytes())
	}
}

// keepWithSerial lets what is drawn of a place's code be kept for good under an address that names its serial.
func keepWithSerial(c *gin.Context, place registry.Place) {
	if c.Query("serial") == strconv.FormatUint(uint64(place.Serial), 10) {
		c.Header("Cache-Control", "private, max-age=31536000, immutable")
	} else {
		c.Header("Cache-Control", "no-cache")
	}
}
