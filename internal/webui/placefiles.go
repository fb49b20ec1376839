package webui

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
)

const (
	placeFilePath = "/places/file"
	// faultsShown is how many rows that were refused a page shows; the file of them has more.
	faultsShown = 200
)

// registerPlaceFiles adds the pages on which an owner gives and takes places as files. Their forms send more than others.
func (u *UI) registerPlaceFiles(r gin.IRouter) {
	serve(r, "/export.csv", u.serveOwnPlaces)
	serve(r, "/file", u.showPlaceFile)
	r.POST("/file", limitBody(places.MaxFile+maxForm), u.takePlaceFile)
	serve(r, "/file/:id", u.showPlaceReport)
	serve(r, "/file/:id/refused.csv", u.servePlaceReport)
}

// placeFilePage is the form for a file.
type placeFilePage struct {
	Columns []string
	Problem *problem
}

func (u *UI) showPlaceFile(c *gin.Context) { u.answerPlaceFile(c, http.StatusOK, nil) }

func (u *UI) answerPlaceFile(c *gin.Context, status int, p *problem) {
	u.show(c, status, "placefile", placeFilePage{Columns: places.Columns(), Problem: p})
}

// takePlaceFile makes places of the rows of a file, and leads to what became of it.
func (u *UI) takePlaceFile(c *gin.Context) {
	in, err := fileOf(c.Request, "file")
	if err == nil {
		var taken registry.PlaceFile
		if taken, err = u.PlaceFiles.Take(c.Request.Context(), actor(c), in); err == nil {
			u.seeOther(c, placeFilePath+"/"+taken.ID.String())
			return
		}
	}
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	p.tell(c)
	c.Header("Connection", "close") // the rest of the file is not read
	u.answerPlaceFile(c, p.Status, &p)
}

// fileOf returns the file of a field of a form, to be read while it arrives. The fields before it are left out.
func fileOf(r *http.Request, field string) (io.Reader, error) {
	if r.ContentLength > places.MaxFile+maxForm {
		return nil, places.ErrFileSize
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, formFault(err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, places.ErrFile
		case err != nil:
			return nil, formFault(err)
		case part.FormName() == field:
			return part, nil
		}
	}
}

// placeReportPage is what became of a file.
type placeReportPage struct {
	places.Report
	Shown []places.RowFault
}

// More is how many rows were refused that the page does not show.
func (p placeReportPage) More() int { return p.Refused - len(p.Shown) }

func (u *UI) showPlaceReport(c *gin.Context) {
	report, ok := u.placeReport(c)
	if !ok {
		return
	}
	u.show(c, http.StatusOK, "placereport", placeReportPage{report, report.Faults[:min(len(report.Faults), faultsShown)]})
}

// placeReport reads what became of the file in the path. On false the refusal has been answered.
func (u *UI) placeReport(c *gin.Context) (places.Report, bool) {
	id, err := idParameter(c)
	var report places.Report
	if err == nil {
		report, err = u.PlaceFiles.Report(c.Request.Context(), actor(c), id)
	}
	if err != nil {
		u.failBackTo(c, err, placeFilePath)
		return places.Report{}, false
	}
	return report, true
}

// servePlaceReport gives the rows that were refused as a file.
func (u *UI) servePlaceReport(c *gin.Context) {
	report, ok := u.placeReport(c)
	if !ok {
		return
	}
	texts := u.texts(c)
	out := csv.NewWriter(&download{c: c, name: "truyvet-refused.csv"})
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{"line", "column", "reason"})
	for _, fault := range report.Faults {
		_ = out.Write([]string{strconv.Itoa(fault.Line), fault.Column, problemOf(texts, fault.Why).Happened})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		u.logFault(c, fmt.Errorf("writing what became of a file: %w", err))
		panic(http.ErrAbortHandler)
	}
}

// serveOwnPlaces gives an organisation's places as a file that can be given back.
func (u *UI) serveOwnPlaces(c *gin.Context) {
	out := &download{c: c, name: "truyvet-places.csv"}
	err := u.PlaceFiles.WriteCSV(c.Request.Context(), actor(c), out)
	switch {
	case err != nil && !out.begun:
		u.failBackTo(c, err, "/places")
	case err != nil:
		u.logFault(c, err)
		panic(http.ErrAbortHandler)
	}
}
