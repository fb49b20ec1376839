package owner

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	placeFilePath = "/places/file"
	// faultsShown is how many rows that were refused a page shows; the file of them has more.
	faultsShown = 200
)

// registerPlaceFiles adds the pages on which an owner gives and takes places as files. Their forms send more than others.
func (p *Pages) registerPlaceFiles(r gin.IRouter) {
	page.Serve(r, "/export.csv", p.serveOwnPlaces)
	page.Serve(r, "/file", p.showPlaceFile)
	r.POST("/file", page.LimitBody(places.MaxFile+page.MaxForm), p.takePlaceFile)
	page.Serve(r, "/file/:id", p.showPlaceReport)
	page.Serve(r, "/file/:id/refused.csv", p.servePlaceReport)
}

// placeFilePage is the form for a file.
type placeFilePage struct {
	Columns []string
	Forms   []declaration.Form
	Problem *page.Problem
}

func (p *Pages) showPlaceFile(c *gin.Context) { p.answerPlaceFile(c, http.StatusOK, nil) }

func (p *Pages) answerPlaceFile(c *gin.Context, status int, told *page.Problem) {
	p.Show(c, status, "placefile", placeFilePage{Columns: places.Columns(), Forms: p.Forms, Problem: told})
}

// takePlaceFile makes places of the rows of a file, and leads to what became of it.
func (p *Pages) takePlaceFile(c *gin.Context) {
	in, err := fileOf(c.Request, "file")
	if err == nil {
		var taken registry.PlaceFile
		if taken, err = p.PlaceFiles.Take(c.Request.Context(), page.Actor(c), in); err == nil {
			p.SeeOther(c, placeFilePath+"/"+taken.ID.String())
			return
		}
	}
	p.LogFault(c, err)
	told := page.ProblemOf(p.Texts(c), err)
	told.Tell(c)
	c.Header("Connection", "close") // the rest of the file is not read
	p.answerPlaceFile(c, told.Status, &told)
}

// fileOf returns the file of a field of a form, to be read while it arrives. The fields before it are left out.
func fileOf(r *http.Request, field string) (io.Reader, error) {
	if r.ContentLength > places.MaxFile+page.MaxForm {
		return nil, places.ErrFileSize
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, page.FormFault(err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, places.ErrFile
		case err != nil:
			return nil, page.FormFault(err)
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

func (p *Pages) showPlaceReport(c *gin.Context) {
	report, ok := p.placeReport(c)
	if !ok {
		return
	}
	p.Show(c, http.StatusOK, "placereport", placeReportPage{report, report.Faults[:min(len(report.Faults), faultsShown)]})
}

// placeReport reads what became of the file in the path. On false the refusal has been answered.
func (p *Pages) placeReport(c *gin.Context) (places.Report, bool) {
	id, err := page.IDParameter(c)
	var report places.Report
	if err == nil {
		report, err = p.PlaceFiles.Report(c.Request.Context(), page.Actor(c), id)
	}
	if err != nil {
		p.FailBackTo(c, err, placeFilePath)
		return places.Report{}, false
	}
	return report, true
}

// servePlaceReport gives the rows that were refused as a file.
func (p *Pages) servePlaceReport(c *gin.Context) {
	report, ok := p.placeReport(c)
	if !ok {
		return
	}
	texts := p.Texts(c)
	out := csv.NewWriter(page.NewDownload(c, "truyvet-refused.csv"))
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{"line", "column", "reason"})
	for _, fault := range report.Faults {
		_ = out.Write([]string{strconv.Itoa(fault.Line), fault.Column, page.ProblemOf(texts, fault.Why).Happened})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		p.LogFault(c, fmt.Errorf("writing what became of a file: %w", err))
		panic(http.ErrAbortHandler)
	}
}

// serveOwnPlaces gives an organisation's places as a file that can be given back.
func (p *Pages) serveOwnPlaces(c *gin.Context) {
	out := page.NewDownload(c, "truyvet-places.csv")
	err := p.PlaceFiles.WriteCSV(c.Request.Context(), page.Actor(c), out)
	switch {
	case err != nil && !out.Begun():
		p.FailBackTo(c, err, "/places")
	case err != nil:
		p.LogFault(c, err)
		panic(http.ErrAbortHandler)
	}
}
