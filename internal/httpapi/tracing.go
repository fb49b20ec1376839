package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/tracing"
)

// The reasons for refusing what a tracing team sends.
var (
	errTracingMedia = errs.New(errs.Unsupported, "unsupported_media_type", "Send the request as application/json.")
	errTracingBody  = errs.New(errs.Invalid, "body_malformed", "The body is not of the documented form.")
)

// Tracing takes runs and dry runs, gives lists, and opens the details of who is in them. Its errors are those of cases.Service.
type Tracing interface {
	Cases(ctx context.Context, actor registry.Account, f cases.Filter, at registry.Cursor) (registry.Part[registry.Case], error)
	Count(ctx context.Context, actor registry.Account, f cases.Filter) (int, error)
	Runs(ctx context.Context, actor registry.Account, of uuid.UUID, at registry.Cursor) (registry.Part[registry.Run], error)
	Run(ctx context.Context, actor registry.Account, order cases.Order) (registry.Run, error)
	DryRun(ctx context.Context, actor registry.Account, choice cases.Choice, own *cases.Numbers) (cases.Estimate, error)
	Export(ctx context.Context, actor registry.Account, run uuid.UUID, format string) (*cases.List, error)
	Approve(ctx context.Context, actor registry.Account, run uuid.UUID) error
	OpenDetails(
		ctx context.Context, actor registry.Account, run, person uuid.UUID, purpose vault.Purpose,
	) (cases.Listed, vault.Details, error)
}

// registerTracing adds the routes of the tracing teams, whose sessions are those of the pages.
func (a *API) registerTracing(r gin.IRouter) {
	for _, route := range []struct {
		method, path string
		answer       func(*gin.Context, registry.Account) error
	}{
		{http.MethodGet, "/api/v1/cases", a.getCases},
		{http.MethodPost, "/api/v1/dry-runs", a.postDryRun},
		{http.MethodGet, "/api/v1/runs", a.getRuns},
		{http.MethodPost, "/api/v1/runs", a.postRun},
		{http.MethodGet, "/api/v1/runs/:id", a.getRun},
		{http.MethodPost, "/api/v1/runs/:id/approval", a.postApproval},
		{http.MethodPost, "/api/v1/runs/:id/people/:person/details", a.postDetails},
	} {
		r.Handle(route.method, route.path, a.as(account.ActTrace, route.answer))
	}
}

// wireChoice says which cases are meant.
type wireChoice struct {
	Cases []uuid.UUID `json:"cases"`
	All   bool        `json:"all"`
	Open  bool        `json:"open"`
	Day   string      `json:"day"`
}

// choice reads what was sent. A filter without all would be looked over, so it is a fault.
func (w wireChoice) choice() (cases.Choice, error) {
	choice := cases.Choice{All: w.All, IDs: w.Cases}
	if w.All == (len(w.Cases) > 0) || !w.All && (w.Open || w.Day != "") {
		return choice, cases.ErrNoCases
	}
	choice.Open = w.Open
	return choice, readDay(w.Day, &choice.Day)
}

func readDay(text string, into *tracing.Date) error {
	if text == "" {
		return nil
	}
	day, err := tracing.ParseDate(text)
	if err != nil {
		return cases.ErrDay
	}
	*into = day
	return nil
}

// wireCase is a case as it is listed. Who it is stands under a pseudonym in the lists alone.
type wireCase struct {
	ID       uuid.UUID `json:"id"`
	Onset    string    `json:"onset"`
	Sample   string    `json:"sample"`
	Isolated int64     `json:"isolated"`
	LabRef   string    `json:"lab_ref"`
	Area     string    `json:"area"`
	Created  int64     `json:"created"`
}

func caseOf(c registry.Case) wireCase {
	return wireCase{c.ID, c.Onset, c.Sample, c.Isolated, c.LabRef, c.Area, c.Created}
}

// getCases lists the cases of the actor's area that a filter takes, newest first, a part at a time.
func (a *API) getCases(c *gin.Context, actor registry.Account) error {
	filter := cases.Filter{Open: c.Query("open") == "true"}
	if err := readDay(c.Query("day"), &filter.Day); err != nil {
		return err
	}
	at, err := readCursor(c)
	if err != nil {
		return err
	}
	part, err := a.tracing.Cases(c.Request.Context(), actor, filter, at)
	if err != nil {
		return err
	}
	total, err := a.tracing.Count(c.Request.Context(), actor, filter)
	if err != nil {
		return err
	}
	answer := partOf("cases", part, caseOf, func(c registry.Case) uuid.UUID { return c.ID })
	answer["total"] = total
	c.JSON(http.StatusOK, answer)
	return nil
}

// getRuns lists the runs that concern the actor's area, newest first, a part at a time.
func (a *API) getRuns(c *gin.Context, actor registry.Account) error {
	at, err := readCursor(c)
	if err != nil {
		return err
	}
	part, err := a.tracing.Runs(c.Request.Context(), actor, uuid.Nil, at)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, partOf("runs", part, runOf, func(r registry.Run) uuid.UUID { return r.ID }))
	return nil
}

// postDryRun counts what cases would list under every profile, and under own numbers where there are some.
func (a *API) postDryRun(c *gin.Context, actor registry.Account) error {
	var body struct {
		wireChoice
		Own *struct {
			Base        string `json:"base"`
			BeforeOnset *int   `json:"before_onset"`
			MinOverlap  *int64 `json:"min_overlap"`
			Linger      *int64 `json:"linger"`
			Latency     *int64 `json:"latency"`
			Depth       *int   `json:"depth"`
			CrowdLimit  *int   `json:"crowd_limit"`
		} `json:"own"`
	}
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return err
	}
	choice, err := body.choice()
	if err != nil {
		return err
	}
	var own *cases.Numbers
	if o := body.Own; o != nil {
		own = &cases.Numbers{
			Base: o.Base, BeforeOnset: o.BeforeOnset, MinOverlap: o.MinOverlap, Linger: o.Linger, Latency: o.Latency,
			Depth: o.Depth, CrowdLimit: o.CrowdLimit,
		}
	}
	estimate, err := a.tracing.DryRun(c.Request.Context(), actor, choice, own)
	if err != nil {
		return err
	}
	results := make([]gin.H, len(estimate.Results))
	for i, r := range estimate.Results {
		results[i] = gin.H{"profile": r.Profile.Name, "counts": r.Counts}
	}
	c.JSON(http.StatusOK, gin.H{"cases": estimate.Cases, "as_of": estimate.AsOf, "results": results})
	return nil
}

// wireRun is a run as it is answered; Cases is how many there are.
type wireRun struct {
	ID      uuid.UUID `json:"id"`
	Cases   int       `json:"cases"`
	Profile string    `json:"profile"`
	AsOf    int64     `json:"as_of"`
	Hash    string    `json:"hash"`
	F1      int       `json:"f1"`
	F2      int       `json:"f2"`
}

func runOf(r registry.Run) wireRun {
	return wireRun{r.ID, len(r.Cases), r.Profile, r.AsOf, r.Hash, r.F1, r.F2}
}

// postRun makes a run.
func (a *API) postRun(c *gin.Context, actor registry.Account) error {
	var body struct {
		wireChoice
		Profile string `json:"profile"`
		Depth   int    `json:"depth"`
	}
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return err
	}
	choice, err := body.choice()
	if err != nil {
		return err
	}
	run, err := a.tracing.Run(c.Request.Context(), actor, cases.Order{Choice: choice, Profile: body.Profile, Depth: body.Depth})
	if err != nil {
		return err
	}
	c.Header("Location", "/api/v1/runs/"+run.ID.String())
	c.JSON(http.StatusCreated, runOf(run))
	return nil
}

// getRun streams the actor's sight of a list. Until its first byte a failure is a problem; after it the connection is cut.
func (a *API) getRun(c *gin.Context, actor registry.Account) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return registry.ErrNotFound
	}
	list, err := a.tracing.Export(c.Request.Context(), actor, id, "json")
	if err != nil {
		return err
	}
	c.Header("Content-Type", "application/json; charset=utf-8")
	c.Status(http.StatusOK)
	if err := writeList(c.Writer, list); err != nil {
		a.logger.WarnContext(c.Request.Context(), "list not sent", "request", RequestID(c), "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// The form of a list beside that of a run.
type (
	wireCounted struct {
		Number int `json:"number"`
		wireCase
		F1 int `json:"f1"`
		F2 int `json:"f2"`
	}
	wirePerson struct {
		Person        uuid.UUID         `json:"person"`
		Generation    int               `json:"generation"`
		FirstExposure int64             `json:"first_exposure"`
		LastExposure  int64             `json:"last_exposure"`
		Encounters    int               `json:"encounters"`
		Overlap       int64             `json:"overlap"`
		Score         int64             `json:"score"`
		Certainty     tracing.Certainty `json:"certainty"`
		Area          string            `json:"area"`
		Cases         []int             `json:"cases"`
		Evidence      []wireEncounter   `json:"evidence"`
	}
	wireEncounter struct {
		Source       uuid.UUID         `json:"source"`
		Place        uuid.UUID         `json:"place"`
		Trip         *uuid.UUID        `json:"trip"`
		PlaceName    string            `json:"place_name"`
		Route        string            `json:"route"`
		From         int64             `json:"from"`
		To           int64             `json:"to"`
		SourceBasis  tracing.Basis     `json:"source_basis"`
		ContactBasis tracing.Basis     `json:"contact_basis"`
		Certainty    tracing.Certainty `json:"certainty"`
		Crowd        int               `json:"crowd"`
		Flagged      bool              `json:"flagged"`
		Doubts       []string          `json:"doubts"`
	}
)

// writeList writes a list with one person after the other, so that it is never in memory as text.
func writeList(w io.Writer, list *cases.List) error {
	counted := make([]wireCounted, len(list.ByCase))
	for i, c := range list.ByCase {
		counted[i] = wireCounted{c.Root, caseOf(c.Case), c.F1, c.F2}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	part := func(before string, value any) error {
		_, _ = out.WriteString(before) // the writer keeps its error
		return encode.Encode(value)
	}
	err := errors.Join(part(`{"run":`, runOf(list.Run)), part(`,"hidden":`, list.Hidden), part(`,"cases":`, counted))
	before := `,"people":[`
	for i := range list.People {
		if err = errors.Join(err, part(before, personOf(list, &list.People[i]))); err != nil {
			return fmt.Errorf("sending a list: %w", err)
		}
		before = ","
	}
	if len(list.People) == 0 {
		_, _ = out.WriteString(before)
	}
	_, _ = out.WriteString("]}\n")
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("sending a list: %w", err)
	}
	return nil
}

func personOf(list *cases.List, row *cases.Row) wirePerson {
	p := wirePerson{
		row.Person, row.Generation, row.FirstExposure, row.LastExposure, row.Encounters, row.Overlap, row.Score, row.Certainty,
		row.Area, slices.AppendSeq([]int{}, row.Roots.All()), make([]wireEncounter, len(row.Evidence)),
	}
	for i, e := range row.Evidence {
		var trip *uuid.UUID
		if e.Place.Trip != uuid.Nil {
			trip = &e.Place.Trip
		}
		p.Evidence[i] = wireEncounter{
			e.Source, e.Place.ID, trip, list.PlaceNames[e.Place.ID].Name, list.Trips[e.Place.Trip].Route, e.From, e.To, e.SourceBasis,
			e.ContactBasis, e.Certainty, e.Crowd, e.Flagged, append([]string{}, row.DoubtsOf(i)...),
		}
	}
	return p
}

// readJSON reads a body of the documented form.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return errTracingMedia
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return errBodySize
		}
		return errBodyCut.Because(fmt.Errorf("reading the body: %w", err))
	}
	if decodeStrictly(body, into) != nil {
		return errTracingBody
	}
	return nil
}
