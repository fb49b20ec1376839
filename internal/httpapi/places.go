package httpapi

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
)

// placesPerPart is how many places one answer lists at most.
const placesPerPart = 200

var (
	errPlacesMedia = errs.New(errs.Unsupported, "unsupported_media_type", "Send the places as text/csv.")
	errLimit       = errs.New(errs.Invalid, "limit", "A part of the places has from 1 to 200 of them.")
)

// PlaceFiles takes in places from files, says what became of their rows, and writes an organisation's places as one. Its errors are those of places.Files.
type PlaceFiles interface {
	Take(ctx context.Context, actor registry.Account, in io.Reader) (registry.PlaceFile, error)
	Report(ctx context.Context, actor registry.Account, id uuid.UUID) (places.Report, error)
	WriteCSV(ctx context.Context, actor registry.Account, w io.Writer) error
}

// registerPlaces adds the routes of those who have places.
func (a *API) registerPlaces(r gin.IRouter) {
	r.GET("/api/v1/places", a.as(account.ActManagePlaces, a.getPlaces))
	r.GET("/api/v1/places.csv", a.as(account.ActManagePlaces, a.getPlacesCSV))
	r.POST("/api/v1/place-files", a.as(account.ActManagePlaces, a.postPlaceFile))
	r.GET("/api/v1/place-files/:id", a.as(account.ActManagePlaces, a.getPlaceFile))
}

// wirePlace is a place as it is listed.
type wirePlace struct {
	ID      uuid.UUID  `json:"id"`
	Parent  *uuid.UUID `json:"parent"`
	Key     string     `json:"key"`
	Name    string     `json:"name"`
	Kind    string     `json:"kind"`
	Address string     `json:"address"`
	Ward    string     `json:"ward"`
	Dwell   int64      `json:"dwell"`
	Hours   string     `json:"hours"`
	Serial  uint32     `json:"serial"`
}

func placeOf(p registry.Place) wirePlace {
	w := wirePlace{
		ID: p.ID, Key: p.Key, Name: p.Name, Kind: p.Kind.String(), Address: p.Address, Ward: p.Area, Dwell: p.DwellSeconds(),
		Hours: p.Hours, Serial: p.Serial,
	}
	if p.Parent != uuid.Nil {
		w.Parent = &p.Parent
	}
	return w
}

// getPlaces finds places of the actor's organisation, in the order of their names.
func (a *API) getPlaces(c *gin.Context, actor registry.Account) error {
	q := registry.Search{Organisation: actor.Organisation, Area: c.Query("area"), Text: c.Query("name")}
	var err error
	if q.Limit, err = strconv.Atoi(c.DefaultQuery("limit", "50")); err != nil || q.Limit < 1 || q.Limit > placesPerPart {
		return errLimit
	}
	if text := c.Query("after"); text != "" {
		if q.After, err = uuid.Parse(text); err != nil {
			return errCursor
		}
	}
	found, err := a.findPlaces(c.Request.Context(), q)
	if err != nil {
		return err
	}
	listed := make([]wirePlace, len(found.Places))
	for i, p := range found.Places {
		listed[i] = placeOf(p)
	}
	answer := gin.H{"places": listed, "after": nil}
	if found.Next != uuid.Nil {
		answer["after"] = found.Next
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

// getPlacesCSV streams the places of the actor's organisation. A failure after the first byte cuts the connection.
func (a *API) getPlacesCSV(c *gin.Context, actor registry.Account) error {
	c.Header("Content-Type", "text/csv; charset=utf-8")
	err := a.placeFiles.WriteCSV(c.Request.Context(), actor, c.Writer)
	if err != nil && c.Writer.Written() {
		a.logger.WarnContext(c.Request.Context(), "places not sent", "request", RequestID(c), "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// wireFile is what became of a file of places.
type wireFile struct {
	ID      uuid.UUID   `json:"id"`
	Added   int         `json:"added"`
	Refused int         `json:"refused"`
	Faults  []wireFault `json:"faults"`
}

// wireFault says why a row is no place.
type wireFault struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// postPlaceFile makes places of the rows of the body.
func (a *API) postPlaceFile(c *gin.Context, actor registry.Account) error {
	if media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || media != "text/csv" {
		return errPlacesMedia
	}
	if c.Request.ContentLength > places.MaxFile {
		return places.ErrFileSize
	}
	file, err := a.placeFiles.Take(c.Request.Context(), actor, c.Request.Body)
	if err != nil {
		c.Header("Connection", "close") // the rest of the body is not read
		return err
	}
	c.Header("Location", "/api/v1/place-files/"+file.ID.String())
	return a.answerFile(c, actor, http.StatusCreated, file.ID)
}

func (a *API) getPlaceFile(c *gin.Context, actor registry.Account) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return registry.ErrNotFound
	}
	return a.answerFile(c, actor, http.StatusOK, id)
}

func (a *API) answerFile(c *gin.Context, actor registry.Account, status int, id uuid.UUID) error {
	report, err := a.placeFiles.Report(c.Request.Context(), actor, id)
	if err != nil {
		return err
	}
	file := wireFile{ID: report.ID, Added: report.Added, Refused: report.Refused, Faults: make([]wireFault, len(report.Faults))}
	for i, f := range report.Faults {
		file.Faults[i] = wireFault{f.Line, f.Column, f.Why.Code, f.Why.Message}
	}
	c.JSON(status, file)
	return nil
}
